"""From detectors to readings: how many changes a window holds."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from monitor.config import Rule
from monitor.drift.detectors._adapter import Detector, names
from monitor.readings import Drift, Verdict

DEFAULT = "adwin"  # what is read of a stream without being asked


def wanted(rules: Iterable[Rule], stream: str) -> list[str]:
    """The detectors that a stream needs: the default one and those of rules.

    >>> wanted([Rule(metric="psi"), Rule(metric="adwin", stream="error", max=1)], "error")
    ['adwin']
    """
    return sorted({DEFAULT, *(rule.metric for rule in _asked(rules, stream))})


def read(
    detectors: Mapping[str, Iterable[Detector]], *, rules: Iterable[Rule], window: str, since: int | None
) -> list[Drift]:
    """The changes that each stream's detectors found in a window that begins at `since` (ms; None: ever).

    `rules` are the model's for this window, with their names filled in. A rule's `max` is the number of
    changes that is allowed, 0 if it says none. Changes beyond it are `out_of_limits`; their absence proves
    nothing, so the verdict is then `undecided`, as it is without a rule. `n` counts all values seen.
    """
    asked = [rule for rule in rules if rule.window in (None, window) and rule.metric in names()]
    return [
        _reading(stream, detector, rule, window, since)
        for stream, all_of_it in detectors.items()
        for detector in all_of_it
        for rule in _of(detector, stream, asked)
    ]


def _asked(rules: Iterable[Rule], stream: str) -> Iterator[Rule]:
    return (rule for rule in rules if rule.metric in names() and rule.stream in (None, stream))


def _of(detector: Detector, stream: str, rules: Iterable[Rule]) -> list[Rule]:
    own = [rule for rule in _asked(rules, stream) if rule.metric == detector.name]
    return [replace(rule, max=rule.max or 0.0) for rule in own] or [Rule(metric=detector.name)]


def _reading(stream: str, detector: Detector, rule: Rule, window: str, since: int | None) -> Drift:
    changes = [at for at in detector.changes if since is None or at >= since]
    return Drift(
        measure=detector.name,
        stream=stream,
        window=window,
        value=float(len(changes)) if detector.n else None,
        n=detector.n,
        baseline_n=detector.n,
        max=rule.max,
        verdict=_verdict(detector, len(changes), rule.max),
        at=changes[-1] if changes else None,
        rule=rule.name or None,
    )


def _verdict(detector: Detector, changes: int, limit: float | None) -> Verdict:
    if not detector.n:
        return Verdict.UNDEFINED
    return Verdict.OUT if limit is not None and changes > limit else Verdict.UNDECIDED
