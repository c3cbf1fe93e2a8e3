"""Metrics of every group of a table, with intervals: matrices of metrics by groups."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from monitor import rates
from monitor.fairness import exposure, intervals, numbers, quotients, scores
from monitor.fairness.intervals import Estimates
from monitor.panes.table import MEAN, Floats, Table, stacked

OTHERS = {**quotients.METRICS, **scores.METRICS, **exposure.METRICS}


@dataclass(frozen=True)
class Sums:
    """What shares and means are made of; each of shape (metrics, groups).

    `total` is the successes of a share or the sum of a number, `squares` the sum of squares of a number.
    """

    n: Floats
    total: Floats
    squares: Floats

    def __getitem__(self, index: Any) -> "Sums":
        return Sums(self.n[index], self.total[index], self.squares[index])

    @property
    def rest(self) -> "Sums":
        """For each group, all other groups together."""
        return Sums(*(part.sum(axis=1, keepdims=True) - part for part in (self.n, self.total, self.squares)))


@dataclass(frozen=True)
class Matrix:
    """`groups` and `rest`, which is all other groups together, have shape (metrics, groups).

    `weight` is each group's part of a metric's denominator: the overall value is
    weight · group + (1 − weight) · rest. Rest and weight are NaN for metrics that do not average so.
    """

    metrics: Sequence[str]
    groups: Estimates
    sums: Sums
    weight: Floats

    def of(self, metrics: Sequence[str]) -> "Matrix":
        """Some of the metrics."""
        if metrics == self.metrics:
            return self
        place = {metric: row for row, metric in enumerate(self.metrics)}
        rows = [place[metric] for metric in metrics]
        return Matrix(metrics, self.groups[rows], self.sums[rows], self.weight[rows])

    @cached_property
    def rest(self) -> Estimates:
        return _estimates([_kind(metric) for metric in self.metrics], self.sums.rest)


@lru_cache(maxsize=1024)
def is_metric(name: str) -> bool:
    """Whether there is such a metric of a group, under our name for it.

    >>> [is_metric(name) for name in ("accuracy", "value.p50", "values.csat.mean", "auc", "psi")]
    [True, True, True, True, False]
    """
    return additive(name) or _other(name) is not None


def additive(name: str) -> bool:
    """Whether it is a share or a mean: then there is a value of everybody that averages the groups'."""
    return rates.definition(name) is not None or name.endswith(MEAN)


def estimate(metrics: Sequence[str], table: Table) -> Matrix:
    """Estimates of some metrics. Raises KeyError for what `is_metric` does not know."""
    return estimate_all(metrics, [table])[0]


def estimate_all(metrics: Sequence[str], tables: Sequence[Table]) -> list[Matrix]:
    """The estimates of each table, made at once: many small arrays cost more than a large one."""
    kinds = [_kind(metric) for metric in metrics]
    table = stacked(tables)
    ends = list(itertools.accumulate((len(each.groups) for each in tables), initial=0))
    parts = [slice(start, end) for start, end in itertools.pairwise(ends)]
    sums = _sums(metrics, table, parts)
    groups = _estimates(kinds, sums)
    for row, metric in enumerate(metrics):
        if kinds[row] == "other":
            _put(groups, row, _method(metric)(table))
    return [_matrix(metrics, kinds, groups[:, part], sums[:, part]) for part in parts]


def _matrix(metrics: Sequence[str], kinds: Sequence[str], groups: Estimates, sums: Sums) -> Matrix:
    of_kind = np.array(kinds)[:, None]
    denominator = np.where(of_kind == "dice", sums.n + sums.total, np.where(of_kind == "other", 0, sums.n))
    whole = denominator.sum(axis=1, keepdims=True)
    return Matrix(metrics, groups, sums, denominator / np.where(whole > 0, whole, np.nan))


def _sums(metrics: Sequence[str], table: Table, parts: Sequence[slice]) -> Sums:
    total, n = _counted(metrics, table, parts)
    found = Sums(n, total, total.copy())
    for row, metric in enumerate(metrics):
        if metric.endswith(MEAN):
            moments = numbers.moments(metric.removesuffix(MEAN), table)
            found.n[row], found.total[row], found.squares[row] = moments
    return found


def _counted(metrics: Sequence[str], table: Table, parts: Sequence[slice]) -> Floats:
    """Successes and trials of the rates among metrics, as one product; shape (2, metrics, groups).

    A rate that is of all is of all groups of its part.
    """
    counts = np.array(list(table.counts.values()), float).reshape(len(table.counts), len(table.groups))
    asked, shared = _asked(tuple(metrics), tuple(table.counts))
    sums: Floats = asked @ counts
    for part in parts:
        sums[1, shared, part] = sums[1, shared, part].sum(axis=1, keepdims=True)
    return sums


@lru_cache(maxsize=64)
def _asked(metrics: tuple[str, ...], there: tuple[str, ...]) -> tuple[Floats, list[int]]:
    """How often each atom counts in successes and trials, shape (2, metrics, atoms); rows that are of all."""
    place = {atom: number for number, atom in enumerate(there)}
    asked = np.zeros((2, len(metrics), len(place)))
    definitions = [rates.definition(metric) for metric in metrics]
    for row, found in enumerate(definitions):
        for side, atoms in enumerate((found.numerator, found.denominator) if found else ()):
            for atom in atoms:
                if atom in place:
                    asked[side, row, place[atom]] += 1
    return asked, [row for row, found in enumerate(definitions) if found and found.of_all]


@lru_cache(maxsize=1024)
def _kind(metric: str) -> str:
    if metric.endswith(MEAN):
        return "mean"
    found = rates.definition(metric)
    return "other" if found is None else "dice" if found.dice else "share"


_METHODS: dict[str, Callable[[Sums], Estimates]] = {
    "share": lambda sums: intervals.shares(sums.total, sums.n),
    "dice": lambda sums: intervals.dice(intervals.shares(sums.total, sums.n)),
    "mean": lambda sums: intervals.means(sums.n, sums.total, sums.squares),
}


def _estimates(kinds: Sequence[str], sums: Sums) -> Estimates:
    value, low, high = (np.full(sums.n.shape, np.nan) for _ in range(3))
    found = Estimates(value, low, high, sums.n.astype(np.int64))
    for kind, method in _METHODS.items():
        rows = [row for row, other in enumerate(kinds) if other == kind]
        _put(found, rows, method(sums[rows]))
    return found


def _put(all_rows: Estimates, rows: int | list[int], found: Estimates) -> None:
    all_rows.value[rows], all_rows.low[rows], all_rows.high[rows] = found.value, found.low, found.high
    all_rows.n[rows] = found.n


def _other(metric: str) -> Callable[[Table], Estimates] | None:
    asked = numbers.quantile(metric)
    return partial(numbers.quantiles, *asked) if asked else OTHERS.get(metric)


def _method(metric: str) -> Callable[[Table], Estimates]:
    found = _other(metric)
    if found is None:
        raise KeyError(metric)
    return found
