"""Impact ratios as regulators and courts compute them, to be replicated with classical tools.

The form is that of New York City's rules on automated employment decision tools (6 RCNY § 5-300 to 5-304, in
force since 5 July 2023): for each category the selection rate, or for scores the scoring rate, which is
the share above the whole sample's median; and the impact ratio, which is the rate over the highest
category's. People of unknown category, in an intersection those of whom any part is unknown, are counted and
left out. Categories under 2 % of the known may be left out at the auditor's discretion; here they are marked.

Being selected is good for the person. Where a positive decision is not (`favourable = false`), the selected
are the others, and the scoring rate is the share below the median.

Beside it stand the two tests of 29 CFR 1607 practice: Fisher's exact test and the number of standard
deviations (Hazelwood School District v. United States, 433 U.S. 299 (1977): beyond two or three, suspect).
Both are made for one look at a fixed sample: on a stream they alarm sooner or later.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from monitor import rates
from monitor.config import parts
from monitor.fairness import intervals
from monitor.fairness.intervals import FEWEST
from monitor.panes import proxies
from monitor.panes.histogram import Histogram
from monitor.panes.table import UNKNOWN, Ints, Table, merged
from monitor.readings import Attribute, known

SMALL = 0.02
FOUR_FIFTHS = 0.8  # 29 CFR 1607.4(D)
SUSPECT = 2.0  # standard deviations


class Category(Struct, frozen=True, kw_only=True):
    """One row: `selected` of `n` people; `impact_ratio` is None for nobody, or where nobody is selected.

    `low` and `high` are its pointwise 95 % interval. `p_value` is Fisher's, two-sided, and `deviations` the
    gap to the highest category in standard deviations; both None for that category itself.
    """

    name: str
    n: int
    selected: int
    rate: float | None
    impact_ratio: float | None
    low: float | None
    high: float | None
    small: bool
    p_value: float | None
    deviations: float | None


class Impact(Struct, frozen=True, kw_only=True):
    """The table for one attribute. `highest` is the category with the highest rate, `median` the scores'."""

    categories: list[Category]
    highest: str | None
    unknown: int
    median: float | None = None


class Impacts(Struct, frozen=True, kw_only=True):
    """Both tables of one attribute; `scoring` is None where no score came."""

    selection: Impact
    scoring: Impact | None


def impacts(
    tables: Mapping[str, Table], *, favourable: bool = True, exclude_small: bool = False
) -> dict[str, Impacts]:
    """Both tables for each attribute but those whose groups are given as probabilities."""
    return {
        name: Impacts(
            selection=selection(table, exclude_small, favourable=favourable),
            scoring=scoring(table, exclude_small, favourable=favourable) if _has_scores(table) else None,
        )
        for name, table in tables.items()
        if not name.endswith(proxies.MARK)
    }


def _has_scores(table: Table) -> bool:
    return any(one.total for one in table.spread("score"))


def counted(attribute: Attribute) -> Table:
    """The counts of a reading's groups as a table: for selection rates, as it holds no scores."""
    groups = list(attribute.groups.values())
    atoms = dict.fromkeys(atom for group in groups for atom in group.counts)
    counts = {atom: np.array([group.counts.get(atom, 0) for group in groups], np.int64) for atom in atoms}
    return Table(list(attribute.groups), counts)


def selection(table: Table, exclude_small: bool = False, *, favourable: bool = True) -> Impact:
    """Impact ratios of selection rates; positive decisions count as selected, if they are favourable."""
    positive, n = rates.rate("selection_rate", table)
    return _impact(table.groups, positive if favourable else n - positive, n, exclude_small, None)


def scoring(table: Table, exclude_small: bool = False, *, favourable: bool = True) -> Impact:
    """Impact ratios of scoring rates, from the histograms of the score.

    The median is that of all known categories together. Scores stand for their bin's middle (at most 1.6 %
    off, exact for integers below 64).
    """
    spread = table.spread("score")
    median = _median([one for group, one in zip(table.groups, spread, strict=True) if not is_unknown(group)])
    n = np.array([one.total for one in spread], np.int64)
    better = [one.middles > median if favourable else one.middles < median for one in spread]
    selected = np.array([one.counts[b].sum() for one, b in zip(spread, better, strict=True)], np.int64)
    return _impact(table.groups, selected, n, exclude_small, known(median))


def is_unknown(category: str) -> bool:
    """Whether a category, or a part of it, is not known.

    >>> is_unknown("unknown & Male"), is_unknown("Male")
    (True, False)
    """
    return UNKNOWN in parts(category)


def _median(spread: Sequence[Histogram]) -> float:
    whole = merged(spread)
    n = whole.total
    if not n:
        return math.nan
    places = np.searchsorted(np.cumsum(whole.counts), [(n + 1) // 2, n // 2 + 1])
    return float(whole.middles[places].mean())


class _Count(NamedTuple):
    name: str
    selected: int
    n: int

    @property
    def rate(self) -> float:
        return self.selected / self.n


def _impact(
    groups: Sequence[str], selected: Ints, n: Ints, exclude_small: bool, median: float | None
) -> Impact:
    everyone = [_Count(*row) for row in zip(groups, selected.tolist(), n.tolist(), strict=True)]
    people = [count for count in everyone if not is_unknown(count.name)]
    fewest = SMALL * sum(count.n for count in people)
    able = [count for count in people if count.n and not (exclude_small and count.n < fewest)]
    highest = max(able, key=lambda count: count.rate, default=None)
    return Impact(
        categories=[
            _category(count, highest if count in able else None, count.n < fewest) for count in people
        ],
        highest=highest and highest.name,
        unknown=sum(count.n for count in everyone if is_unknown(count.name)),
        median=median,
    )


def _category(count: _Count, highest: _Count | None, small: bool) -> Category:
    compared = highest is not None and highest.selected > 0
    ratio = count.rate / highest.rate if highest is not None and compared else None
    low, high = _limits(count, highest) if highest is not None and compared else (None, None)
    other = highest if highest is not count else None
    return Category(
        name=count.name,
        n=count.n,
        selected=count.selected,
        rate=count.rate if count.n else None,
        impact_ratio=ratio,
        low=low,
        high=high,
        small=small,
        p_value=fisher(count.selected, count.n, other.selected, other.n) if other else None,
        deviations=deviations(count.selected, count.n, other.selected, other.n) if other else None,
    )


def _limits(count: _Count, highest: _Count) -> tuple[float | None, float | None]:
    if count is highest or min(count.n, highest.n) < FEWEST:
        return None, None
    shares = [intervals.shares(np.array([one.selected]), np.array([one.n])) for one in (count, highest)]
    found = intervals.ratio(*shares)
    return known(float(found.low[0])), known(float(found.high[0]))


def fisher(selected_a: int, n_a: int, selected_b: int, n_b: int) -> float:
    """Fisher's exact test, two-sided: the chance of a table at most as likely as this one, margins given.

    >>> round(fisher(8, 20, 14, 20), 4)
    0.111
    """
    selected = selected_a + selected_b
    k = np.arange(max(0, selected - n_b), min(n_a, selected) + 1, dtype=float)
    # The chance of k + 1 over that of k, of the hypergeometric law.
    steps = np.log((n_a - k[:-1]) * (selected - k[:-1])) - np.log(
        (k[:-1] + 1) * (n_b - selected + k[:-1] + 1)
    )
    logs = np.append(0, np.cumsum(steps))
    chances = np.exp(logs - logs.max())
    observed = chances[selected_a - int(k[0])]
    return float(chances[chances <= observed * (1 + 1e-7)].sum() / chances.sum())


def deviations(selected_a: int, n_a: int, selected_b: int, n_b: int) -> float | None:
    """The gap of two selection rates in standard deviations of chance; None where everyone fared alike.

    >>> round(deviations(8, 20, 14, 20), 3)
    -1.907
    """
    if not (n_a and n_b):
        return None
    pooled = (selected_a + selected_b) / (n_a + n_b)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n_a + 1 / n_b))
    return (selected_a / n_a - selected_b / n_b) / spread if spread else None
