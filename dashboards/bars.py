"""Intervals as drawings: where on a scale from 0 to 100 their parts lie."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from monitor.readings import Comparison, Drift, Rate, Verdict


class Bar(Struct, frozen=True, kw_only=True):
    """An interval on a scale; all places are in per cent of its width, cut off at the edges.

    `span` is the interval, `zone` what is allowed, `zero` where two groups are alike. `tone` is a verdict's
    word, "reference" or "".
    """

    point: float | None
    span: tuple[float, float] | None = None  # (from, width)
    zone: tuple[float, float] | None = None
    zero: float | None = None
    tone: str = ""


class Scale(Struct, frozen=True):
    """From `low` at the left edge to `high` at the right."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of a value.

        >>> Scale(-1, 1).at(0.5), Scale(0, 1).at(7)
        (75.0, 100.0)
        """
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def between(self, low: float | None, high: float | None) -> tuple[float, float]:
        """The place and width of a range; None is no bound."""
        start = 0.0 if low is None else self.at(low)
        end = 100.0 if high is None else self.at(high)
        return start, round(end - start, 2)


def rate_bar(rate: Rate, everybody: Sequence[Rate], is_share: bool, tone: str) -> Bar:
    """A rate: of a share from 0 to 1, of another number as far as everybody's reach."""
    scale = Scale(0, 1)
    if not is_share:
        seen = [v for r in everybody for v in (r.low, r.high, r.value) if v is not None]
        scale = Scale(min(0.0, *seen), 1.05 * max(0.1, *seen))
    point = None if rate.value is None else scale.at(rate.value)
    return Bar(point=point, span=scale.between(rate.low, rate.high), tone=tone)


def gap_bar(c: Comparison, alike: Sequence[Comparison], is_share: bool) -> Bar | None:
    """A comparison on the scale of all that are alike; None where it has no value."""
    if c.value is None:
        return None
    scale, zero = _scale(c.compare, alike, is_share)
    limited = (c.min, c.max) != (None, None)
    return Bar(
        point=scale.at(c.value),
        span=None if (c.low, c.high) == (None, None) else scale.between(c.low, c.high),
        zone=scale.between(c.min, c.max) if limited else None,
        zero=scale.at(zero),
        tone=c.verdict.value if limited else "",
    )


def _scale(compare: str, alike: Iterable[Comparison], is_share: bool) -> tuple[Scale, float]:
    seen = [v for c in alike for v in (c.low, c.high, c.value, c.min, c.max) if v is not None]
    if compare == "ratio":
        return Scale(0, min(3.0, 1.1 * max(1.25, *seen))), 1.0
    reach = 1.15 * max(0.1, *map(abs, seen))
    reach = min(1.0, reach) if is_share else reach
    return Scale(0 if compare == "value" else -reach, reach), 0.0


def limit_bar(d: Drift) -> Bar | None:
    """A measure of drift against its limit; None where it has no value."""
    if d.value is None:
        return None
    scale = Scale(0, max(2 * d.max if d.max else 1.0, 1.25 * (d.high or d.value)))
    point, span = scale.at(d.value), None
    if d.low is not None and d.high is not None:
        span = scale.between(d.low, d.high)
    if d.max is None:
        return Bar(point=point, span=span)
    return Bar(point=point, span=span, zone=scale.between(0, d.max), tone=d.verdict.value)


def ratio_bar(value: float, low: float | None, high: float | None, least: float) -> Bar:
    """An impact ratio against the least that is usually asked for."""
    scale = Scale(0, 1.25)
    tone = Verdict.OUT.value if value < least else ""
    span = None if low is None and high is None else scale.between(low, high)
    return Bar(point=scale.at(value), span=span, zone=scale.between(least, None), zero=scale.at(1), tone=tone)
