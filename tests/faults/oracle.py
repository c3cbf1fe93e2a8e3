"""What must come out: counted by brute force from the log, judged by the library in order, once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import numpy as np

from alerts import lifecycle
from alerts.alert import Alert, State
from monitor.arrays.hashing import siphash
from monitor.arrays.texts import Texts
from monitor.config import Config
from monitor.evaluator import Evaluator
from monitor.events import Decision, Feedback, scalar
from monitor.facts import Facts
from monitor.panes import DECISION, OUTCOME, REPEATED
from monitor.readings import Reading
from monitor.trials import Trials, levels
from streams.files.replay import Record
from tests.faults.history import DAY, Part

Cell = tuple[str, int, int, str, str, tuple[str | None, ...]]  # model, axis, day, attribute, group, fields
ATOMS = {("yes", "true"): "tp", ("yes", "false"): "fp", ("no", "false"): "tn", ("no", "true"): "fn"}


def distinct(log: Iterable[bytes]) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Decisions by id, the first in the log of their partition; all distinct feedback by decision.

    `log`: the values of each partition's log in order, those that are in no other partition's.
    """
    decisions: dict[str, dict[str, Any]] = {}
    feedback: dict[str, list[dict[str, Any]]] = {}
    for value in log:
        event = msgspec.json.decode(value)
        if "id" in event:
            decisions.setdefault(event["id"], event)
        elif event not in feedback.setdefault(event["decision_id"], []):
            feedback[event["decision_id"]].append(event)
    return decisions, feedback


def panes(log: Iterable[bytes]) -> Counter[Cell]:
    """Every count of every pane, of an unbatched pass over the distinct events."""
    decisions, feedback = distinct(log)
    repeats = repeated(decisions)
    found: Counter[Cell] = Counter()
    for id, event in decisions.items():
        said = feedback.get(id, [])
        outcome, at = won(said, "outcome")
        fields = event["decision"], outcome, won(said, "decision")[0]
        learned = {"region": won([_attributes(each) for each in said], "region")[0]}
        places = groups(event["attributes"] | {name: group for name, group in learned.items() if group})
        again = [(REPEATED + attribute, group) for attribute, group in places]
        for attribute, group in [*places, *(again if id in repeats else ())]:
            found[event["model"], DECISION, int(event["time"]) // DAY, attribute, group, fields] += 1
            if outcome is not None:
                found[event["model"], OUTCOME, int(at) // DAY, attribute, group, fields] += 1
    return found


def won(said: Iterable[Mapping[str, Any]], field: str) -> tuple[str | None, float]:
    """What counts of all that was said of a field, and its time: the latest, and of one instant the largest
    rank, which is made of the value's hash."""
    values = [(each["time"], scalar(each[field])) for each in said if each.get(field) is not None]
    time, _, value = max(((time, rank(value), value) for time, value in values), default=(0.0, 0, None))
    return value, time


@cache
def rank(value: str) -> int:
    return int(siphash(Texts([value]), bytes(16))[0] >> np.uint64(32))


def _attributes(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"time": event["time"], **(event.get("attributes") or {})}


def repeated(decisions: Mapping[str, dict[str, Any]]) -> set[str]:
    """The decisions that tests do not count: of each person and day all but the first."""
    first: dict[tuple[str, str, int], tuple[float, str]] = {}
    about = {id: event for id, event in decisions.items() if event.get("entity") is not None}
    for id, event in about.items():
        key = event["model"], event["entity"], int(event["time"]) // DAY
        first[key] = min(first.get(key, (event["time"], id)), (event["time"], id))
    return about.keys() - {id for _, id in first.values()}


def groups(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where one decision counts."""
    sex, region = attributes.get("sex") or "unknown", attributes["region"]
    return [("", ""), ("sex", sex), ("region", region), ("sex & region", f"{sex} & {region}")]


def shown(cells: Counter[Cell], model: str) -> dict[str, dict[str, dict[str, int]]]:
    """By attribute and group, the counts that the reading of all time must show."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for (name, axis, _, attribute, group, (decision, outcome, _)), n in cells.items():
        if name != model or axis != DECISION or not attribute or attribute.startswith(REPEATED):
            continue
        counts = found.setdefault(attribute, {}).setdefault(group, dict.fromkeys((*ATOMS.values(), "n"), 0))
        counts["n"] += n
        if decision is not None and outcome is not None:
            counts[ATOMS[decision, outcome]] += n
    return found


@dataclass
class Judged:
    """What the library says of one model at the end: the readings, the tests, the ledger, open alerts."""

    readings: list[Reading]
    tests: bytes
    ledger: dict[bytes, bytes]
    open: set[tuple[str, str]]


class Library:
    """The same code in one process, which is given each day once, in order."""

    def __init__(self, config: Config, model: str) -> None:
        self._config, self._name = config, model
        self._facts = Facts(config.models, bytes(16), list(config.models))
        panes = self._facts.panes[model]
        self._trials = Trials(model, config.models[model], panes, levels(config))
        self._evaluator = Evaluator(model, config.models[model], panes, None, self._trials)
        self._alerts: dict[str, Alert] = {}
        self._ledger: dict[bytes, bytes] = {}
        self._clock = 0

    def run(self, parts: Sequence[Part], look: int | None = None) -> Judged:
        """Takes the parts, and looks at each day's end; where no day ends, also after `look` events each."""
        for part in parts:
            for day in part.days:
                self._take_day([sent.record for sent in day], look)
        readings = self._readings
        opened = {(a.id, str(a.state)) for a in self._alerts.values() if a.state is not State.RESOLVED}
        return Judged(readings, self._trials.to_bytes(), self._ledger, opened)

    def _take_day(self, records: Sequence[Record], look: int | None) -> None:
        clock = max(self._clock, *(record.time for record in records))
        if look is not None and clock == self._clock:
            for i in range(0, len(records), look):
                self._take(records[i : i + look])
                self._read(clock)
        self._take(records)
        self._read(clock)

    def _take(self, records: Sequence[Record]) -> None:
        decisions = [r for r in records if not r.feedback]
        feedback = [r for r in records if r.feedback]
        self._facts.observe(
            [msgspec.json.decode(r.value, type=Decision) for r in decisions], _times(decisions)
        )
        self._facts.reconcile()
        self._facts.learn([msgspec.json.decode(r.value, type=Feedback) for r in feedback], _times(feedback))

    def _read(self, clock: int) -> None:
        self._clock = clock
        self._readings = self._evaluator.read(clock)
        self._ledger |= self._trials.unsaved()
        model = self._config.models[self._name]
        changes = lifecycle.step(model, self._name, self._readings, self._alerts, clock)
        self._alerts |= {change.id: change for change in changes}


def _times(records: Sequence[Record]) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array([record.time for record in records], np.int64)
