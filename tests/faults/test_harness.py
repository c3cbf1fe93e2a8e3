"""The harness itself, without Kafka; `make faults` runs the schedules."""

import random
from pathlib import Path

import msgspec
import pytest

from monitor.events import Decision, Decoder
from streams import settings
from streams.forwarding import forwarded
from tests.faults import oracle
from tests.faults.compare import require_same
from tests.faults.history import CONFIGURATION, MODELS, history, home
from tests.faults.packing import packed, unpacked
from tests.faults.schedule import ACTIONS, FEWEST, FIRST, MOST, schedule
from tests.faults.trial import LONG, SHORT, described


def test_a_schedule_is_made_of_its_seed() -> None:
    assert schedule(5, 8, 20) == schedule(5, 8, 20) != schedule(6, 8, 20)
    assert {action.what for seed in range(20) for action in schedule(seed, 8, 8)} == set(ACTIONS)


def test_no_clock_is_set_forward_after_the_last_event() -> None:
    found = {action.part for seed in range(99) for action in schedule(seed, 2, 3, ["clock_forward"])}
    assert found == {0}


def test_a_schedule_says_how_to_run_it_again() -> None:
    first, *actions = described(17, SHORT, ("kill", "add")).splitlines()
    assert first == 'to run it again: make faults ARGS="--seed 17 --short --only kill add"'
    assert len(actions) == SHORT.actions
    assert described(17, LONG).startswith('to run it again: make faults ARGS="--seed 17"\n')


def test_nobody_is_added_or_removed_in_vain() -> None:
    for seed in range(99):
        workers = FIRST
        for action in schedule(seed, 8, 20, ["add", "remove", "kill"]):
            workers += {"add": 1, "remove": -1}.get(action.what, 0)
            assert FEWEST <= workers <= MOST


def test_what_is_packed_is_unpacked_in_its_order() -> None:
    sent = [each for part in history(2, 1, 2, 300) for day in part.days for each in day]
    for feedback in (False, True):
        events = [each.record.value for each in sent if each.record.feedback is feedback]
        messages = [*packed(events, random.Random(4))]
        kinds = {type(found) for found in map(msgspec.json.decode, messages)}
        assert (kinds, len(messages) < len(events)) == ({dict, list}, True)
        assert sum(b'"columns"' in message for message in messages) > 1
        assert [e for m in messages for e in unpacked(m)] == [*map(msgspec.json.decode, events)]


def test_what_differs_is_said() -> None:
    require_same("both", {"a": (1, 2)}, {"a": [1, 2]})
    with pytest.raises(AssertionError, match=r"^both differ in 1 places: /a/1: 2 is not 3$"):
        require_same("both", {"a": (1, 2)}, {"a": [1, 3]})
    with pytest.raises(AssertionError, match=r"^both differ in 1 places: /b: None is not there$"):
        require_same("both", {"b": None}, {})


def test_what_was_sent_on_is_expected_as_what_was_sent() -> None:
    """A copy may be in its log before the event; it says of what the event leaves open that it is null."""
    sent = [sent for part in history(1, 1, 2, 60) for day in part.days for sent in day]
    decisions = [s.record.value for s in sent if not s.record.feedback]
    batches = Decoder(Decision).batches(decisions, 1 << 53).batches
    moved = [value for batch in batches for _, _, value in forwarded(batch, 4, [])]
    again = [msgspec.json.encode(event) for value in moved for event in msgspec.json.decode(value)]
    assert any("entity" not in msgspec.json.decode(value) for value in decisions)
    assert oracle.panes(again) == oracle.panes(sorted(decisions, key=_home))


def _home(decision: bytes) -> int:
    return home([msgspec.json.decode(decision)["id"]])[0]


@pytest.mark.parametrize("model", MODELS)
def test_what_is_expected_does_not_hang_on_how_often_one_looks(tmp_path: Path, model: str) -> None:
    """Corrections, and what makes up for them, come one after the other."""
    toml = tmp_path / "fairlead.toml"
    toml.write_text("".join(CONFIGURATION.format(name=name) for name in MODELS))
    parts = history(0, SHORT.phases, SHORT.days, SHORT.people)
    once, often = (oracle.Library(settings.load(toml), model).run(parts, look) for look in (None, 3))
    assert once.readings == often.readings
    assert once.tests == often.tests
    assert (once.ledger, once.open) == (often.ledger, often.open)
    assert once.open  # else a lost alert would go unnoticed


def test_a_long_schedule_finds_drift(tmp_path: Path) -> None:
    """Else a detector that has lost what it was fed, or a baseline of other days, would go unnoticed."""
    toml = tmp_path / "fairlead.toml"
    toml.write_text("".join(CONFIGURATION.format(name=name) for name in MODELS))
    parts = history(0, LONG.phases, LONG.days, LONG.people)
    reading = oracle.Library(settings.load(toml), MODELS[0]).run(parts).readings[0]
    changes = {found.stream for found in reading.drift if found.measure == "adwin" and found.value}
    assert {"selection", "selection.sex.M"} <= changes
    assert max(found.value for found in reading.drift if found.measure == "psi") > 0.2
