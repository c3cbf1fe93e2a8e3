"""One schedule from beginning to end: the history is sent, things happen, and all is as the oracle says."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from monitor.panes import measures, packed
from monitor.trials.trials import STATE
from streams import parts as cut
from streams import settings
from streams.guard import CRASHED
from streams.messages import PANE
from streams.watched import BASELINE
from tests.faults import oracle
from tests.faults.compare import differences, require_same
from tests.faults.durable import fed_up_to, ledger_of, trials_in
from tests.faults.history import MODELS, Part, history, home
from tests.faults.line import Line, line
from tests.faults.logs import entries, left, table
from tests.faults.packing import unpacked
from tests.faults.schedule import schedule
from tests.kafka.broker import Broker
from tests.monitor.readable import cells

AXIS = 24  # bits of a slice's number in a slot
DAY_MS = 86_400_000


class Size(Struct, frozen=True):
    """How much happens in one schedule."""

    phases: int
    days: int
    people: int  # decided about, a day
    actions: int


SHORT = Size(phases=1, days=5, people=120, actions=4)
LONG = Size(phases=4, days=5, people=300, actions=8)


def run(seed: int, size: Size, broker: Broker, folder: Path, only: tuple[str, ...] = ()) -> str:
    """Runs the schedule of a seed; how often workers ended. Raises AssertionError with what differs."""
    parts = history(seed, size.phases, size.days, size.people)
    actions = schedule(seed, len(parts), size.actions, only)
    with line(broker, f"s{seed}-{folder.name}", folder) as made:
        for number, part in enumerate(parts):
            expected = oracle.panes(_sent(parts[: number + 1]))
            made.play(number, part, actions, lambda e=expected, p=part: _differs(made, e, p.clock))
        made.rest()
        made.wait(made.unready, "the end")
        made.wait(lambda: _differs(made, expected, parts[-1].clock), "the end")
        made.wait(lambda: _untold(made), "the end")
        _require_equal(made, parts)
        return _ends(made)


def described(seed: int, size: Size, only: tuple[str, ...] = ()) -> str:
    """What happens in a schedule, and how to run it again."""
    chosen = [f"--seed {seed}", *["--short"] * (size == SHORT), *[f"--only {' '.join(only)}"] * bool(only)]
    lines = [f'to run it again: make faults ARGS="{" ".join(chosen)}"']
    return "\n  ".join([*lines, *map(str, schedule(seed, 2 * size.phases, size.actions, only))])


def _sent(parts: Iterable[Part]) -> Iterable[bytes]:
    """The events in the order in which they are in their own partition's log."""
    for sent in (sent for part in parts for day in part.days for sent in day):
        if sent.partition == home([sent.record.key.decode()])[0]:
            yield sent.record.value


def _differs(made: Line, expected: Counter[oracle.Cell], clock: int) -> str:
    """In what the readings of all time differ from the oracle's counts; nothing when they do not."""
    found = {reading["model"]: reading for reading in made.readings()}
    for model in MODELS:
        if model not in found:
            return f"nobody shows {model}"
        if found[model]["as_of"] // DAY_MS != clock // DAY_MS:  # within a slice nothing new is read
            return f"{model}: the clock is {found[model]['as_of']}, not {clock}"
        counts = _counts(found[model])
        if wrong := list(differences(counts, oracle.shown(expected, model))):
            return f"{model}: {'; '.join(wrong)}"
    return _lacks(made, expected, clock)


def _lacks(made: Line, expected: Counter[oracle.Cell], clock: int) -> str:
    """Which tests and detectors are not durable yet: they may still be fed what comes later, which is late
    for others; a baseline is. And which panes: whose decisions repeat an entity's, the windows do not show.
    """
    items = cut.joined(table(made.broker.address, f"{made.name}-evaluate-changelog"))
    if wrong := list(differences(_panes(items), expected)):
        return f"the durable panes: {'; '.join(wrong[:5])}"
    for model in MODELS:
        if (fed := fed_up_to(items, model)) != dict.fromkeys(fed, clock // DAY_MS):
            return f"{model}: durable is what was fed up to {fed}, not {clock // DAY_MS}"
        if BASELINE + model.encode() not in items:
            return f"{model}: no baseline is durable"
    return ""


def _untold(made: Line) -> str:
    """Of what people were told otherwise than it is now, or not at all."""
    present, last = {alert["id"]: alert["state"] for alert in made.alerts()}, made.told.last()
    firing = {id for id, state in present.items() if state == "firing"}
    wanted = dict.fromkeys(last, "resolved") | dict.fromkeys(firing, "firing")
    wrong = [*differences(last, wanted)]
    return f"people were told: {'; '.join(wrong)}" if wrong else ""


def _ends(made: Line) -> str:
    """How the workers ended that did, before they were told to."""
    gave_up = [lines[-1:] for status, lines in made.ends if status == CRASHED]
    return " ".join([f"{len(made.ends)} workers ended by themselves or were killed", *map(str, gave_up)])


def _counts(reading: Any) -> dict[str, dict[str, dict[str, int]]]:
    names = oracle.ATOMS.values()
    return {
        attribute: {
            group: {name: shown["counts"].get(name, 0) for name in names} | {"n": shown["n"]}
            for group, shown in found["groups"].items()
        }
        for attribute, found in reading["attributes"].items()
    }


def _require_equal(made: Line, parts: list[Part]) -> None:
    """What is shown, and then what is durable: panes, tests, ledger and alerts."""
    config = settings.load(made.configuration)
    shown = {(r["model"], r["window"]): r for w in ("all", "30d") for r in made.readings(w)}
    alerts = {(alert["id"], alert["state"]) for alert in made.alerts() if alert["state"] != "resolved"}
    made.stop()
    address, group = made.broker.address, config.broker.group
    assert {topic: left(address, group, topic) for topic in made.topics.values()} == dict.fromkeys(
        made.topics.values(), 0
    )
    items = cut.joined(table(address, f"{group}-evaluate-changelog"))
    require_same("the durable panes", _panes(items), oracle.panes(_log(made)))
    judged = {model: oracle.Library(config, model).run(parts) for model in MODELS}
    for model, found in judged.items():
        require_same(f"the ledgers of {model}", ledger_of(items, model), ledger_of(found.ledger, model))
        for reading in found.readings:
            found_here, wanted = shown[model, reading.window], json.loads(msgspec.json.encode(reading))
            require_same(f"readings of {model}, {reading.window}", _timeless(found_here), _timeless(wanted))
        require_same(
            f"the tests of {model}", trials_in(items[STATE + model.encode()]), trials_in(found.tests)
        )
    opened = set().union(*(found.open for found in judged.values()))
    require_same("the open alerts", sorted(alerts), sorted(opened))
    assert opened, "nobody was to be told of anything"


def _timeless(reading: Any) -> Any:
    """Without what follows the clock within a slice, in which a line does not read again."""
    if isinstance(reading, dict):
        return {name: _timeless(value) for name, value in reading.items() if name not in ("as_of", "due")}
    return list(map(_timeless, reading)) if isinstance(reading, list) else reading


def _log(made: Line) -> Iterator[bytes]:
    """The events of each log that belong there; what was sent on lies in arrays."""
    for topic in made.topics.values():
        for partition, found in entries(made.broker.address, topic).items():
            events = [event for _, value in found for event in unpacked(value or b"")]
            here = home([event.get("id") or event["decision_id"] for event in events])
            yield from (msgspec.json.encode(e) for e, p in zip(events, here, strict=True) if p == partition)


def _panes(items: Mapping[bytes, bytes]) -> Counter[oracle.Cell]:
    """What the durable panes count, of decisions and outcomes."""
    counts: Counter[oracle.Cell] = Counter()
    for pane in (packed.load(record) for key, record in items.items() if key.startswith(PANE)):
        axis, day = pane.slot >> AXIS, pane.slot & ((1 << AXIS) - 1)
        for (attribute, group, family, fields), n in cells(pane).items():
            if family == measures.CORE:
                counts[pane.model, axis, day, attribute, group, fields] += n
    assert min(counts.values(), default=0) >= 0, counts
    return +counts
