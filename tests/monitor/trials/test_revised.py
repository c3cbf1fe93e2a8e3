"""What changes after the tests were fed: late and corrected events, edits, other slices."""

import random

import msgspec
import pytest
from msgspec.structs import replace

from monitor.arrays.codes import Codes
from monitor.config import Model, Rule
from monitor.events import Decision, Feedback
from monitor.panes import Panes
from monitor.readings import Restart
from monitor.trials import Trials
from monitor.trials.restarts import CORRECTED, NEW_GROUP, NEWEST, Note, Restarts
from tests.monitor.trials.streams import (
    DAY,
    FAIR,
    GAP,
    MODEL,
    RATIO,
    START,
    UNFAIR,
    add,
    advanced,
    at,
    decisions,
    learnt,
    outcome,
    read,
    revisions,
    ruled,
    said,
)


def test_what_comes_late_is_counted_and_not_fed() -> None:
    facts = learnt(MODEL, decisions(range(20), FAIR))
    trials = advanced(MODEL, facts.panes["m"], 20)
    add(facts, decisions(range(20), {"F": 1.0}, each=2, seed=2))
    trials.advance(int(at(21) * 1000))
    (running,) = trials.running["gap", "sex"]
    assert (running.fed(0), trials.revisions(running, 0)) == (1200, (0, 40))
    assert trials.restarts.notes == []


def test_late_outcomes_do_not_hide_late_decisions() -> None:
    """Decisions and outcomes are sources of their own, of the same slices."""
    model = ruled(GAP, Rule(metric="accuracy", max=0.1, name="accuracy"))
    made, late = decisions(range(20), FAIR), decisions(range(20), {"F": 1.0}, each=2, seed=2)
    facts = learnt(model, made, [outcome(d, (d.time - START) // 86400 + 0.9, True) for d in made[::2]])
    trials = advanced(model, facts.panes["m"], 20)
    add(facts, late, [outcome(d, (d.time - START) // 86400 + 0.9, True) for d in made[1::2]])
    trials.advance(int(at(21) * 1000))
    (gap,), (accuracy,) = trials.running["gap", "sex"], trials.running["accuracy", "sex"]
    assert trials.revisions(gap, 0) == (0, 40)
    assert trials.revisions(accuracy, 0) == (0, 600)


def read_again(trials: Trials, table: dict[bytes, bytes], panes: Panes, day: float) -> Trials:
    """The tests as another worker has them, from what is durable and from the panes that it was sent."""
    table |= trials.unsaved()
    received = Panes(Codes(), panes.width)
    panes.dirty = set(panes.phi)
    for pane in panes.take("m", 0, ""):
        received.put(pane)
    again = Trials("m", trials.model, received)
    again.restore(table)
    again.advance(int(at(day) * 1000))
    return again


def test_what_was_revised_is_known_after_a_restart() -> None:
    """Also of a slice in which nothing is left: its outcomes were corrected to another day."""
    model = ruled(Rule(metric="accuracy", max=0.1, name="accuracy"))
    made, table = decisions(range(200), FAIR), dict[bytes, bytes]()
    facts = learnt(model, made, [outcome(d, (d.time - START) / 86400, True) for d in made])
    trials = advanced(model, facts.panes["m"], 200)
    table |= trials.unsaved()
    moved = [d for d in made if (d.time - START) // 86400 == 30]
    add(facts, decisions(range(20), FAIR, each=1, seed=2), [outcome(d, 199.5, False) for d in moved])
    trials.advance(int(at(200.5) * 1000))
    found = revisions(trials)
    assert [rate.altered for rate in found] == [60]
    again = read_again(trials, table, facts.panes["m"], 200.5)
    assert revisions(again) == found
    assert again.to_bytes() == trials.to_bytes()


def test_what_was_revised_is_known_when_the_ledger_is_forgotten_and_after_a_restart() -> None:
    model, table = ruled(GAP), dict[bytes, bytes]()
    facts = learnt(model, decisions(range(100), FAIR))
    trials, first = advanced(model, facts.panes["m"], 100), START // 86400
    add(facts, decisions(range(100), FAIR, each=1, seed=2))
    trials.advance(int(at(100.5) * 1000))
    found = revisions(trials)
    assert [rate.late for rate in found] == [200]
    table |= trials.unsaved()
    for days in (40, 60):
        gone = trials.forget(first + days)
        table |= trials.unsaved()
        for key in gone:
            del table[key]
        assert revisions(trials) == found
        assert revisions(read_again(trials, table, facts.panes["m"], 100.5)) == found
    trials.advance(int(at(101) * 1000))
    assert revisions(trials) == found


def corrected(share: float, mature_after: str = "0s") -> tuple[Model, Trials]:
    """Accuracy over 40 days; a share of the outcomes is corrected four days after it came."""
    model = ruled(Rule(metric="accuracy", max=0.1, name="accuracy"), mature_after=mature_after)
    made = decisions(range(40), FAIR)
    facts, trials = learnt(model, made), None
    trials = Trials("m", model, facts.panes["m"])
    chance = random.Random(1)
    again = {d.id for d in made if chance.random() < share}
    for day in range(45):
        came = [outcome(d, day + 0.5, True) for d in made if (d.time - START) // 86400 == day]
        came += [
            outcome(d, day + 0.5, False)
            for d in made
            if (d.time - START) // 86400 == day - 4 and d.id in again
        ]
        add(facts, [], came)
        trials.advance(int(at(day + 1) * 1000))
    return model, trials


def test_too_many_corrections_begin_a_test_anew_at_half_its_level() -> None:
    _, trials = corrected(0.1)
    (running,) = trials.running["accuracy", "sex"]
    restarts = int(running.marks.state["restarts"][0])
    assert restarts > 1
    assert running.alpha.tolist() == [running.terms.alpha * 0.5**restarts]
    assert len(trials.restarts.notes) == restarts
    newest = trials.restarts.notes[-1]
    assert (newest.reason, newest.group, newest.reference) == ("corrected", "F", "M")
    assert newest.events > 0.01 * newest.fed


def test_why_a_test_began_anew_is_told() -> None:
    _, trials = corrected(0.1)
    (running,) = trials.running["accuracy", "sex"]
    restarts, newest = int(running.marks.state["restarts"][0]), trials.restarts.notes[-1]
    (told_of,) = trials.restarts.told(DAY)
    assert (told_of.reason, told_of.times, told_of.at) == ("corrected", restarts, newest.slice * DAY)
    assert (told_of.group, told_of.events, told_of.fed) == ("F", newest.events, newest.fed)
    assert trials.restarts.of(running, 0) == told_of
    again = Trials("m", trials.model, Panes(Codes(), DAY))
    again.restore(trials.unsaved())
    assert again.restarts.told(DAY) == [told_of]
    (pair,) = again.running["accuracy", "sex"]
    assert again.restarts.of(pair, 0) == told_of


def test_groups_that_come_later_are_told() -> None:
    made = [*decisions(range(30), FAIR), *decisions(range(10, 30), {"X": 0.5}, seed=2)]
    found = {c.group: c.restart for c in read(MODEL, made, 30)}
    assert found["F"] is None
    assert found["X"] is not None
    assert (found["X"].reason, found["X"].at, found["X"].times) == ("new_group", int(at(10) * 1000), 1)
    trials = advanced(MODEL, learnt(MODEL, made).panes["m"], 30)
    assert [(each.reason, each.group) for each in trials.restarts.told(DAY)] == [("new_group", "X")]


def test_of_each_reason_the_newest_are_kept_and_all_are_counted() -> None:
    restarts = Restarts()
    restarts.add(Note(1, "gap", "sex", CORRECTED, "F", "M", 9, 99))
    for number in range(2 * NEWEST):
        restarts.add(Note(number, "gap", "sex", NEW_GROUP, f"G{number}"))
    assert [(each.reason, each.times) for each in restarts.told(DAY)] == [
        ("corrected", 1),
        ("new_group", 2 * NEWEST),
    ]
    assert len(restarts.notes) == NEWEST + 1


def test_in_which_order_tests_are_fed_changes_nothing_of_what_is_told() -> None:
    made = [Note(number % 70, "gap", "sex", NEW_GROUP, f"G{number}") for number in range(100)]
    one, two = Restarts(), Restarts()
    for note in made:
        one.add(note)
    for note in reversed(made):
        two.add(note)
    assert (one.notes, one.told(DAY)) == (two.notes, two.told(DAY))
    assert min(note.slice for note in one.notes) == 25


def test_an_alert_whose_test_began_anew_says_why() -> None:
    (first,) = read(replace(MODEL, min_group=5), decisions(range(12), UNFAIR), 12)
    why = Restart(rule="gap", attribute="sex", reason="edited", text="the rule was edited", at=0, times=1)
    assert "About its test: The rule was edited (from 1970-01-01 on)." in said(replace(first, restart=why))
    assert "About its test" not in said(first)


def test_what_is_put_right_before_the_next_slice_begins_nothing_anew() -> None:
    """However often one looked meanwhile: every reading of the facts at the end gives the same tests."""
    model = ruled(Rule(metric="accuracy", max=0.1, name="accuracy"))
    made, states = decisions(range(40), FAIR), []
    for looks in (False, True):
        facts = learnt(model, made, [_outcome(d, 0, True) for d in made])
        trials = advanced(model, facts.panes["m"], 40)
        add(facts, [], [_outcome(d, 0.001, False) for d in made[::10]])
        if looks:
            trials.advance(int(at(40.5) * 1000))
            assert max(found.altered for found in revisions(trials)) > 0.05 * len(made)
        add(facts, [], [_outcome(d, 0.002, True) for d in made[::10]])
        trials.advance(int(at(41) * 1000))
        states.append(trials.to_bytes())
    assert states[0] == states[1]
    assert trials.restarts.notes == []


def _outcome(decision: Decision, after: float, happened: bool) -> Feedback:
    """So many days after the decision."""
    return outcome(decision, (decision.time - START) / 86400 + after, happened)


def test_few_corrections_do_not_and_matured_outcomes_have_none() -> None:
    for share, mature_after in ((0.004, "0s"), (0.1, "5d")):
        _, trials = corrected(share, mature_after)
        assert trials.restarts.notes == []
        (running,) = trials.running["accuracy", "sex"]
        assert (trials.revisions(running, 0).altered > 0) == (mature_after == "0s")


def test_an_edit_restarts_the_tests_of_its_rule_alone() -> None:
    before = ruled(GAP, RATIO)
    panes = learnt(before, decisions(range(30), FAIR)).panes["m"]
    trials, table = advanced(before, panes, 20), dict[bytes, bytes]()
    table |= trials.unsaved()
    after = ruled(replace(GAP, name="renamed", severity="critical"), replace(RATIO, min=0.9))
    again = Trials("m", after, panes)
    again.restore(table)
    assert again.running["renamed", "sex"][0].fed(0) == 1200
    assert again.running["four fifths", "sex"][0].fed(0) == 0
    assert [(note.rule, note.reason) for note in again.restarts.notes] == [("four fifths", "edited")]
    assert again.unsaved()  # once more restarted, it is not told twice
    again.advance(int(at(30) * 1000))
    assert again.running["four fifths", "sex"][0].fed(0) == 600


@pytest.mark.parametrize(("before", "after"), [("30d", "24h"), ("24h", "30d")])
def test_slices_of_another_width_are_neither_fed_again_nor_waited_for(before: str, after: str) -> None:
    """The shortest window cuts time: slice 20,000 is of 2024 in days, and of 1972 in hours."""
    made = decisions(range(40), FAIR)
    old, new = replace(MODEL, windows=[before]), replace(MODEL, windows=[after])
    table = advanced(old, learnt(old, [d for d in made if d.time < at(20)]).panes["m"], 20).unsaved()
    panes = learnt(new, made).panes["m"]
    again = Trials("m", new, panes)
    again.restore(table)
    again.advance(int(at(40) * 1000))
    (running,) = again.running["gap", "sex"]
    assert (running.fed(0), running.start * panes.width) == (1200, at(20) * 1000)
    assert trials_after(again, new, panes, 40).to_bytes() == again.to_bytes()
    assert revisions(again) == [(0, 0)]


def trials_after(trials: Trials, model: Model, panes: Panes, day: float) -> Trials:
    """As another worker takes them up."""
    again = Trials("m", model, panes)
    again.restore(trials.unsaved())
    again.advance(int(at(day) * 1000))
    return again


def test_what_is_asked_later_is_tested_with_what_comes_then() -> None:
    """A new attribute, and a rule of another source than those there were: neither sees the past."""
    after = replace(
        MODEL,
        attributes=["sex", ["sex", "age"]],
        reference="largest",
        rules=[GAP, Rule(metric="flags.told", max=0.1, name="told", test="sequential", attribute="sex")],
    )
    before = replace(after, attributes=["sex"], rules=[replace(GAP, attribute="sex", name="gap")])
    panes = learnt(after, decisions(range(30), FAIR)).panes["m"]
    table = advanced(before, panes, 20).unsaved()
    again = Trials("m", after, panes)
    again.restore(table)
    again.advance(int(at(30) * 1000))
    old, new = (again.running["gap", name][0] for name in ("sex", "sex & age"))
    assert (old.fed(0), new.fed(0), new.pairs) == (1800, 600, [("M & unknown", "F & unknown")])
    assert again.running["told", "sex"][0].start == START // 86400 + 20


def test_a_state_from_before_the_ledger_was_summed_up_is_read() -> None:
    panes = learnt(MODEL, decisions(range(20), FAIR)).panes["m"]
    state = advanced(MODEL, panes, 20).to_bytes()
    again = Trials("m", MODEL, panes)
    again.restore({b"trials/m": msgspec.msgpack.encode(msgspec.msgpack.decode(state)[:5])})
    assert again.to_bytes() == state


def test_a_state_of_a_newer_version_is_refused() -> None:
    trials = advanced(MODEL, learnt(MODEL, decisions(range(9), FAIR)).panes["m"], 9)
    key, record = next(item for item in trials.unsaved().items() if item[0].startswith(b"trials/"))
    newer = bytes([record[0]]) + b"\x63" + record[2:]
    with pytest.raises(ValueError, match="format = 99"):
        Trials("m", MODEL, Panes(Codes(), DAY)).restore({key: newer})
