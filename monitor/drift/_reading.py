"""From histograms to readings: which measures of which streams are read, and what their limits prove."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.baseline import VOLUME, Baseline
from monitor.config import Rule
from monitor.drift._measures import Measure, measures
from monitor.drift._sampling import Limits
from monitor.panes.histogram import Histogram
from monitor.readings import Drift, Verdict, known

# What is read of a stream without being asked. PSI's limit is custom (monitor/drift/psi.py); KS has none.
DEFAULTS = (Rule(metric="psi", max=0.2), Rule(metric="ks"))


def read(
    baseline: Baseline | None,
    current: Mapping[str, Histogram],
    *,
    streams: Sequence[str],
    rules: Iterable[Rule],
    window: str,
) -> list[Drift]:
    """The drift of each of `streams` ("score", "features.age") in one window.

    `rules` are the model's for this window, with their names filled in; rules of other windows and of other
    metrics are passed over. A measure in DEFAULTS without a rule for the stream is read with its own limit,
    to be shown. Without a baseline, and for streams that it lacks, the verdict is `undefined`.
    """
    asked = [rule for rule in rules if rule.metric in measures() and rule.window in (None, window)]
    known = baseline.streams if baseline else {}
    found: list[Drift] = []
    for stream in streams:
        before, now = known.get(stream, Histogram()), current.get(stream, Histogram())
        applicable = _applicable(stream, before if before.total else now, asked)
        found += [_reading(stream, before, now, rule, window) for rule in applicable]
    return found


def _applicable(stream: str, histogram: Histogram, asked: Sequence[Rule]) -> Iterator[Rule]:
    kind = VOLUME if stream == VOLUME else "numeric" if histogram.numeric else "categorical"
    own = [rule for rule in asked if rule.stream == stream]
    own += [rule for rule in asked if rule.stream is None and kind in measures()[rule.metric].kinds]
    ruled = {rule.metric for rule in own}
    yield from own
    for rule in DEFAULTS:
        if rule.metric not in ruled and kind in measures()[rule.metric].kinds:
            yield rule


def _reading(stream: str, before: Histogram, now: Histogram, rule: Rule, window: str) -> Drift:
    measure = measures()[rule.metric]
    value, limits = measure.distance(before, now), measure.interval(before, now)
    return Drift(
        measure=measure.name,
        stream=stream,
        window=window,
        value=value,
        n=measure.sample(now),
        baseline_n=measure.sample(before),
        max=rule.max,
        verdict=verdict(limits, rule, _smaller(measure, before, now)),
        rule=rule.name or None,
        low=None if limits is None else known(limits[0]),
        high=None if limits is None else known(limits[1]),
    )


def _smaller(measure: Measure, before: Histogram, now: Histogram) -> int:
    return min(measure.sample(before), measure.sample(now))


def verdict(limits: Limits | None, rule: Rule, n: int) -> Verdict:
    """What the limits of a distance prove against the rule's maximum, `n` values on the smaller side.

    Without a maximum there is nothing to prove, and below the rule's minimum sample nothing is proved.

    >>> verdict((0.21, 0.4), Rule(metric="psi", max=0.2), 500)
    <Verdict.OUT: 'out_of_limits'>
    """
    if limits is None:
        return Verdict.UNDEFINED
    if rule.max is None or n < rule.minimum_sample:
        return Verdict.UNDECIDED
    low, high = limits
    if low > rule.max:
        return Verdict.OUT
    return Verdict.WITHIN if high <= rule.max else Verdict.UNDECIDED
