"""One budget for everything: from "1 per year" to the threshold of each hypothesis; and many at once."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sequential.blocks import SIZE
from monitor.sequential.projections import Array

PER_YEAR = {"day": 365.25, "week": 365.25 / 7, "month": 12.0, "year": 1.0}
LARGEST_ALPHA = 0.05  # a budget larger than the number of hypotheses buys no weaker proof than this


def e_bh(e: Array, alpha: float) -> NDArray[np.bool_]:
    """Which of m hypotheses to list as discoveries, so that at most a share ``alpha`` of the list is
    false in expectation, under any dependence: the k with the largest e, for the largest k with
    e_(k) >= m / (alpha k) (Wang and Ramdas 2022). For e-values of now, not their running maxima.

    >>> e_bh(np.array([90.0, 1.0, 31.0, 50.0]), alpha=0.05).tolist()
    [True, False, True, True]
    """
    if len(e) == 0:
        return np.zeros(0, bool)
    ranked = np.sort(e)[::-1]
    enough = ranked * np.arange(1, len(e) + 1) >= len(e) / alpha
    smallest = ranked[enough][-1] if enough.any() else np.inf
    return np.asarray(e >= smallest)


def bonferroni(e: Array, alpha: float) -> NDArray[np.bool_]:
    """Which of m hypotheses may be called out for good: e >= m / alpha, so that with a chance of 1 - alpha
    none is false. Valid for running maxima too.

    >>> bonferroni(np.array([90.0, 1.0, 31.0, 50.0]), alpha=0.05).tolist()
    [True, False, False, False]
    """
    return np.asarray(e >= len(e) / alpha)


@dataclass(frozen=True)
class Budget:
    """How many false alarms a year a whole compliant deployment may raise, in expectation.

    ``calendar`` is the part of it, 0 to 1, that the exact tests per calendar period spend; the
    continuous tests, sequential and change, share the rest equally.

    >>> budget = Budget.parse("1 per year")
    >>> round(budget.alpha(hypotheses=180), 5)
    0.00556
    >>> round(budget.threshold(hypotheses=180, events_per_year=1_000_000))
    1800000
    """

    per_year: float
    calendar: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.per_year < np.inf:
            raise ValueError(f"false_alarms = {self.per_year!r} per year: a positive number is needed")
        if not 0 <= self.calendar <= 1:
            raise ValueError(f"calendar = {self.calendar!r}: allowed is 0 to 1")

    @classmethod
    def parse(cls, text: str, calendar: float = 0.0) -> "Budget":
        """From words such as "1 per year" or "0.5 per month". Raises ValueError for others."""
        match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+) per (day|week|month|year)", text.strip())
        if not match or float(match[1]) == 0:
            units = ", ".join(PER_YEAR)
            raise ValueError(f'false_alarms = "{text}": allowed is a positive number "per" one of {units}')
        return cls(float(match[1]) * PER_YEAR[match[2]], calendar)

    def alpha(self, hypotheses: int) -> float:
        """The alpha of each of the deployment's continuous hypotheses, for a test since the start.

        It is spent once for all years, so a restart of each test every year is within the budget.
        """
        return min(self._each(hypotheses), LARGEST_ALPHA)

    def threshold(self, hypotheses: int, events_per_year: float) -> float:
        """The threshold A of a change detector, which sees ``events_per_year`` of its two groups together.

        Blocks hold at least 100 events, and E[false alarms] <= blocks / A.
        """
        return max(events_per_year / SIZE / self._each(hypotheses), 1 / self.alpha(hypotheses))

    def calendar_alpha(self, hypotheses: int, periods_per_year: float) -> float:
        """The level of each exact test, one for each of ``hypotheses`` in each calendar period."""
        return min(self.per_year * self.calendar / (hypotheses * periods_per_year), LARGEST_ALPHA)

    def _each(self, hypotheses: int) -> float:
        return self.per_year * (1 - self.calendar) / hypotheses
