"""Tests are fed every finished slice once, in order, whatever happens to the process."""

import random

import pytest
from msgspec.structs import replace

from alerts import alert
from monitor.config import Config, Model, Rule
from monitor.events import Decision
from monitor.facts import Facts
from monitor.trials import Trials
from streams.desk import ALERT, Desk
from streams.partition import shape
from tests.monitor.trials.streams import (
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
    parted,
    revisions,
    ruled,
)


def mixed(seed: int, days: int = 60) -> tuple[Model, list[Decision], Facts]:
    """Everything at once: two attributes' worth of rules, outcomes late by up to ten days, a late group."""
    model = ruled(
        GAP,
        replace(RATIO, reference="highest"),
        Rule(metric="fpr", min=-0.1, max=0.2, reference="largest", name="fpr"),
        Rule(metric="tpr", max=0.1, reference="pairs", name="tpr", test="change"),
        mature_after="2d",
    )
    rates = {"F": 0.45, "M": 0.55, "X": 0.3}
    made = decisions(range(days), lambda day: rates if day > 20 else {"F": 0.45, "M": 0.55}, seed=seed)
    chance = random.Random(seed)
    returned = [
        outcome(d, (d.time - START) / 86400 + chance.random() * 10, chance.random() < 0.5) for d in made
    ]
    return model, made, learnt(model, made, returned)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_batching_gives_the_same_tests_to_the_last_bit(seed: int) -> None:
    model, _, facts = mixed(seed)
    once = advanced(model, facts.panes["m"], 62)
    assert once.begun is not None
    for steps in (7, 62, 200):
        assert advanced(model, facts.panes["m"], 62, steps).to_bytes() == once.to_bytes()


@pytest.mark.parametrize("every", [1, 5, 17])
def test_a_crash_at_any_time_changes_no_bit(every: int) -> None:
    model, _, facts = mixed(3)
    panes = facts.panes["m"]
    trials, table, waiting = Trials("m", model, panes), dict[bytes, bytes](), 0
    for day in range(63):
        trials.advance(int(at(day) * 1000))
        if day % every == 0:
            table |= trials.unsaved()
        if day % 9 == 8:  # what was not made durable is lost
            tests = [running for each in trials.running.values() for running in each]
            waiting += sum(int(running.cells.state["open"].sum()) for running in tests)
            trials = Trials("m", model, panes)
            trials.restore(table)
    assert waiting > 0  # it crashed in the middle of blocks
    trials.advance(int(at(62) * 1000))
    whole = advanced(model, panes, 62)
    assert trials.to_bytes() == whole.to_bytes()
    assert table | trials.unsaved() == whole.unsaved()  # the ledgers too
    assert not any(rate.late or rate.altered for rate in revisions(trials))


def test_a_worker_takes_up_the_tests_where_another_left_them() -> None:
    """What `evaluate` makes durable is enough: another desk goes on to the same alert, once."""
    config, made = Config(models={"m": MODEL}), decisions(range(40), UNFAIR)
    table, told_of = dict[bytes, bytes](), list[str]()
    facts, desk = learnt(MODEL, []), Desk(config)
    for day in range(40):
        add(facts, [d for d in made if at(day) <= d.time < at(day + 1)])
        panes = facts.panes["m"].take("m", 0, shape(MODEL))
        table |= dict(item for pane in panes if (item := desk.take(pane)))
        desk.clock = int(at(day + 1) * 1000)
        watched = desk.models["m"]
        assert watched.read(desk.clock, 0.0)
        table |= watched.unsaved()
        told_of += [change.state.value for change in desk.judge(watched)]
        changes = {ALERT + change.id.encode(): alert.encode(change) for change in desk.judge(watched)}
        table |= changes
        desk = Desk(config)  # the worker is killed, another one takes the partition
        desk.restore(table)
    assert told_of == ["firing"]
    once = advanced(MODEL, facts.panes["m"], 40)
    assert table[b"trials/m"] == once.to_bytes()


def test_of_the_ledger_only_what_can_be_revised_is_kept() -> None:
    trials = advanced(MODEL, learnt(MODEL, decisions(range(60), FAIR)).panes["m"], 60)
    table, first = trials.unsaved(), START // 86400
    gone = trials.forget(first + 40) + trials.forget(first + 60)
    assert len(gone) == len(set(gone)) > 2
    assert set(gone) < table.keys()
    assert sorted(table.keys() - set(gone)) == [
        f"ledger/decisions/{(first + 59) // 16}/m".encode(),
        b"trials/m",
    ]


def test_partitions_add_up_to_one_stream() -> None:
    model, made, _ = mixed(4)
    whole, together = learnt(model, made), parted(model, made)
    assert advanced(model, together, 62, 9).to_bytes() == advanced(model, whole.panes["m"], 62).to_bytes()


def test_a_slice_is_fed_when_the_clock_has_passed_its_end_and_outcomes_have_matured() -> None:
    rule = replace(GAP, metric="accuracy", name="accuracy")
    model = ruled(GAP, rule, mature_after="3d")
    made = decisions(range(20), FAIR)
    facts = learnt(model, made, [outcome(d, (d.time - START) / 86400, True) for d in made])
    trials = advanced(model, facts.panes["m"], 19.99)
    assert trials.running["gap", "sex"][0].fed(0) == 19 * 60
    assert trials.running["accuracy", "sex"][0].fed(0) == 16 * 60
