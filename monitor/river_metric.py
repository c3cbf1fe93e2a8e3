"""Fairness between groups as a river metric: it updates, reverts and rolls like any of river's own."""

import math
from collections import Counter
from collections.abc import Hashable
from itertools import permutations
from typing import Any, Literal

import numpy as np
from river import base, metrics

from monitor import rates
from monitor.fairness import comparisons, estimates, pairs, population, quotients
from monitor.fairness.reference import OVERALL, Pair
from monitor.panes.table import DECISION, Floats, Table

EXTREMES = "extremes"


class GroupFairness(metrics.base.Metric):  # type: ignore[misc]
    """How far apart groups are in a metric of decisions and outcomes.

    `metric` is any name of docs/metrics/ that needs nothing else: a rate, a quotient such as
    `treatment_equality`, a composite such as `equalized_odds`, or one number for everybody such as
    `theil_index`; other names for them work too, and `disparate_impact` also says how to compare. `to` is
    what groups are held against: `extremes`, `overall` or a group. The gap furthest from equality is the
    value: the largest absolute difference, or the smallest ratio, always the smaller value over the larger.
    That is what fairlearn calls `between_groups` and `to_overall`.

    A group whose rate has an empty denominator has no rate, and while no two values can be compared the
    value is NaN, not 0. Raises ValueError for a metric or a comparison that there is none of.

    >>> gap = GroupFairness("selection_rate")
    >>> for group, decided in [("f", True), ("f", False), ("m", True), ("m", True)]:
    ...     gap.update(None, decided, group)
    >>> gap.get(), gap.by_group()
    (0.5, {'f': 0.5, 'm': 1.0})

    >>> from river import utils
    >>> last = utils.Rolling(GroupFairness, window_size=3, metric="disparate_impact")
    >>> for group, decided in [("f", True), ("f", False), ("m", True), ("f", True)]:
    ...     last.update(None, decided, group)
    >>> last.get()
    0.5
    """

    _fmt = ".4f"

    def __init__(
        self,
        metric: str = "selection_rate",
        compare: Literal["difference", "ratio"] = "difference",
        to: Hashable = EXTREMES,
        pos_val: bool | int | float | str = True,
    ) -> None:
        self.metric, self.compare, self.to, self.pos_val = metric, compare, to, pos_val
        self._metric, self._compare = _comparison(metric, compare)
        self._counts: dict[Hashable, Counter[str]] = {}

    def update(self, y_true: Any, y_pred: Any, group: Hashable, w: float = 1.0) -> None:
        """Counts a decision about a member of a group; `y_true` is None while no outcome has come."""
        self._counts.setdefault(group, Counter())[self._atom(y_true, y_pred)] += w  # type: ignore[assignment]

    def revert(self, y_true: Any, y_pred: Any, group: Hashable, w: float = 1.0) -> None:
        """Takes back an `update` of the same arguments."""
        self.update(y_true, y_pred, group, -w)
        if not any(self._counts[group].values()):
            del self._counts[group]

    def get(self) -> float:
        """The metric's value now; NaN where there is none."""
        if self._compare == "value":
            return float(population.WHOLE[self._metric](self._table()).value)
        compared = self._pairs()
        return _furthest(self._gaps(compared), self._compare) if compared else math.nan

    def by_group(self) -> dict[Hashable, float]:
        """The metric of each group, without those that have none; empty for a composite."""
        if not estimates.is_metric(self._metric):
            return {}
        values = estimates.estimate([self._metric], self._table()).groups.value[0].tolist()
        return {group: v for group, v in zip(self._counts, values, strict=True) if not math.isnan(v)}

    @property
    def bigger_is_better(self) -> bool:
        """A ratio is best at 1, from below; everything else at 0."""
        return self._compare == "ratio"

    @property
    def requires_labels(self) -> bool:
        """Decisions are compared with `pos_val`, so probabilities are none."""
        return True

    def works_with(self, model: base.Estimator) -> bool:
        """Whether the model decides: it is a classifier."""
        return isinstance(model, base.Classifier)

    def _atom(self, outcome: Any, decision: Any) -> str:
        positive = decision == self.pos_val
        if outcome is None:
            return "up" if positive else "un"
        right = positive == (outcome == self.pos_val)
        return ("t" if right else "f") + ("p" if positive else "n")

    def _table(self, everybody: bool = False) -> Table:
        """The counts by group; `everybody` is a last row."""
        columns = {atom: [counts[atom] for counts in self._counts.values()] for atom in DECISION}
        if everybody:
            columns = {atom: [*counts, sum(counts)] for atom, counts in columns.items()}
        rows = map(str, range(len(self._counts) + everybody))
        return Table(list(rows), {atom: np.array(counts) for atom, counts in columns.items()})

    def _pairs(self) -> list[Pair]:
        """The places of the groups to compare, and of what each is held against."""
        groups = list(self._counts)
        if self.to == EXTREMES:
            return list(permutations(range(len(groups)), 2))
        if self.to == OVERALL:
            return [(place, len(groups)) for place in range(len(groups))]
        held = [groups.index(self.to)] if self.to in groups else []
        return [(place, to) for to in held for place in range(len(groups)) if place != to]

    def _gaps(self, compared: list[Pair]) -> Floats:
        table = self._table(everybody=self.to == OVERALL)
        composite = pairs.find(self._metric, self._compare)
        if composite is not None:
            return composite.between(table, *np.array(compared).T).value
        found = estimates.estimate([self._metric], table).groups[0]
        return comparisons.between(self._compare, found, compared).value


def _furthest(gaps: Floats, compare: str) -> float:
    """The gap furthest from equality; NaN if none is defined."""
    known = gaps[~np.isnan(gaps)]
    if not len(known):
        return math.nan
    if compare == "difference":
        return float(np.abs(known).max())
    with np.errstate(divide="ignore"):
        return float(np.minimum(known, 1 / known).min())


def _comparison(given: str, compare: str) -> tuple[str, str]:
    """Our name of a metric and how to compare it. Raises ValueError."""
    metric, compare = rates.resolve(given, compare)
    if metric in population.WHOLE:
        return metric, "value"
    names = [*_rates(), *quotients.METRICS, *(name for name, how in pairs.PAIRS if how == compare)]
    if compare not in ("difference", "ratio"):
        raise ValueError(f"compare: {compare!r} is not allowed; allowed: difference, ratio")
    if metric not in names:
        alike = " or ".join(rates.close(given, [*names, *population.WHOLE]) or ["selection_rate"])
        allowed = f"a metric of decisions and outcomes that has a {compare}, such as {alike}"
        raise ValueError(f"metric: {given!r} is not allowed; allowed: {allowed}")
    return metric, compare


def _rates() -> list[str]:
    """The rates that are made of decisions and outcomes, and are no shares of all groups."""
    plain = set(DECISION)
    return [
        name
        for name, rate in rates.RATES.items()
        if not rate.of_all and plain.issuperset((*rate.numerator, *rate.denominator))
    ]
