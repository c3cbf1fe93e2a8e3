"""Counts are a function of the set of distinct facts: any order, duplication, batching and crash."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Model
from monitor.events import Decision, Feedback, scalar
from monitor.facts.facts import MOST_SAID, Facts
from monitor.panes import DECISION, OUTCOME, measures
from tests.monitor.readable import everything

DAY = 86_400
MODEL = Model(positive=["yes"], attributes=["sex", ["sex", "age"]], features=["income"], windows=["30d"])
MODELS = {"loans": MODEL, "jobs": Model(positive=[True], attributes=["sex"], windows=["1h"])}
Event = Decision | Feedback


def fed(events: list[Event], size: int = 7, facts: Facts | None = None) -> Facts:
    """Facts that took the events in this order, in batches of one kind."""
    facts = facts or Facts(MODELS, bytes(16))
    batch: list[Event] = []
    for event in [*events, None]:
        if batch and (event is None or type(event) is not type(batch[0]) or len(batch) == size):
            times = np.array([int(e.time) * 1000 for e in batch], np.int64)
            if isinstance(batch[0], Decision):
                facts.observe([e for e in batch if isinstance(e, Decision)], times)
            else:
                facts.learn([e for e in batch if isinstance(e, Feedback)], times)
            batch = []
        if event is not None:
            batch.append(event)
    return facts


def panes(facts: Facts) -> dict[str, object]:
    return {name: everything(facts, name) for name in MODELS}


def decision(number: int) -> Decision:
    """The one decision of this id."""
    chance = random.Random(number)
    return Decision(
        id=f"d{number}",
        model=chance.choice(list(MODELS)),
        time=float(chance.randrange(5) * DAY),
        decision=chance.choice(["yes", "no", True]),
        score=chance.choice([None, 0.0, 0.25, 7.0]),
        attributes={"sex": chance.choice(["F", "M", None]), "age": chance.choice(["old", "young & wild"])},
        features={"income": chance.choice([None, 3, -2.5, "high"])},
        flags=chance.choice([{}, {"explained": True}, {"explained": False}]),
    )


feedback = st.builds(
    Feedback,
    decision_id=st.integers(0, 12).map("d{}".format),
    time=st.integers(0, 6).map(lambda day: float(day * DAY)),
    outcome=st.sampled_from([None, True, False, "paid"]),
    decision=st.sampled_from([None, None, "yes", "no"]),
    values=st.sampled_from([{}, {"csat": 4.0}, {"csat": 0.0}]),
    flags=st.sampled_from([{}, {"helpful": True}, {"helpful": False}]),
    attributes=st.sampled_from([{}, {}, {"sex": "F"}, {"sex": "X"}, {"shoe": "42"}]),
)
events = st.lists(st.one_of(st.integers(0, 12).map(decision), feedback), max_size=40)


@settings(max_examples=75)
@given(events, st.randoms(use_true_random=False), st.integers(1, 9))
def test_any_order_duplication_and_batching_gives_the_same_panes(
    events: list[Event], chance: random.Random, size: int
) -> None:
    again = events + chance.sample(events, len(events) // 2)
    chance.shuffle(again)
    assert panes(fed(again, size)) == panes(fed(events))


@settings(max_examples=60)
@given(events, st.randoms(use_true_random=False))
def test_blocks_give_back_the_facts_in_any_order_and_more_than_once(
    events: list[Event], chance: random.Random
) -> None:
    half = len(events) // 2
    facts = fed(events[:half])
    blocks = facts.take_blocks()
    blocks += fed(events[half:], facts=facts).take_blocks()
    again = blocks + chance.sample(blocks, len(blocks))
    chance.shuffle(again)
    recovered = Facts(MODELS, bytes(16))
    for block in again:
        recovered.load(block)
    assert panes(recovered) == panes(fed(events))


@settings(max_examples=60)
@given(events, st.integers(0, 40))
def test_what_a_crash_made_durable_plus_a_replay_gives_the_same_panes(events: list[Event], at: int) -> None:
    recovered = Facts(MODELS, bytes(16))
    for block in fed(events[:at]).take_blocks():
        recovered.load(block)
    assert panes(fed(events[at // 2 :], facts=recovered)) == panes(fed(events))


@settings(max_examples=60)
@given(events)
def test_phi_grows_with_every_fact(events: list[Event]) -> None:
    """The newer pane is always the larger, else `evaluate` would keep the older one."""
    facts = Facts(MODELS, bytes(16))
    seen: dict[tuple[str, int], int] = {}
    for event in events:
        fed([event], facts=facts)
        for name in MODELS:
            for pane in facts.panes[name].take(name, 0, ""):
                phi = int(pane.phi, 16)
                assert phi > seen.get((name, pane.slot), -1)
                seen[name, pane.slot] = phi


@settings(max_examples=75)
@given(events)
def test_the_counts_are_those_of_a_batch_pass_over_the_distinct_facts(events: list[Event]) -> None:
    facts = fed(events)
    found: Counter[tuple[object, ...]] = Counter()
    for name in MODELS:
        for slot, (_, cells) in everything(facts, name).items():
            axis, day = slot >> 24, (slot & 0xFFFFFF) * facts.panes[name].width // 1000
            for (attribute, group, family, fields), count in cells.items():
                if family == measures.CORE:
                    found[name, axis, day, attribute, group, fields] += count
    assert +found == oracle(events)


def oracle(events: list[Event]) -> Counter[tuple[object, ...]]:
    """The core counts by brute force."""
    latest: dict[tuple[object, str], Feedback] = {}
    # distinct values at one time are ordered by a keyed hash: leave those ties to the code
    for event in events:
        if isinstance(event, Feedback):
            for kind in ("outcome", "decision"):
                _keep(latest, event, kind, getattr(event, kind))
            for name, value in event.attributes.items():
                _keep(latest, event, name, value)
    counts: Counter[tuple[object, ...]] = Counter()
    for event in {e.id: e for e in events if isinstance(e, Decision)}.values():
        said = {kind: f for (id_, kind), f in latest.items() if id_ == event.id}
        sex = said["sex"].attributes["sex"] if "sex" in said else event.attributes["sex"]
        outcome = scalar(said["outcome"].outcome) if "outcome" in said else None  # type: ignore[arg-type]
        final = scalar(said["decision"].decision) if "decision" in said else None  # type: ignore[arg-type]
        fields = (scalar(event.decision), outcome, final)
        age = str(event.attributes["age"]).replace("&", "\\&")
        groups = [("", ""), ("sex", sex or "unknown")]
        if event.model == "loans":
            groups.append(("sex & age", f"{sex or 'unknown'} & {age}"))
        for attribute, group in groups:
            counts[event.model, DECISION, event.time, attribute, group, fields] += 1
            if "outcome" in said:
                counts[event.model, OUTCOME, said["outcome"].time, attribute, group, fields] += 1
    return counts


def _keep(latest: dict[tuple[object, str], Feedback], event: Feedback, kind: str, value: object) -> None:
    key = event.decision_id, kind
    if value is None:
        return
    if key not in latest or _order(event, kind) > _order(latest[key], kind):
        latest[key] = event


def _order(event: Feedback, kind: str) -> tuple[float, int]:
    from monitor.arrays.hashing import siphash
    from monitor.arrays.texts import Texts

    value = event.attributes[kind] if kind in ("sex", "shoe") else getattr(event, kind)
    return float(event.time), int(siphash(Texts([scalar(value)]), bytes(16))[0])


def test_what_came_is_counted() -> None:
    first, other = decision(1), decision(2)
    said = Feedback(decision_id="d1", time=0.0, outcome=True)
    corrected = Feedback(decision_id="d1", time=1.0, outcome=False)
    lost = Feedback(decision_id="d9", time=0.0, outcome=True)
    undeclared = Feedback(decision_id="d1", time=0.0, attributes={"shoe": "42"})
    facts = fed([first, other, first, said, corrected, said, lost, undeclared])
    assert facts.counts == {
        "decisions": 2, "feedback": 3, "duplicates": 2, "conflicts": 0, "corrections": 1, "undeclared": 1
    }  # fmt: skip
    assert (facts.waiting, facts.pending) == (1, 1)


def test_the_first_decision_of_an_id_wins_and_a_differing_one_is_a_conflict() -> None:
    first = Decision(id="d", model="loans", time=0.0, decision="yes")
    other = Decision(id="d", model="loans", time=0.0, decision="no")
    elsewhere = Decision(id="d", model="jobs", time=0.0, decision=True)
    facts = fed([first, other, elsewhere, first])
    assert facts.counts["conflicts"] == 2
    assert panes(facts) == panes(fed([first]))


def test_ten_thousand_groups_count_as_a_hundred_and_other() -> None:
    crowd = [
        Decision(id=f"c{i}", model="jobs", time=0.0, decision=True, attributes={"sex": f"g{i}"})
        for i in range(10_000)
    ]
    facts = fed(crowd, size=1000)
    (_, cells) = everything(facts, "jobs")[0]
    groups = {group: n for (attribute, group, *_), n in cells.items() if attribute == "sex"}
    assert (len(groups), groups["__other__"]) == (101, 9_900)
    assert facts.refused == {"attributes.sex": 9_900}


def test_a_pending_decision_costs_little_memory() -> None:
    count = 20_000
    plain = [
        Decision(id=f"p{i}", model="jobs", time=0.0, decision=True, score=0.5, attributes={"sex": "F"})
        for i in range(count)
    ]
    facts = fed(plain, size=1000)
    assert facts.nbytes / count <= 64


def aged(events: list[Event], ends: dict[str, int]) -> Facts:
    """Facts after what is over by `ends` was dropped, as after a restart."""
    old = fed(events)
    old.seal(ends)
    new = Facts(MODELS, bytes(16))
    new.seal(ends)
    for record in old.living():
        new.load(record)
    return new


@settings(max_examples=75)
@given(events, events, st.integers(0, 7), st.integers(0, 7))
def test_dropping_what_is_over_leaves_every_unsealed_pane_as_it_was(
    events: list[Event], later: list[Event], loans: int, jobs: int
) -> None:
    """But for feedback that waited in vain: older than the end, it goes before its decision comes."""
    ends = {"loans": loans * DAY * 1000, "jobs": jobs * DAY * 1000}
    end = max(loans, jobs) * DAY
    old = {event.decision_id for event in events if isinstance(event, Feedback) and event.time < end}
    later = [event for event in later if not (isinstance(event, Decision) and event.id in old)]
    whole = fed(events)
    whole.seal(ends)
    for facts in (whole, dropped := aged(events, ends)):
        fed(later, facts=facts)
    for name, end in ends.items():
        found, expected = everything(dropped, name), everything(whole, name)
        open_slots = [s for s in expected if (s & 0xFFFFFF) * whole.panes[name].width >= end]
        for slot in open_slots:
            assert found[slot] == expected[slot]


def test_what_comes_after_its_time_is_sealed_is_too_late() -> None:
    facts = fed([decision(1), decision(2)])
    facts.seal({"loans": 10 * DAY * 1000, "jobs": 10 * DAY * 1000})
    again = facts.observe([decision(3)], np.array([9 * DAY * 1000]))
    said = Feedback(decision_id="d1", time=0.0, outcome=True)
    unknown = Feedback(decision_id="d77", time=0.0, outcome=True)
    fresh = Feedback(decision_id="d78", time=0.0, outcome=True)
    late = facts.learn([said, unknown, fresh], np.array([11, 9, 11]) * DAY * 1000)
    assert (again, late) == ({0: "too_late"}, {0: "too_late", 1: "too_late"})
    assert facts.waiting == 1


def test_feedback_about_nothing_ends_too() -> None:
    facts = Facts({"jobs": MODELS["jobs"]}, bytes(16))
    facts.observe([made(0, "jobs")], np.array([200 * DAY * 1000]))
    facts.learn([said(i) for i in range(1, 1500)], np.full(1499, DAY * 1000))
    assert not facts.is_mostly_dead(facts.ends(90 * DAY * 1000))
    assert facts.is_mostly_dead(facts.ends(92 * DAY * 1000))
    facts.learn([said(i) for i in range(2000, 4000)], np.full(2000, 100 * DAY * 1000))
    assert not facts.is_mostly_dead(facts.ends(92 * DAY * 1000))


def test_what_there_is_no_room_for_is_refused_and_what_is_known_goes_on() -> None:
    facts = Facts(MODELS, bytes(16), room=3)
    first = facts.observe([made(i) for i in range(4)], np.zeros(4, np.int64))  # one look a batch
    again = facts.observe([made(0), made(7), made(3)], np.zeros(3, np.int64))
    other = facts.observe([made(8, "jobs")], np.zeros(1, np.int64))
    assert (first, again, other) == ({}, {1: "full"}, {})
    assert facts.learn([said(0)], np.array([DAY])) == {}
    assert (facts.counts["decisions"], facts.counts["feedback"]) == (5, 1)


def test_feedback_about_one_model_or_about_nothing_has_room_of_its_own() -> None:
    facts = Facts(MODELS, bytes(16), room=2)
    facts.observe([made(1), made(2, "jobs")], np.zeros(2, np.int64))
    for second in range(3 * MOST_SAID):  # of each one is a correction
        facts.learn([said(1), said(77)], np.array([DAY, DAY]) + second)
    full = facts.learn([said(1), said(2), said(78)], np.array([2 * DAY] * 3))
    assert full == {0: "full", 2: "full"}
    assert (facts.models["loans"].said, facts.models["jobs"].said) == (2 * MOST_SAID, 1)
    assert facts.counts["feedback"] == 2 * MOST_SAID + 1 + 2


@pytest.mark.parametrize("first", ["feedback", "decision"])
def test_what_is_said_is_known_by_model_whatever_comes_first(first: str) -> None:
    """Also where the decision comes late: what waited for it takes up no room for the unknown any more."""
    facts = Facts(MODELS, bytes(16), room=3)
    steps = [
        lambda: facts.learn([said(1), said(1), said(9)], np.array([DAY, 2 * DAY, DAY])),
        lambda: facts.observe([made(1)], np.zeros(1, np.int64)),
    ]
    for step in steps if first == "feedback" else reversed(steps):
        assert step() == {}
    assert facts.models["loans"].said == 2
    assert facts.learn([said(8)], np.array([DAY])) == {}
    restored = Facts(MODELS, bytes(16), room=3)
    for record in facts.take_blocks():
        restored.load(record)
    assert restored.models["loans"].said == 2
    assert restored.learn([said(7)], np.array([DAY])) == {}
    assert restored.learn([said(6)], np.array([DAY])) == {0: "full"}


def made(number: int, model: str = "loans") -> Decision:
    return Decision(id=f"d{number}", model=model, time=0.0, decision=True)


def said(number: int) -> Feedback:
    return Feedback(decision_id=f"d{number}", time=0.0, outcome=True)


def test_feedback_is_overdue_where_a_partition_might_refuse_it() -> None:
    """One that seals all that it may, whenever it may, refuses exactly what is overdue."""
    model = Model(positive=[True], windows=["30d"], feedback_within="90d")
    said = [Feedback(decision_id=f"d{day}", time=0.0, outcome=True, flags={"ok": True}) for day in range(8)]
    times = (np.arange(8) + 88) * DAY * 1000  # 88 to 95 days after the decisions, all of the same moment
    events = [Decision(id=f"d{day}", model="jobs", time=0.0, decision=True) for day in range(8)]
    whole, sealing = (Facts({"jobs": model}, bytes(16)) for _ in range(2))
    for facts in (whole, sealing):
        facts.observe(events, np.full(8, 1000))
    whole.learn(said, times)
    whole.learn(said[:5], times[:5])
    refused = 0
    for event, time in zip(said, times, strict=True):
        sealing.seal({"jobs": sealing.models["jobs"].end(int(time))})
        refused += len(sealing.learn([event], np.array([time])))
    assert whole.overdue() == refused == 5


def test_facts_end_only_when_half_of_them_could_go() -> None:
    model = Model(positive=[True], windows=["30d"], feedback_within="90d")
    facts = Facts({"jobs": model}, bytes(16))
    old = [Decision(id=f"o{i}", model="jobs", time=0.0, decision=True) for i in range(1500)]
    facts.observe(old, np.zeros(1500, np.int64))
    before, ends = facts.ends(90 * DAY * 1000), facts.ends(91 * DAY * 1000)
    assert (before, ends) == ({"jobs": 0}, {"jobs": DAY * 1000})
    assert (facts.is_mostly_dead(before), facts.is_mostly_dead(ends)) == (False, True)
    new = [Decision(id=f"n{i}", model="jobs", time=0.0, decision=True) for i in range(1600)]
    facts.observe(new, np.full(1600, 50 * DAY * 1000))
    assert not facts.is_mostly_dead(ends)
