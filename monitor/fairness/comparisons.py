"""Gaps between groups: which are asked for, and their values with intervals."""

import math
from collections.abc import Sequence

import numpy as np

from monitor.fairness import intervals
from monitor.fairness.estimates import Matrix
from monitor.fairness.intervals import Estimates
from monitor.fairness.reference import Pair
from monitor.panes.table import Floats

_METHODS = {"difference": intervals.difference, "ratio": intervals.ratio}


def between(compare: str, estimates: Estimates, pairs: Sequence[Pair]) -> Estimates:
    """The difference or ratio of each (group, reference) pair; `estimates` have shape (groups,)."""
    groups, references = np.array(pairs, int).reshape(-1, 2).T
    return _METHODS[compare](estimates[groups], estimates[references])


def of(compare: str, group: Estimates, reference: Estimates) -> Estimates:
    """The difference or ratio of independent estimates, of shapes that fit together."""
    return _METHODS[compare](group, reference)


def to_overall(compare: str, matrix: Matrix, row: int) -> Estimates:
    """Each group against everybody, the group included.

    A group is part of everybody, so the two are not independent; the group and the rest are. With w the
    group's weight, group − overall = (1 − w)(group − rest), and group / overall = R / (wR + 1 − w)
    with R = group / rest: both rise with what they are made of, so limits go over into limits.
    """
    group, rest, weight = matrix.groups[row], matrix.rest[row], matrix.weight[row]
    gap = _METHODS[compare](group, rest)
    if compare == "difference":
        parts = [(1 - weight) * part for part in (gap.value, gap.low, gap.high)]
    else:
        parts = [_whole(part, weight) for part in (gap.value, gap.low, gap.high)]
    return Estimates(parts[0], parts[1], parts[2], gap.n)


def overall(matrix: Matrix, row: int) -> tuple[float, int]:
    """The value of everybody, and its n."""
    group, weight = matrix.groups[row], matrix.weight[row]
    some = weight > 0
    return float((weight * group.value)[some].sum()) if some.any() else math.nan, int(group.n.sum())


def _whole(ratio: Floats, weight: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isinf(ratio), 1 / weight, ratio / (weight * ratio + 1 - weight))
