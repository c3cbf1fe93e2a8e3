"""Whom a model will decide about: groups, their shares and rates, and how many decisions a day.

From past decisions, or assumed.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from monitor import rates
from monitor.baseline import Baseline
from monitor.panes.table import DECISION, Table
from monitor.rates import LABELLED
from monitor.trials.asked import Family
from monitor.trials.running import ORDERED
from monitor.trials.told import PAIRS
from monitor.trials.trials import DAY


class Share(NamedTuple):
    """Of one group: how many events of a metric there are for each decision of the model, and their rate."""

    events: float
    rate: float


class Expected(Protocol):
    """What is known of the people a model will decide about."""

    @property
    def per_day(self) -> float:
        """Decisions a day."""

    def groups(self, attribute: str, metric: str) -> dict[str, Share]:
        """The groups of an attribute, the largest first."""

    def pairs(self, family: Family) -> int:
        """How many pairs of groups a family will have when its tests begin."""


@dataclass(frozen=True)
class Assumed:
    """Nothing is known: one group with a share and four more, the same rate for every metric.

    A metric whose denominator is one of the four cells of decision and outcome in two has half the decisions.

    >>> Assumed(1000, share=0.1, rate=0.5).groups("sex", "true_positive_rate")["a group"]
    Share(events=0.05, rate=0.5)
    """

    per_day: float
    share: float
    rate: float

    def groups(self, attribute: str, metric: str) -> dict[str, Share]:  # noqa: ARG002
        counted = _part(metric)
        return {
            "the others": Share((1 - self.share) * counted, self.rate),
            "a group": Share(self.share * counted, self.rate),
        }

    def pairs(self, family: Family) -> int:  # noqa: ARG002
        return PAIRS


def _part(metric: str) -> float:
    found = rates.definition(metric)
    cells = {atom.removeprefix("final_") for atom in found.denominator} if found else set()
    return len(cells & set(LABELLED)) / len(LABELLED) if cells & set(LABELLED) else 1.0


@dataclass(frozen=True)
class Past:
    """What was: the groups of past decisions, counted."""

    per_day: float
    tables: dict[str, Table]

    @classmethod
    def of(cls, baseline: Baseline, width: int, per_day: float | None = None) -> "Past":
        """From a baseline, whose slices are ``width`` ms long."""
        days = (baseline.until - baseline.since + width) / DAY
        tables = {attribute: _table(groups) for attribute, groups in baseline.groups.items()}
        return cls(per_day or baseline.decisions / days, tables)

    def groups(self, attribute: str, metric: str) -> dict[str, Share]:
        table = self.tables.get(attribute)
        definition = rates.definition(metric)
        if table is None or definition is None:
            return {}
        k, n = rates.parts(definition, table)
        everybody = max(1, int(table.decisions.sum()))
        order = np.argsort(-table.decisions, kind="stable").tolist()
        return {table.groups[i]: Share(float(n[i] / everybody), float(k[i] / n[i])) for i in order if n[i]}

    def pairs(self, family: Family) -> int:
        groups = len(self.tables[family.attribute].groups) if family.attribute in self.tables else 0
        return max(1, groups * (groups - 1) if family.word in ORDERED else groups - 1)


def _table(groups: dict[str, dict[str, int]]) -> Table:
    atoms = {*DECISION, *(atom for counts in groups.values() for atom in counts)}
    counts = {a: np.array([found.get(a, 0) for found in groups.values()], np.int64) for a in atoms}
    return Table(list(groups), counts)
