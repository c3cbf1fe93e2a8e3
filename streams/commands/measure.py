"""`fairlead measure`: the core over a file, without Kafka."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import numpy as np
from msgspec import Struct, to_builtins

from monitor.baseline import Baseline
from monitor.config import Config, ConfigError, longest_window
from monitor.config.windows import window_ms
from monitor.evaluator import Evaluator
from monitor.events import DAY_MS, Decision, Decoded, Event, Invalid, InvalidEventError, milliseconds
from monitor.facts import Facts
from monitor.fairness.impact import Impacts
from monitor.panes.table import Table
from monitor.readings import Attribute, Comparison, Drift, Group, Reading, Restart, Verdict
from monitor.trials import Trials, families, levels
from streams.files.reader import Chunk

FOREVER = 1 << 53  # ms: no event is later
TIMES = ("since", "proved", "confirmed", "onset")  # of tests
EXAMPLES = 3  # of each reason, to be shown
_KEY = bytes(16)  # ids stay in this process: their pseudonyms need no secret
_COUNTS = dict.fromkeys(("tp", "fp", "tn", "fn", "up", "un"), 0)


class Measured(Struct, frozen=True):
    """A file's readings, one for each window, and its invalid events: counts, and some of each reason.

    `tables` are the counts behind the longest window's reading, by attribute. `overdue` counts feedback that
    came later than `feedback_within` after its decision: it counts here, and a deployment may refuse it.
    """

    readings: list[Reading]
    invalid: dict[str, int]
    examples: dict[str, list[Invalid]]
    tables: dict[str, Table] = {}
    overdue: int = 0


class Measurement:
    """Takes chunks of a file and reads one model's metrics as of a time.

    The configuration's other models are not invalid, but only decisions of `name` count, and its tests have
    their part of the whole budget. Events after `as_of` (ms) do not count; None is the last event's time.
    """

    def __init__(
        self, config: Config, name: str, as_of: int | None = None, baseline: Baseline | None = None
    ) -> None:
        model = config.models[name]
        self._models, self._name, self._as_of = config.models, name, as_of
        self._facts = Facts({name: model}, _KEY, [name] if families(model) else [])
        self._panes, self._baseline = self._facts.panes[name], baseline
        self.trials = Trials(name, model, self._panes, levels(config))
        self._last: int | None = None
        self._spread: tuple[int, int] = (FOREVER, 0)  # the first and the last decision's time
        self._invalid: Counter[str] = Counter()
        self._examples: dict[str, list[Invalid]] = {}

    def take(self, chunk: Chunk) -> None:
        """Counts a chunk's events."""
        self._refuse(chunk.decisions.invalid)
        self._refuse(chunk.feedback.invalid)
        self._refuse(self._strangers(chunk.decisions))
        decisions = self._counting(chunk.decisions)
        ours = [i for i in decisions if chunk.decisions.events[i].model == self._name]
        times = chunk.decisions.times[ours]
        self._facts.observe([chunk.decisions.events[i] for i in ours], times)
        self._facts.reconcile()
        first, last = self._spread
        self._spread = int(times.min(initial=first)), int(times.max(initial=last))
        returned = self._counting(chunk.feedback)
        self._facts.learn([chunk.feedback.events[i] for i in returned], chunk.feedback.times[returned])

    def _counting(self, decoded: Decoded[Event]) -> list[int]:
        """The places of the events that are not after `as_of`."""
        times = decoded.times
        places: list[int] = np.flatnonzero(
            times <= (FOREVER if self._as_of is None else self._as_of)
        ).tolist()
        if places:
            self._last = max(int(times[places].max()), self._last or 0)
        return places

    def _strangers(self, decoded: Decoded[Decision]) -> Iterable[Invalid]:
        for event, record in zip(decoded.events, decoded.records, strict=True):
            if event.model not in self._models:
                detail = f"model: {event.model[:60]!r}; allowed: {', '.join(self._models)}"
                yield Invalid(record, "unknown_model", detail)

    def _refuse(self, invalid: Iterable[Invalid]) -> None:
        for each in invalid:
            self._invalid[each.reason] += each.count
            examples = self._examples.setdefault(each.reason, [])
            if len(examples) < EXAMPLES:
                examples.append(each)

    def result(self, window: str | None = None) -> Measured:
        """What has been taken so far, in one of the model's windows or in all."""
        model = self._models[self._name]
        trials = self.trials if self._is_stream else None
        evaluator = Evaluator(self._name, model, self._panes, self._baseline, trials)
        readings = evaluator.read(self.as_of)
        return Measured(
            readings=[reading for reading in readings if window in (None, reading.window)],
            invalid=dict(sorted(self._invalid.items())),
            examples=self._examples,
            tables=evaluator.tables(window or longest_window(model), self.as_of),
            overdue=self._facts.overdue(),
        )

    @property
    def as_of(self) -> int | None:
        """The event time (ms) of the result; None where nothing was taken."""
        return self._last if self._as_of is None else self._as_of

    @property
    def _is_stream(self) -> bool:
        """Decisions of less than a day have no order to test them in, unless they are the beginning of a
        stream that is asked for: they are looked at once."""
        first, last = self._spread
        return last - first >= DAY_MS or self._as_of is not None


def moment(text: str) -> int:
    """`--as-of` in ms: a day stands for its end. Raises ConfigError.

    >>> moment("2013-12-31") - moment("2013-12-31T00:00:00")
    86399999
    """
    try:
        time = milliseconds(float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else text, FOREVER)
    except InvalidEventError:
        raise ConfigError("--as-of", text, "a day, or a time in ISO 8601 or in Unix seconds") from None
    return time + DAY_MS - 1 if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else time


def summary(
    readings: Sequence[Reading],
    invalid: Mapping[str, int] | None = None,
    window: str | None = None,
    overdue: int = 0,
) -> dict[str, Any]:
    """The object of `measure --json`, from one model's readings.

    Groups are those of `window` (None: the longest), and so are comparisons; behind them follow what rules
    ask of the other windows, when no window is named.
    """
    main = main_reading(readings, window)
    others = [reading for reading in readings if window is None and reading is not main]
    return {
        "model": main.model,
        "as_of": _spelled(main.as_of),
        "decisions": main.decisions,
        "feedback": main.feedback,
        "invalid": dict(main.invalid if invalid is None else invalid),
        "overdue": overdue,
        "attributes": {
            name: _attribute(attribute, [other.attributes[name] for other in others])
            for name, attribute in main.attributes.items()
        },
        "composites": [
            {"attribute": c.attribute, **_comparison(c)}
            for c in _with_ruled(main.composites, (other.composites for other in others))
        ],
        "cautions": [_chosen(caution, caution.__struct_fields__) for caution in main.cautions],
        "restarts": [_restart(found) for found in main.restarts],
        "drift": [
            _chosen(d, d.__struct_fields__) | {"verdict": d.verdict.value}
            for d in _with_ruled(main.drift, (other.drift for other in others))
        ],
    }


def document(
    measured: Measured, window: str | None = None, impacts: Mapping[str, Impacts] | None = None
) -> dict[str, Any]:
    """All that `measure --json` prints; the impact ratios, where they are asked for, under `impact`."""
    found = summary(measured.readings, measured.invalid, window, measured.overdue)
    return found if impacts is None else found | {"impact": to_builtins(impacts)}


def main_reading(readings: Sequence[Reading], window: str | None = None) -> Reading:
    """The reading of a window; of the longest when none is named."""
    if window is not None:
        return next(reading for reading in readings if reading.window == window)
    return max(readings, key=lambda reading: window_ms(reading.window) or FOREVER)


def spelled(time: int) -> str:
    """A time in ms as ISO 8601, in UTC.

    >>> spelled(1_388_534_399_999)
    '2013-12-31T23:59:59.999Z'
    """
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def out_of_limits(readings: Iterable[Reading]) -> bool:
    """Whether any verdict is `out_of_limits`."""
    for reading in readings:
        comparisons = chain(*(attribute.comparisons for attribute in reading.attributes.values()))
        judged: Iterable[Comparison | Drift] = chain(comparisons, reading.composites, reading.drift)
        if any(each.verdict is Verdict.OUT for each in judged):
            return True
    return False


def _with_ruled(main: Sequence[Any], others: Iterable[Sequence[Any]]) -> list[Any]:
    return [*main, *(each for other in others for each in other if each.rule is not None)]


def _attribute(main: Attribute, others: Sequence[Attribute]) -> dict[str, Any]:
    comparisons = _with_ruled(main.comparisons, (other.comparisons for other in others))
    return {
        "reference": main.reference,
        "groups": {name: _group(group) for name, group in main.groups.items()},
        "comparisons": [_comparison(comparison) for comparison in comparisons],
    }


def _group(group: Group) -> dict[str, Any]:
    rates = {name: _chosen(rate, ("value", "low", "high", "n")) for name, rate in group.rates.items()}
    counts = {name: n for name, n in group.counts.items() if not name.endswith(".sum")}
    return {"n": group.n, "coverage": group.coverage, "counts": _COUNTS | counts, "rates": rates}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    what = _chosen(comparison, ("metric", "compare", "group", "reference", "value", "low", "high", "n"))
    return what | {
        "verdict": comparison.verdict.value,
        "needed": comparison.needed,
        "due": _spelled(comparison.due),
        "detectable": comparison.detectable,
        "e_value": comparison.e_value,
        "window": comparison.window,
        "rule": comparison.rule,
        "test": comparison.test,
        **_chosen(comparison, ("cs_low", "cs_high", "tested", "proof", "proved_after", "once_in", "listed")),
        **{name: _spelled(getattr(comparison, name)) for name in TIMES},
        "revised": comparison.revised,
        "restart": None if comparison.restart is None else _restart(comparison.restart),
    }


def _restart(found: Restart) -> dict[str, Any]:
    return _chosen(found, found.__struct_fields__) | {"at": spelled(found.at)}


def _spelled(time: int | None) -> str | None:
    return None if time is None else spelled(time)


def _chosen(found: Struct, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(found, name) for name in names}
