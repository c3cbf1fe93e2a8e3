"""What tests say: references, proofs, sequences, months, alerts."""

from collections import defaultdict

from msgspec.structs import replace

from alerts import lifecycle
from alerts.alert import State
from monitor.config import Model
from monitor.events import Decision
from monitor.monitor import Monitor
from monitor.readings import Verdict
from monitor.trials import alone
from monitor.trials.running import first_slice, month_of
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
    read,
    ruled,
)


def test_the_largest_group_is_chosen_once() -> None:
    model = replace(MODEL, reference="largest")
    facts = learnt(model, decisions(range(10), FAIR, each={"F": 20, "M": 30}))
    trials = advanced(model, facts.panes["m"], 10)
    add(facts, decisions(range(10, 40), FAIR, each={"F": 90, "M": 10}))
    trials.advance(int(at(40) * 1000))
    assert trials.running["gap", "sex"][0].pairs == [("F", "M")]
    assert trials.rules("sex")[0].reference == "M"


def test_against_the_highest_all_ordered_pairs_are_tested() -> None:
    rates = {"A": 0.5, "B": 0.48, "C": 0.25}
    found = read(ruled(replace(RATIO, reference="highest")), decisions(range(60), rates), 60)
    assert {c.group: c.verdict for c in found if c.group == "C"} == {"C": Verdict.OUT}
    assert not any(c.verdict is Verdict.OUT for c in found if c.group != "C")


def test_the_extremes_are_out_if_any_pair_is() -> None:
    rates = {"A": 0.5, "B": 0.48, "C": 0.25}
    (found,) = read(ruled(replace(GAP, reference="extremes")), decisions(range(60), rates), 60)
    assert (found.group, found.reference, found.verdict) == ("A", "C", Verdict.OUT)


def test_a_gap_is_proved_with_its_day_and_a_sequence_that_holds_it() -> None:
    (found,) = read(MODEL, decisions(range(60), UNFAIR), 60)
    assert (found.verdict, found.proof, found.test) == (Verdict.OUT, "start", "sequential")
    days = ((found.proved or 0) // 1000 - START) // 86400
    assert found.proved_after in (days * 60, days * 60 - 60)
    assert (found.cs_low or 0) < -0.2 < (found.cs_high or 0) < -0.05
    assert (found.once_in or 0) >= 1 / alone(MODEL).alpha(2)
    assert (found.listed, found.tested, found.needed) == (True, 3600, None)


def test_a_limit_kept_is_proved_and_before_that_it_is_said_how_many_it_takes() -> None:
    few, many = (read(MODEL, decisions(range(n), FAIR, each=300), n)[0] for n in (6, 60))
    assert few.verdict is Verdict.UNDECIDED
    assert (few.needed or 0) > 1000
    assert many.verdict is Verdict.WITHIN


def test_before_the_tests_begin_nothing_is_decided() -> None:
    (found,) = read(MODEL, decisions(range(3), {"F": 0.0, "M": 1.0}), 3)
    assert (found.verdict, found.test, found.e_value) == (Verdict.UNDECIDED, "sequential", None)


def test_one_group_alone_is_compared_with_none_until_another_comes() -> None:
    monitor = Monitor("m", replace(MODEL, reference="largest"))
    monitor.observe(decisions(range(60), {"F": 0.3}))
    (before,) = monitor.advance(at(60))
    assert [c.tested for c in before.attributes["sex"].comparisons if c.rule == "gap"] == []
    monitor.observe(decisions(range(60, 90), UNFAIR, seed=2))
    (after,) = monitor.advance(at(90))
    assert [c.tested for c in after.attributes["sex"].comparisons if c.rule == "gap"] == [1800]


def test_a_small_stream_gets_an_answer_each_month() -> None:
    rates = {"F": 0.05, "M": 0.95}
    found = read(MODEL, decisions(range(0, 60, 5), rates, each=10), 60)[0]
    assert found.proof in ("start", "month")
    trials = advanced(MODEL, learnt(MODEL, decisions(range(0, 60, 5), rates, each=10)).panes["m"], 60)
    (running,) = trials.running["gap", "sex"]
    assert running.marks.state["monthly"].tolist() == [first_slice(month_of(START // 86400, DAY) + 2, DAY)]


def states(model: Model, made: list[Decision], days: range) -> list[tuple[int, State, int]]:
    """The changes of the one alert: day, state, episode."""
    monitor, alerts, found = Monitor("m", model), {}, []
    daily = defaultdict(list)
    for decision in made:
        daily[int(decision.time - START) // 86400].append(decision)
    for day in days:
        monitor.observe(daily[day - 1])
        readings = monitor.advance(at(day))
        for change in lifecycle.step(model, "m", readings, alerts, int(at(day) * 1000)):
            alerts[change.id] = change
            found.append((day, change.state, change.episode))
    return found


def test_an_alert_resolves_on_sight_and_fires_again_only_for_a_newer_proof() -> None:
    model = replace(MODEL, windows=["30d"], rules=[replace(GAP, min=-0.1, max=0.1)], events_per_day=400.0)
    bad, good = {"F": 0.2, "M": 0.5}, {"F": 0.5, "M": 0.5}
    made = decisions(range(240), lambda day: good if 60 <= day < 160 else bad, each=200)
    found = states(model, made, range(1, 240))
    assert [(state, episode) for _, state, episode in found] == [
        (State.FIRING, 1),
        (State.RESOLVED, 1),
        (State.FIRING, 2),
    ]
    fired, resolved, again = (day for day, _, _ in found)
    assert fired < 30
    assert 60 < resolved < 100
    assert 160 < again < 190
