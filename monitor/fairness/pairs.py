"""Composites of two groups: several rates, or two whole distributions, in one number.

Each takes a table and two arrays of group indices, the groups and what each is held against, and gives
estimates of one shape with them. NaN limits say that a metric has no interval: it can be shown, not judged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from monitor import drift, rates
from monitor.fairness import intervals, numbers
from monitor.fairness.intervals import Estimates, Z
from monitor.fairness.quotients import average
from monitor.panes.histogram import Histogram
from monitor.panes.table import Floats, Ints, Table

ODDS = ("true_positive_rate", "false_positive_rate")
TENTHS = 10
TWO_AT_ONCE = NormalDist().inv_cdf(1 - 0.05 / 4)  # two intervals that hold together at 95 % (Bonferroni)


@dataclass(frozen=True)
class Composite:
    """A composite and how many observations of each group it rests on, shape (groups,)."""

    between: Callable[[Table, Ints, Ints], Estimates]
    size: Callable[[Table], Ints]
    interval: bool = True


def equalized_odds(table: Table, a: Ints, b: Ints) -> Estimates:
    """The larger of the absolute gaps of TPR and FPR (Hardt et al. 2016; fairlearn's difference).

    Its limits are the larger of theirs, taken at 97.5 % so that both hold together at 95 %.
    """
    return _join(np.maximum, [_folded(gap) for gap in _gaps(intervals.difference, table, a, b)])


def equalized_odds_ratio(table: Table, a: Ints, b: Ints) -> Estimates:
    """The smaller of the ratios of TPR and FPR, each smaller over larger (fairlearn's ratio)."""
    return _join(np.minimum, _gaps(_smaller_over_larger, table, a, b))


def average_odds(table: Table, a: Ints, b: Ints) -> Estimates:
    """The mean of the gaps of TPR and FPR (AIF360); gaps of opposite signs cancel."""
    return average(_gaps(intervals.difference, table, a, b, intervals.Z))


def average_absolute_odds(table: Table, a: Ints, b: Ints) -> Estimates:
    """The mean of the absolute gaps of TPR and FPR (AIF360); nothing cancels.

    Its limits are the means of theirs, at 97.5 %: the error of an absolute gap near 0 is not normal, which
    would let them be closer.
    """
    gaps = [_folded(gap) for gap in _gaps(intervals.difference, table, a, b)]
    return _join(lambda one, other: (one + other) / 2, gaps)


def _gaps(
    compare: Callable[[Estimates, Estimates], Estimates],
    table: Table,
    a: Ints,
    b: Ints,
    z: float = TWO_AT_ONCE,
) -> list[Estimates]:
    return [compare(one[a], one[b]) for one in (_shares(table, name, z) for name in ODDS)]


@lru_cache(maxsize=8)
def _shares(table: Table, rate: str, z: float = TWO_AT_ONCE) -> Estimates:
    """A rate of each group; kept for the next composite, as several start from the same."""
    return intervals.shares(*rates.rate(rate, table), z)


def _folded(gap: Estimates) -> Estimates:
    """The absolute value, with its limits."""
    low = np.maximum(0.0, np.maximum(gap.low, -gap.high))
    return Estimates(np.abs(gap.value), low, np.maximum(np.abs(gap.low), np.abs(gap.high)), gap.n)


def _smaller_over_larger(a: Estimates, b: Estimates) -> Estimates:
    """The ratio that is at most 1; where its limits reach beyond 1, they are folded back."""
    found = intervals.ratio(_where(a.value > b.value, b, a), _where(a.value > b.value, a, b))
    with np.errstate(divide="ignore"):
        low = np.where(found.high > 1, np.minimum(found.low, 1 / found.high), found.low)
    return Estimates(found.value, low, np.minimum(found.high, 1), found.n)


def _where(choice: NDArray[np.bool_], one: Estimates, other: Estimates) -> Estimates:
    pairs = ((one.value, other.value), (one.low, other.low), (one.high, other.high), (one.n, other.n))
    value, low, high, n = (np.where(choice, mine, others) for mine, others in pairs)
    return Estimates(value, low, high, n)


def _join(join: Callable[[Floats, Floats], Floats], gaps: list[Estimates]) -> Estimates:
    one, other = gaps
    both = ((one.value, other.value), (one.low, other.low), (one.high, other.high))
    value, low, high = (np.asarray(join(mine, others)) for mine, others in both)
    return Estimates(value, low, high, np.minimum(one.n, other.n))


def class_imbalance(table: Table, a: Ints, b: Ints) -> Estimates:
    """(n_b − n_a) / (n_b + n_a), Clarify's CI: 1 when only the reference is there, −1 when only the group."""
    n = table.decisions
    share = intervals.shares(n[a], n[a] + n[b])
    return Estimates(1 - 2 * share.value, 1 - 2 * share.high, 1 - 2 * share.low, share.n)


def _smaller_odds(table: Table) -> Ints:
    return np.minimum(*(_shares(table, name).n for name in ODDS))


# Divergences of two distributions over positive and negative, given the shares of positive.


def _kl(p: Floats, q: Floats) -> Floats:
    """Kullback and Leibler's, of the reference's p from the group's q, in nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(x == 0, 0 * y, x * np.log(x / y)) for x, y in ((p, q), (1 - p, 1 - q))]
    return np.asarray(parts[0] + parts[1])


def _js(p: Floats, q: Floats) -> Floats:
    """Jensen and Shannon's, in nats."""
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def _lp(p: Floats, q: Floats) -> Floats:
    """The Euclidean distance."""
    return np.asarray(np.sqrt(2) * np.abs(p - q))


def _tvd(p: Floats, q: Floats) -> Floats:
    """The total variation distance: half the sum of absolute differences."""
    return np.abs(p - q)


DIVERGENCES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "kl": _kl,
    "js": _js,
    "lp": _lp,
    "tvd": _tvd,
    "ks": _tvd,  # of two classes, the widest gap between cumulative shares is the gap between shares
}


def _divergence(name: str, rate: str) -> Composite:
    """A divergence of a rate's two classes.

    It is convex in both shares and 0 where they are equal, so over the box of the two shares' joint 95 %
    limits it is largest in a corner, and least where the shares come closest.
    """
    measure = DIVERGENCES[name]

    def between(table: Table, a: Ints, b: Ints) -> Estimates:
        share = _shares(table, rate)
        p, q = share[b], share[a]
        near_p, near_q = _nearest(p.low, p.high, q.low, q.high)
        value, nearest, *corners = measure(
            np.stack([p.value, near_p, p.low, p.low, p.high, p.high]),
            np.stack([q.value, near_q, q.low, q.high, q.low, q.high]),
        )
        value = np.where(np.isinf(value), np.nan, value)
        return Estimates(value, nearest, np.max(corners, axis=0), np.minimum(p.n, q.n))

    return Composite(between, lambda table: _shares(table, rate).n)


def _nearest(p_low: Floats, p_high: Floats, q_low: Floats, q_high: Floats) -> tuple[Floats, Floats]:
    """The points of two intervals that lie closest to each other."""
    p = np.clip(q_low, p_low, p_high)
    return p, np.clip(p, q_low, q_high)


def _standardized(number: str) -> Composite:
    """The gap of two means over their pooled standard deviation (Cohen's d; interval: Hedges, Olkin 1985)."""

    def between(table: Table, a: Ints, b: Ints) -> Estimates:
        n, total, squares = numbers.moments(number, table)
        some = np.where(n > 1, n, np.nan)
        mean, inner = total / some, squares - total**2 / some
        pooled = (inner[a] + inner[b]) / (some[a] + some[b] - 2)
        value = (mean[a] - mean[b]) / np.sqrt(np.where(pooled > 0, pooled, np.nan))
        half = Z * np.sqrt(1 / some[a] + 1 / some[b] + value**2 / (2 * (some[a] + some[b])))
        return Estimates(value, value - half, value + half, np.minimum(n[a], n[b]).astype(np.int64))

    return Composite(between, lambda table: numbers.moments(number, table)[0].astype(np.int64))


def _distance(number: str, measure: drift.Measure) -> Composite:
    """A drift measure, of the group's values from the reference's instead of today's from the baseline's."""

    def between(table: Table, a: Ints, b: Ints) -> Estimates:
        spread = table.spread(number)
        found = [_limits(measure, spread[j], spread[i]) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
        rows = np.array(found, float).reshape(-1, 3).T
        n = _totals(table, number)
        return Estimates(rows[0], rows[1], rows[2], np.minimum(n[a], n[b]))

    return Composite(between, lambda table: _totals(table, number))


def _limits(measure: drift.Measure, reference: Histogram, group: Histogram) -> tuple[float, float, float]:
    value, limits = measure.distance(reference, group), measure.interval(reference, group)
    low, high = limits or (np.nan, np.nan)
    return (np.nan if value is None else value), low, high


def _totals(table: Table, number: str) -> Ints:
    return np.array([histogram.total for histogram in table.spread(number)], np.int64)


def quantile_means(histogram: Histogram, cells: int = TENTHS) -> Floats:
    """The mean value in each of `cells` equal parts of a group, from its lowest to its highest values.

    >>> from monitor.panes import histogram
    >>> quantile_means(histogram.numeric([1, 2, 3, 4]), 2).tolist()
    [1.5, 3.5]
    """
    n = histogram.total
    if not n:
        return np.full(cells, np.nan)
    people = np.append(0, np.cumsum(histogram.counts)) / n
    amount = np.append(0, np.cumsum(histogram.counts * histogram.middles)) / n
    return cells * np.diff(np.interp(np.linspace(0, 1, cells + 1), people, amount))


def _quantile_drift(number: str) -> Composite:
    """The largest gap between the means of matching tenths of two groups (FairCanary, Ghosh et al. 2022)."""

    def between(table: Table, a: Ints, b: Ints) -> Estimates:
        tenths = np.array([quantile_means(one) for one in table.spread(number)]).reshape(-1, TENTHS)
        value = np.abs(tenths[a] - tenths[b]).max(axis=1)
        nothing, n = np.full(value.shape, np.nan), _totals(table, number)
        return Estimates(value, nothing, nothing, np.minimum(n[a], n[b]))

    return Composite(between, lambda table: _totals(table, number), interval=False)


_LABEL, _DECISION = "base_rate", "selection_rate"
PAIRS: dict[tuple[str, str], Composite] = {
    ("equalized_odds", "difference"): Composite(equalized_odds, _smaller_odds),
    ("equalized_odds", "ratio"): Composite(equalized_odds_ratio, _smaller_odds),
    ("average_odds", "difference"): Composite(average_odds, _smaller_odds),
    ("average_absolute_odds", "difference"): Composite(average_absolute_odds, _smaller_odds),
    ("class_imbalance", "difference"): Composite(class_imbalance, lambda table: table.decisions),
    **{(f"label_{name}", "difference"): _divergence(name, _LABEL) for name in DIVERGENCES},
    **{(f"decision_{name}", "difference"): _divergence(name, _DECISION) for name in DIVERGENCES},
}
_OF_NUMBERS = {"smd": _standardized, "qdd": _quantile_drift}


@lru_cache(maxsize=1024)
def find(metric: str, compare: str) -> Composite | None:
    """The composite of that name; "<x>.smd", "<x>.qdd" and "<x>.<drift measure>" are of the number x."""
    number, _, word = metric.rpartition(".")
    if compare != "difference" or not number:
        return PAIRS.get((metric, compare))
    if word in _OF_NUMBERS:
        return _OF_NUMBERS[word](number)
    measure = drift.measures().get(word)
    return _distance(number, measure) if measure and "numeric" in measure.kinds else None
