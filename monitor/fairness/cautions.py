"""When rates that rest on outcomes mislead: outcomes come selectively, or later for some groups.

Both are said in words beside the numbers, and only where an interval proves that the matter is large:

- `selective_outcomes`: outcomes are known of more positive decisions than of negative ones, or of fewer, by
  more than APART. Error rates then describe those whose outcome is seen (Lakkaraju et al. 2017). It is said
  of everybody; of single groups where it cannot be said of everybody.
- `outcome_lag`: outcomes of a group take more than SLOWER times as long as those of its reference, in the
  median, or the other way round, and the medians are more than an HOUR apart.
"""

from collections.abc import Iterable, Mapping
from itertools import chain

import numpy as np

from monitor.fairness import intervals
from monitor.fairness.intervals import Estimates
from monitor.panes.table import LAG
from monitor.rates import RATES
from monitor.readings import Attribute, Caution, Group, Rate, known

APART = 0.05
SLOWER = 1.5
HOUR = 1 / 24  # days
SELECTIVE, LAGGING = "selective_outcomes", "outcome_lag"
_NONE = Rate(None, None, None, 0)


def read(attributes: Mapping[str, Attribute]) -> list[Caution]:
    """All there is to say of one window; groups are those of `attributes`."""
    selective = _of_everybody(attributes) or chain.from_iterable(map(_of_groups, *_items(attributes)))
    return [*selective, *chain.from_iterable(map(_lagging, *_items(attributes)))]


def _items(attributes: Mapping[str, Attribute]) -> tuple[Iterable[str], Iterable[Attribute]]:
    return attributes.keys(), attributes.values()


def _of_everybody(attributes: Mapping[str, Attribute]) -> list[Caution]:
    groups = next((attribute.groups.values() for attribute in attributes.values()), ())
    both = [_share(name, groups) for name in ("positive_coverage", "negative_coverage")]
    return _selective([(None, None)], both[0], both[1])


def _share(name: str, groups: Iterable[Group]) -> Estimates:
    """A rate of all groups together, of shape (1,)."""
    k, n = (
        np.array([sum(group.counts.get(atom, 0) for group in groups for atom in atoms)])
        for atoms in (RATES[name].numerator, RATES[name].denominator)
    )
    return intervals.shares(k, n)


def _of_groups(name: str, attribute: Attribute) -> list[Caution]:
    groups = attribute.groups
    both = [_estimates(rate, groups.values()) for rate in ("positive_coverage", "negative_coverage")]
    return _selective([(name, group) for group in groups], both[0], both[1])


def _estimates(rate: str, groups: Iterable[Group]) -> Estimates:
    """A rate of each group, of shape (groups,)."""
    found = [group.rates.get(rate, _NONE) for group in groups]
    value, low, high = np.array([(r.value, r.low, r.high) for r in found], float).reshape(-1, 3).T
    return Estimates(value, low, high, np.array([r.n for r in found], np.int64))


def _selective(
    about: list[tuple[str | None, str | None]], positive: Estimates, negative: Estimates
) -> list[Caution]:
    gap = intervals.difference(positive, negative)
    small = np.minimum(positive.n, negative.n) < intervals.FEWEST
    proved = ~small & ((gap.low > APART) | (gap.high < -APART))
    return [
        Caution(
            kind=SELECTIVE,
            text=_selective_text(about[i][1], float(positive.value[i]), float(negative.value[i])),
            value=float(gap.value[i]),
            low=float(gap.low[i]),
            high=float(gap.high[i]),
            attribute=about[i][0],
            group=about[i][1],
        )
        for i in np.flatnonzero(proved).tolist()
    ]


def _selective_text(group: str | None, positive: float, negative: float) -> str:
    whom = "" if group is None else f" of {group}"
    return (
        f"Outcomes{whom} come selectively: they are known for {100 * positive:.0f} % of positive and"
        f" {100 * negative:.0f} % of negative decisions. Rates that rest on outcomes speak about these people"
        " alone, and are biased if they are meant for everybody."
    )


def _lagging(name: str, attribute: Attribute) -> list[Caution]:
    groups = attribute.groups
    reference = attribute.reference
    if reference not in groups:
        reference = max(groups, key=lambda group: groups[group].n, default=None)
    if reference is None:
        return []
    lags, labels = _estimates(f"{LAG}.p50", groups.values()), list(groups)
    theirs = lags[[labels.index(reference)] * len(labels)]
    ratio = intervals.ratio(lags, theirs)
    far = np.abs(lags.value - theirs.value) > HOUR
    proved = far & ((ratio.low > SLOWER) | (ratio.high < 1 / SLOWER))
    return [
        Caution(
            kind=LAGGING,
            text=_lag_text(labels[i], reference, float(lags.value[i]), float(theirs.value[i])),
            value=float(ratio.value[i]),
            low=float(ratio.low[i]),
            high=known(float(ratio.high[i])),
            attribute=name,
            group=labels[i],
            reference=reference,
        )
        for i in np.flatnonzero(proved).tolist()
    ]


def _lag_text(group: str, reference: str, days: float, other: float) -> str:
    speed = "later" if days > other else "sooner"
    return (
        f"Outcomes of {group} come {speed} than those of {reference}: after {_spelled(days)} in the median,"
        f" against {_spelled(other)}. Until they have come, rates that rest on outcomes compare unlike"
        " cases: look at decisions that are old enough (mature_after)."
    )


def _spelled(days: float) -> str:
    """About how long, in its fitting unit.

    >>> _spelled(30), _spelled(0.2513)
    ('30 days', '6 hours')
    """
    number, unit = (days, "days") if days >= 2 else (24 * days, "hours")
    return f"{float(f'{number:.2g}'):g} {unit}"
