"""From one number for the whole deployment to the level of every test.

The budget is divided over the families of all models' rules, which the configuration names, and within a
family over twice the pairs of groups there are when its tests begin: half of it is kept for groups that
come later. So no worker has to know what the others see.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from monitor.config import Config, Model
from monitor.sequential.control import Budget
from monitor.trials.asked import families

CALENDAR = 0.1  # the part of the budget that the exact tests of calendar months spend
SPARE = 2  # times the pairs of groups known at the start: what a family has room for
MONTHS = 12  # in a year


@dataclass(frozen=True)
class Levels:
    """`tests`: how many continuous tests the budget is divided over, if each family had one pair of groups;
    `monthly`: the same for the tests of calendar months.

    >>> levels = Levels(Budget.parse("1 per year", CALENDAR), tests=10, monthly=5)
    >>> round(1 / levels.alpha(room=8), 1), round(levels.threshold(room=8, events_per_year=1e6))
    (88.9, 888889)
    """

    budget: Budget
    tests: int
    monthly: int

    def alpha(self, room: int) -> float:
        """The chance that a compliant pair of groups is ever called out of limits since the start."""
        return self.budget.alpha(self.tests * room)

    def threshold(self, room: int, events_per_year: float) -> float:
        """A, of the change detectors."""
        return self.budget.threshold(self.tests * room, events_per_year)

    def month(self, room: int) -> float:
        """The level of each pair's exact test of one calendar month."""
        return self.budget.calendar_alpha(self.monthly * room, MONTHS)


def levels(config: Config) -> Levels:
    """The levels of a deployment. Raises ValueError for a `false_alarms` that is none."""
    return _levels(config.models.values(), config.alerts.false_alarms)


def alone(model: Model, false_alarms: str = "1 per year") -> Levels:
    """The levels of a model that is watched alone."""
    return _levels([model], false_alarms)


def _levels(models: Iterable[Model], false_alarms: str) -> Levels:
    asked = [family for model in models for family in families(model)]
    monthly = sum(family.by_month for family in asked)
    tests = sum(family.tests for family in asked)
    return Levels(Budget.parse(false_alarms, CALENDAR), max(1, tests), max(1, monthly))
