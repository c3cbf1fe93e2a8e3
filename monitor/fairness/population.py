"""Composites of everybody: one number for all groups together.

Each takes a table and gives one estimate, of shape (). NaN limits say that it has no interval.
"""

import re
from collections.abc import Callable

import numpy as np

from monitor.fairness.estimates import estimate, is_metric
from monitor.fairness.intervals import FEWEST, Estimates, Z
from monitor.panes.table import UNKNOWN, Floats, Table

BENEFITS = np.array([0.0, 1.0, 2.0])  # decision minus outcome plus 1: false negative, right, false positive


def _benefits(table: Table) -> Floats:
    """How many people of each group have each of BENEFITS; shape (groups, 3)."""
    return np.stack([table.get("fn"), table.sum(("tp", "tn")), table.get("fp")], axis=1).astype(float)


def entropy_index(benefits: Floats, counts: Floats, alpha: float) -> float:
    """The generalized entropy index of `counts` people with each of `benefits`; 0 is perfectly even.

    Speicher et al. 2018: mean of ((b/μ)^α − 1) / (α(α − 1)); for α = 1, Theil's, the mean of b/μ · ln(b/μ).

    >>> round(entropy_index(np.array([1.0, 3.0]), np.array([1.0, 1.0]), 2), 4)
    0.125
    """
    n = counts.sum()
    mean = benefits @ counts / n if n else 0.0
    if not mean:
        return float("nan")
    relative = benefits / mean
    if alpha == 1:
        return float(relative * np.log(np.where(relative > 0, relative, 1)) @ counts / n)
    return float((relative**alpha - 1) @ counts / n / (alpha * (alpha - 1)))


def _of_people(alpha: float) -> Callable[[Table], Estimates]:
    """Entropy of individual benefits; the interval is the delta method's over the three counts."""

    def index(table: Table) -> Estimates:
        counts = _benefits(table).sum(axis=0)
        return _delta(lambda some: entropy_index(BENEFITS, some, alpha), counts)

    return index


def _between_groups(alpha: float) -> Callable[[Table], Estimates]:
    """Entropy of benefits when everyone gets their group's mean: what differs between groups.

    It has no interval: chance alone makes it grow.
    """

    def index(table: Table) -> Estimates:
        counts = _benefits(table)
        n = counts.sum(axis=1)
        means = counts[n > 0] @ BENEFITS / n[n > 0]
        return _one(entropy_index(means, n[n > 0], alpha), int(n.sum()))

    return index


def differential_fairness(positives: Floats, n: Floats, concentration: float = 1.0) -> float:
    """Smoothed empirical differential fairness: the largest |log ratio| of two groups' chances of a class.

    Each class gets concentration / 2 people more (Foulds et al. 2020; AIF360). 0 is even; .22 is four fifths.
    """
    if len(n) < 2:
        return float("nan")
    chance = (positives + concentration / 2) / (n + concentration)
    logs = np.log(np.stack([chance, 1 - chance]))
    return float((logs.max(axis=1) - logs.min(axis=1)).max())


def _differential(positive: tuple[str, ...], everyone: tuple[str, ...]) -> Callable[[Table], Estimates]:
    def epsilon(table: Table) -> Estimates:
        known = np.array([group != UNKNOWN for group in table.groups], bool)
        positives, n = (table.sum(atoms)[known].astype(float) for atoms in (positive, everyone))
        return _one(differential_fairness(positives[n > 0], n[n > 0]), int(n.sum()))

    return epsilon


WHOLE: dict[str, Callable[[Table], Estimates]] = {
    "generalized_entropy": _of_people(2),
    "theil_index": _of_people(1),
    "between_group_generalized_entropy": _between_groups(2),
    "between_group_theil_index": _between_groups(1),
    "differential_fairness": _differential(("tp", "fp", "up"), ("tp", "fp", "up", "fn", "tn", "un")),
    "label_differential_fairness": _differential(("tp", "fn"), ("tp", "fp", "fn", "tn")),
}
JUDGED = ("generalized_entropy", "theil_index")  # those with an interval
_EXTREME = re.compile(r"group_(min|max)\.(.+)")


def extreme(name: str) -> tuple[str, str] | None:
    """Which end of which metric's groups "group_min.<metric>" or "group_max.<metric>" asks for.

    >>> extreme("group_min.accuracy"), extreme("accuracy")
    (('min', 'accuracy'), None)
    """
    found = _EXTREME.fullmatch(name)
    return (found[1], found[2]) if found and is_metric(found[2]) else None


def worst(end: str, metric: str, table: Table) -> tuple[str, Estimates] | None:
    """The group with the lowest ("min") or highest ("max") value of a metric, and that value.

    Groups without an interval and `unknown` are passed over, unless there are no others; None: nobody
    has a value. The interval is the group's own and does not correct for having looked for it.
    """
    found = estimate([metric], table).groups[0]
    known = [place for place, group in enumerate(table.groups) if group != UNKNOWN]
    defined = [place for place in known if not np.isnan(found.value[place])]
    candidates = [place for place in defined if found.n[place] >= FEWEST] or defined
    if not candidates:
        return None
    sign = 1 if end == "min" else -1
    place = min(candidates, key=lambda place: sign * float(found.value[place]))
    return table.groups[place], found[place]


def _one(value: float, n: int) -> Estimates:
    nothing = np.asarray(np.nan)
    return Estimates(np.asarray(value), nothing, nothing, np.asarray(n))


def _delta(of: Callable[[Floats], float], counts: Floats) -> Estimates:
    """A smooth function of counts with the delta method's interval.

    For a function that does not change when all counts double, Σ count · slope² is its variance under
    multinomial sampling.
    """
    value = of(counts)
    steps = np.diag(counts * 1e-4)
    used = counts > 0
    rises = np.array([of(counts + step) - of(counts - step) for step in steps])
    slopes = rises[used] / (2e-4 * counts[used])
    half = Z * np.sqrt(counts[used] @ slopes**2)
    return Estimates(
        np.asarray(value), np.asarray(value - half), np.asarray(value + half), np.asarray(int(counts.sum()))
    )
