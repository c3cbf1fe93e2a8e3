"""Windows against a brute-force recount: late, duplicate, corrected and missing events, in any order."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.arrays.codes import Codes
from monitor.config import slice_ms
from monitor.config.config import Model
from monitor.config.windows import bounds, window_ms
from monitor.evaluator import Evaluator
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from monitor.panes import Panes, packed
from monitor.readings import Attribute, Reading

MINUTE, HOUR, DAYS = 60_000, 3_600_000, 6
START = 1_772_064_000  # seconds: 26 February 2026, so that a month ends after three days
MODEL = Model(
    positive=["yes"],
    attributes=["sex", ["sex", "age"]],
    windows=["30m", "6h", "3d", "month", "last_month", "all"],
    baseline=10**9,
)
MATURING = replace(MODEL, mature_after="12h")
WIDTH = slice_ms(MODEL)
Event = Decision | Feedback
Counts = dict[str, dict[str, dict[str, int]]]  # of each attribute's groups


def decision(number: int) -> Decision:
    """The one decision of this id."""
    chance = random.Random(number)
    return Decision(
        id=f"d{number}",
        model="loans",
        time=float(START + chance.randrange(DAYS * 24 * 4) * 900 + chance.randrange(60)),
        decision=chance.choice(["yes", "no"]),
        attributes={"sex": chance.choice(["F", "M", None]), "age": chance.choice(["old", "young"])},
    )


def returned(number: int, after: int) -> Feedback:
    """One of the feedback events of this id: corrections come later and may say something else."""
    chance = random.Random(f"{number} {after}")
    return Feedback(
        decision_id=f"d{number}",
        time=float(START + chance.randrange(DAYS * 24) * 3600 + 1),
        outcome=chance.choice([True, False, None]),
        decision=chance.choice([None, None, "yes", "no"]),
        attributes=chance.choice([{}, {}, {"sex": "F"}, {"sex": "X"}]),
    )


ids = st.integers(0, 30)
events = st.lists(
    st.one_of(ids.map(decision), st.builds(returned, ids, st.integers(0, 3))), min_size=5, max_size=80
)
clocks = st.integers(0, (DAYS + 1) * 24 * 60).map(lambda minutes: START * 1000 + minutes * MINUTE)


def fed(facts: Facts, found: Sequence[Event]) -> Facts:
    for event in found:
        times = np.array([round(float(event.time) * 1000)])
        if isinstance(event, Decision):
            facts.observe([event], times)
        else:
            facts.learn([event], times)
    return facts


def new() -> Facts:
    return Facts({"loans": MODEL}, bytes(16))


def windows(held: Panes, clock: int, model: Model = MODEL) -> dict[str, Counts]:
    """The counts that the readings of each window show."""
    readings = Evaluator("loans", model, held).read(clock)
    return {reading.window: shown(reading) for reading in readings}


def shown(reading: Reading) -> Counts:
    return {name: _groups(attribute) for name, attribute in reading.attributes.items()}


def _groups(attribute: Attribute) -> dict[str, dict[str, int]]:
    return {
        name: {atom: n for atom, n in group.counts.items() if n and not atom.startswith("decision.")}
        for name, group in attribute.groups.items()
        if group.n
    }


def recount(found: Sequence[Event], clock: int, wait: int = 0) -> dict[str, Counts]:
    """The same by hand: one pass over the distinct events for each window.

    `wait` (ms) is how old a decision must be before its outcome counts.
    """
    decisions = {event.id: event for event in found if isinstance(event, Decision)}
    said = {(event.decision_id, event.time): event for event in found if isinstance(event, Feedback)}
    latest: dict[object, dict[str, object]] = {}
    for (about, _), event in sorted(said.items(), key=lambda item: item[0][1]):
        words = {"outcome": event.outcome, "final": event.decision, **event.attributes}
        latest.setdefault(about, {}).update({k: v for k, v in words.items() if v is not None})
    for each in decisions.values():
        if wait and float(each.time) * 1000 >= (clock - wait) // WIDTH * WIDTH:
            latest.get(each.id, {}).pop("outcome", None)
    inside = {window: [d for d in decisions.values() if _holds(window, d, clock)] for window in MODEL.windows}
    return {window: _by_group(some, latest) for window, some in inside.items()}


def _holds(window: str, each: Decision, clock: int) -> bool:
    """Whether a window has the decision as of a clock."""
    ours, now = (datetime.fromtimestamp(seconds, UTC) for seconds in (float(each.time), clock / 1000))
    months = (now.year - ours.year) * 12 + now.month - ours.month
    if window in ("month", "last_month"):
        return months <= 0 if window == "month" else months == 1
    length = window_ms(window)
    return length is None or float(each.time) * 1000 // WIDTH > (clock - length) // WIDTH


def _by_group(found: Sequence[Decision], latest: dict[object, dict[str, object]]) -> Counts:
    counts: dict[str, dict[str, Counter[str]]] = {"sex": {}, "sex & age": {}}
    for each in found:
        said = latest.get(each.id, {})
        sex = said.get("sex") or each.attributes["sex"] or "unknown"
        groups = {"sex": str(sex), "sex & age": f"{sex} & {each.attributes['age']}"}
        for name, group in groups.items():
            counts[name].setdefault(group, Counter()).update(_atoms(each, said))
    return {name: {group: dict(c) for group, c in groups.items()} for name, groups in counts.items()}


def _atoms(each: Decision, said: dict[str, object]) -> list[str]:
    positive, outcome = each.decision == "yes", said.get("outcome")
    atoms = [_atom(positive, outcome)]
    if "final" in said:
        final = said["final"] == "yes"
        atoms.append(f"final_{_atom(final, outcome)}")
        atoms.append("upheld" if final == positive else f"overridden_{'up' if final else 'down'}")
    return atoms


def _atom(positive: bool, outcome: object) -> str:
    if outcome is None:
        return "up" if positive else "un"
    return ("t" if positive == outcome else "f") + ("p" if positive else "n")


def test_the_recount_by_hand_counts_what_it_should() -> None:
    found = [
        Decision(id="a", model="loans", time=7200.0, decision="yes", attributes={"sex": "F", "age": "old"}),
        Decision(id="b", model="loans", time=60.0, decision="no", attributes={"sex": "M", "age": "old"}),
        Feedback(decision_id="b", time=90.0, outcome=True),
        Feedback(decision_id="b", time=95.0, outcome=False, decision="yes"),
    ]
    counts = recount([*found, found[0]], 7200_000)
    assert counts["30m"]["sex"] == {"F": {"up": 1}}
    both = {"F": {"up": 1}, "M": {"tn": 1, "final_fp": 1, "overridden_up": 1}}
    assert counts["all"]["sex"] == counts["month"]["sex"] == both
    assert counts["last_month"]["sex"] == {}
    assert recount(found, 40 * 24 * HOUR)["last_month"]["sex"] == both
    young = recount(found, 7200_000, wait=2 * HOUR)["all"]["sex"]
    assert young["M"] == {"un": 1, "final_up": 1, "overridden_up": 1}


@settings(max_examples=30)
@given(events, clocks, st.randoms(use_true_random=False))
def test_windows_equal_a_recount(found: list[Event], clock: int, chance: random.Random) -> None:
    again = found + chance.sample(found, len(found) // 2)
    chance.shuffle(again)
    held = fed(new(), again).panes["loans"]
    assert windows(held, clock) == recount(found, clock)
    assert windows(held, clock, MATURING) == recount(found, clock, 12 * HOUR)


@settings(max_examples=20)
@given(events, clocks, st.randoms(use_true_random=False), st.integers(0, 80))
def test_windows_after_a_recovery_equal_a_recount(
    found: list[Event], clock: int, chance: random.Random, crash: int
) -> None:
    """Blocks come back in any order, and the log is read again from a little before the crash."""
    blocks = fed(new(), found[: crash // 2]).take_blocks()
    blocks += fed(new(), found[crash // 2 : crash]).take_blocks()
    chance.shuffle(blocks)
    recovered = new()
    for block in blocks:
        recovered.load(block)
    fed(recovered, found[crash * 2 // 3 :])
    assert windows(recovered.panes["loans"], clock) == recount(found, clock)


@settings(max_examples=20)
@given(events, clocks, st.randoms(use_true_random=False), st.integers(0, 80))
def test_windows_of_panes_that_were_sent_equal_a_recount(
    found: list[Event], clock: int, chance: random.Random, at: int
) -> None:
    """Two partitions; unfinished panes sent on the way; as bytes, doubled and in any order."""
    parts = [[e for e in found if _partition(e) == number] for number in (0, 1)]
    records = []
    for number, part in enumerate(parts):
        facts = fed(new(), part[:at])
        records += packed.dump(facts.panes["loans"].take("loans", number, ""))
        fed(facts, part[at:])
        records += packed.dump(facts.panes["loans"].take("loans", number, ""))
    records += chance.sample(records, len(records) // 2)
    chance.shuffle(records)
    held = Panes(Codes(), WIDTH)
    for record in records:
        held.put(packed.load(record))
    assert windows(held, clock) == recount(found, clock)


def _partition(event: Event) -> int:
    about = event.id if isinstance(event, Decision) else event.decision_id
    return int(str(about)[1:]) % 2


@settings(max_examples=20)
@given(events, clocks, st.integers(0, DAYS * 24))
def test_windows_after_old_panes_were_rolled_up_equal_a_recount(
    found: list[Event], clock: int, hour: int
) -> None:
    """Windows that begin after what is rolled up, and all, do not notice."""
    end = (START * 1000 + hour * HOUR) // WIDTH
    held, rolled = Panes(Codes(), WIDTH), Panes(Codes(), WIDTH)
    for pane in fed(new(), found).panes["loans"].take("loans", 0, ""):
        held.put(pane)
    whole, _ = held.roll(end, "loans", "")
    rolled.put(packed.load(packed.dump([whole])[0]))
    for pane in fed(new(), found).panes["loans"].take("loans", 0, ""):
        rolled.put(pane)
    starts = {window: bounds(window, clock, WIDTH)[0] for window in MODEL.windows}
    after = {window for window, start in starts.items() if start is None or start >= end}
    expected = {window: counts for window, counts in recount(found, clock).items() if window in after}
    for panes_ in (held, rolled):
        assert {w: counts for w, counts in windows(panes_, clock).items() if w in after} == expected


def test_a_window_moves_by_whole_slices() -> None:
    found = [Decision(id=str(i), model="loans", time=float(i * 300), decision="yes") for i in range(20)]
    held = fed(new(), found).panes["loans"]
    counts = [windows(held, minutes * MINUTE)["30m"]["sex"]["unknown"]["up"] for minutes in (60, 64, 65, 95)]
    assert counts == [13, 13, 12, 6]


def test_a_window_longer_than_the_past_holds_everything() -> None:
    found = [Decision(id=str(i), model="loans", time=float(i), decision="no") for i in range(20)]
    assert windows(fed(new(), found).panes["loans"], 19_000)["3d"]["sex"]["unknown"] == {"un": 20}
