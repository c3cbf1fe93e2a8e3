"""An entity counts once a slice in tests: whatever the order, the partitions, the crashes."""

import random
from collections import Counter, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.arrays.codes import Codes
from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.config import Model, Rule
from monitor.events import Decision, Feedback
from monitor.facts import entities
from monitor.facts.entities import CLAIM, Claims, Entities
from monitor.facts.facts import Facts
from monitor.monitor import Monitor
from monitor.panes import DECISION, GROUPS, REPEATED, Panes
from monitor.trials.asked import COHORTS, DECISIONS, OUTCOMES
from monitor.trials.slices import sliced
from tests.monitor.readable import Cell, everything
from tests.monitor.trials.streams import MODEL, advanced, at, decisions

DAY, KEY, COUNT = 86_400, bytes(16), 3
JOBS = Model(
    positive=["yes"],
    attributes=["sex", ["sex", "age"]],
    windows=["30d"],
    rules=[Rule(metric="selection_rate", min=-0.1, max=0.1)],
)
MODELS = {"jobs": JOBS}
QUESTIONS = {
    DECISIONS: [("", "selection_rate"), ("sex", "selection_rate"), ("sex & age", "selection_rate")],
    OUTCOMES: [("sex", "true_positive_rate"), ("sex & age", "false_positive_rate")],
    COHORTS: [("sex", "flags.explained"), ("sex", "reasons.income"), ("sex", "coverage")],
}
Event = Decision | Feedback
Seen = dict[str, Counter[tuple[object, ...]]]


# the least claim


def claims(rows: list[tuple[int, int, int, int]]) -> Claims:
    return np.array(rows, CLAIM)


def least(rows: list[tuple[int, int, int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
    """By brute force: (time, id) of each entity in each slice of 10 ms."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for entity, id, time, _ in rows:
        key = entity, time // 10
        found[key] = min(found.get(key, (time, id)), (time, id))
    return found


made = st.integers(1, 12).map(lambda id: (1 + id % 3, id, random.Random(id).randrange(30), id % 2))


@given(st.lists(st.lists(made, max_size=8), max_size=6))
def test_all_but_the_least_are_told_sooner_or_later_and_the_least_never(
    several: list[list[tuple[int, int, int, int]]],
) -> None:
    held, told, kept = Entities(10), set(), []
    for rows in several:
        won, repeats = held.claim(claims(rows))
        told |= set(repeats["id"].tolist())
        kept.append(won)
    rows = [row for some in several for row in some]
    best = {id for _, id in least(rows).values()}
    assert told == {row[1] for row in rows} - best
    again = Entities(10)
    again.claim(np.concatenate([entities.NONE, *kept]))
    assert set(again.living(0, 0)["id"].tolist()) == best


def test_claims_live_until_the_slowest_source_has_passed() -> None:
    held = Entities(10)
    held.claim(claims([(1, 1, 5, 0), (2, 2, 35, 0), (3, 3, 100, 0), (4, 4, 50, 1)]))
    living = {wait: sorted(held.living(1_000, wait)["id"].tolist()) for wait in (0, 20, 100)}
    assert living == {0: [3, 4], 20: [2, 3, 4], 100: [1, 2, 3, 4]}
    assert sorted(held.living(30, 0)["id"].tolist()) == [2, 3, 4]


def test_claims_travel_as_records_to_whom_they_concern() -> None:
    rows = claims([(5, 1, 300, 0), (8, 2, 200, 0), (6, 3, 100, 0)])
    sent = list(entities.shared({"jobs": rows}, 7, 3))
    assert {p: sorted(entities.taken([r])["jobs"]["id"].tolist()) for p, r in sent} == {2: [1, 2], 0: [3]}
    everywhere = entities.taken(record for _, record in sent)["jobs"]
    assert set(everywhere["source"].tolist()) == {7}
    assert [p for p, _ in entities.returned({"jobs": everywhere})] == [7]


def test_an_entity_is_hashed_otherwise_than_an_id() -> None:
    with_key, other = entities.pseudonyms(["x"], KEY), entities.pseudonyms(["x"], bytes(range(16)))
    facts = Facts(MODELS, KEY, ["jobs"])
    fed(facts, [decision(0)])
    assert len({int(with_key[0]), int(other[0]), int(facts.models["jobs"].all("id")[0])}) == 3


# partitions that tell each other


def decision(number: int) -> Decision:
    """The one decision of this id."""
    chance = random.Random(number)
    return Decision(
        id=f"d{number}",
        model="jobs",
        time=float(chance.randrange(3) * DAY + chance.randrange(3)),
        decision=chance.choice(["yes", "no"]),
        attributes={"sex": chance.choice(["F", "M", None]), "age": chance.choice(["old", "young"])},
        flags=chance.choice([{}, {"explained": True}]),
        reasons=chance.choice([[], ["income"], ["income", "age"]]),
        entity=chance.choice([None, "ann", "bob", 7]),
    )


feedback = st.builds(
    Feedback,
    decision_id=st.integers(0, 20).map("d{}".format),
    time=st.integers(0, 6).map(lambda day: float(day * DAY)),
    outcome=st.sampled_from([None, True, False]),
    decision=st.sampled_from([None, None, "yes", "no"]),
    attributes=st.sampled_from([{}, {}, {"sex": "F"}]),
)
events = st.lists(st.one_of(st.integers(0, 20).map(decision), feedback), max_size=40)


def fed(facts: Facts, some: list[Event]) -> None:
    for event in some:
        time = np.array([int(event.time) * 1000], np.int64)
        if isinstance(event, Decision):
            facts.observe([event], time)
        else:
            facts.learn([event], time)


def home(event: Event) -> int:
    name = event.id if isinstance(event, Decision) else event.decision_id
    return int(partitions(Texts([str(name)]), COUNT)[0])


class Partitions:
    """What `collect` does in each partition, in any order, with crashes at every point.

    A message is what lies in one of the three topics of a partition: an event, claims, or repeats.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.durable: list[list[bytes]] = [[] for _ in range(COUNT)]
        self.facts = [Facts(MODELS, KEY, ["jobs"]) for _ in range(COUNT)]
        self.told: list[tuple[str, int, bytes]] = []

    def run(self, found: list[Event], crashes: float) -> None:
        """Takes everything; events in the order of their log, all else in any."""
        log = deque(found)
        while log or self.told:
            if log and (not self.told or self.chance.random() < 0.5):
                if self.handle("event", home(log[0]), log[0], crash=self.chance.random() < crashes):
                    log.popleft()
                continue
            message = self.chance.choice(self.told)
            if self.handle(*message, crash=self.chance.random() < crashes):
                self.told.remove(message)

    def handle(self, kind: str, number: int, message: Event | bytes, *, crash: bool) -> bool:
        """Takes one message; False where it comes again, after a crash that left a part of what it caused."""
        facts = self.facts[number]
        told: list[tuple[str, int, bytes]] = []
        if kind == "claims":
            settled = facts.claims.settle(entities.taken([message]))
            told = [("repeats", p, record) for p, record in entities.returned(settled)]
        elif kind == "repeats":
            facts.mark(entities.taken([message]))
        else:
            fed(facts, [message])
            shared = entities.shared(facts.claims.take(), number, COUNT)
            told = [("claims", p, record) for p, record in shared]
        sent = not crash or self.chance.random() < 0.5
        self.told += told * self.chance.choice([1, 2]) if sent else []
        blocks = facts.take_blocks()
        if not crash or ((kind != "claims" or sent) and self.chance.random() < 0.5):
            self.durable[number] += blocks  # repeats go out before their claims are durable
        if crash:
            self.facts[number] = self.recovered(number)
        return not crash

    def recovered(self, number: int) -> Facts:
        facts = Facts(MODELS, KEY, ["jobs"])
        records = self.durable[number] * 2
        self.chance.shuffle(records)
        for record in records:
            facts.load(record)
        return facts

    def panes(self) -> list[dict[int, tuple[str, dict[Cell, int]]]]:
        return [everything(facts, "jobs") for facts in self.facts]

    def together(self) -> Panes:
        """The panes as `evaluate` holds them."""
        held = Panes(Codes(), self.facts[0].panes["jobs"].width)
        for number, facts in enumerate(self.facts):
            for pane in facts.panes["jobs"].take("jobs", number, ""):
                held.put(pane)
        return held


def seen(panes: Panes) -> Seen:
    """What tests are fed, by source: (slice, question, group) with the events and positives."""
    found: Seen = {}
    for source, questions in QUESTIONS.items():
        slices = sliced(panes, JOBS, source, (0, 100), asked=questions)
        found[source] = Counter(
            {
                (number, question, group, what): int(sums[place, column])
                for question, counts in slices.counts.items()
                for column, group in enumerate(counts.groups)
                for what, sums in (("n", counts.n), ("k", counts.k))
                for place, number in enumerate(slices.numbers)
            }
        )
    return {source: +counts for source, counts in found.items()}


def counted(found: list[Event]) -> list[Event]:
    """The events without repeats, by brute force."""
    decided = {event.id: event for event in found if isinstance(event, Decision)}
    facts = Facts(MODELS, KEY)
    fed(facts, list(decided.values()))
    held = facts.models["jobs"]
    hashes = dict(zip(decided, held.all("id").tolist(), strict=True)) if decided else {}
    best: dict[tuple[object, float], tuple[float, int, str | int]] = {}
    for event in decided.values():
        entity = event.id if event.entity is None else ("entity", str(event.entity))
        key = entity, float(event.time) // DAY
        mine = float(event.time), hashes[event.id], event.id
        best[key] = min(best.get(key, mine), mine)
    kept = {id for _, _, id in best.values()}
    return [event for event in found if not isinstance(event, Decision) or event.id in kept]


@settings(max_examples=60)
@given(events, st.integers(0, 1_000), st.sampled_from([0.0, 0.3]))
def test_tests_see_what_is_left_without_repeats_and_panes_are_the_same_in_any_order(
    found: list[Event], seed: int, crashes: float
) -> None:
    chance = random.Random(seed)
    plain, wild = Partitions(random.Random(1)), Partitions(chance)
    plain.run(found, 0.0)
    again = found + chance.sample(found, len(found) // 2)
    chance.shuffle(again)
    wild.run(again, crashes)
    oracle = Facts(MODELS, KEY)
    fed(oracle, counted(found))
    assert seen(wild.together()) == seen(oracle.panes["jobs"])
    recovered = [wild.recovered(number) for number in range(COUNT)]
    assert [everything(facts, "jobs") for facts in recovered] == plain.panes()


# what tests are fed, and windows show


def repeated(made: list[Decision], times: int, *, known: bool) -> list[Decision]:
    """Each decision so many times, a second apart, about one entity; `known` if that is said."""
    return [
        replace(each, id=f"{each.id}/{i}", time=float(each.time) + i, entity=each.id if known else None)
        for each in made
        for i in range(times)
    ]


def evidence(made: list[Decision], days: int) -> float:
    """The largest e-value of a stream whose gap is just what is allowed, looked at every week."""
    facts = Facts({"m": MODEL}, KEY, ["m"])
    facts.observe(made, np.array([int(float(d.time) * 1000) for d in made], np.int64))
    facts.reconcile()
    tests = [advanced(MODEL, facts.panes["m"], until) for until in range(8, days + 1, 8)]
    return max(
        float(found.e.max()) for trials in tests for (r,) in trials.running.values() if (found := r.found)
    )


@pytest.mark.parametrize(("known", "least", "most"), [(True, 0, 1), (False, 6, 20)])
def test_ten_decisions_about_one_person_prove_nothing_that_one_does_not(
    known: bool, least: int, most: int
) -> None:
    """At α = 0.05 about one of 20 compliant streams may be accused."""
    days = 40
    streams = [decisions(range(days), {"F": 0.45, "M": 0.5}, each=5, seed=seed) for seed in range(20)]
    found = [evidence(repeated(stream, 10, known=known), days) for stream in streams]
    assert least <= sum(e >= 20 for e in found) <= most


def test_the_tests_are_those_of_one_decision_each_and_the_windows_those_of_all() -> None:
    once = decisions(range(20), {"F": 0.3, "M": 0.5})
    single, many = Monitor("m", MODEL), Monitor("m", MODEL)
    single.observe(once)
    many.observe(repeated(once, 3, known=True))
    (one,), (three,) = single.advance(at(21)), many.advance(at(21))
    assert (one.decisions, three.decisions) == (len(once), 3 * len(once))
    assert three.attributes["sex"].groups["F"].n == 3 * one.attributes["sex"].groups["F"].n
    assert three.attributes.keys() == one.attributes.keys()
    assert three.attributes["sex"].groups.keys() == one.attributes["sex"].groups.keys()
    state, same = (monitor.trials.running["gap", "sex"][0].found for monitor in (single, many))
    assert state.e.tolist() == same.e.tolist() != []
    assert many.trials.begun == single.trials.begun


def test_a_mark_that_comes_after_its_slice_was_consumed_is_a_revision() -> None:
    facts = Facts({"m": MODEL}, KEY, ["m"])
    made = repeated(decisions(range(10), {"F": 0.5, "M": 0.5}), 2, known=True)
    facts.observe(made, np.array([int(float(d.time) * 1000) for d in made], np.int64))
    trials = advanced(MODEL, facts.panes["m"], 11)
    (running,) = trials.running["gap", "sex"]
    assert running.fed(0) == len(made)
    facts.reconcile()
    trials.advance(int(at(12) * 1000))
    assert [note.reason for note in trials.restarts.notes] == ["corrected"]


def test_without_entities_or_tests_nothing_is_kept_and_nothing_told() -> None:
    untested, plain = Facts(MODELS, KEY), Facts(MODELS, KEY, ["jobs"])
    fed(untested, [decision(number) for number in range(20)])
    fed(plain, [replace(decision(number), entity=None) for number in range(20)])
    for facts in (untested, plain):
        assert facts.claims.take() == {}
        assert "entity" not in facts.models["jobs"].rows(np.arange(20))


def test_who_is_nobody_known_is_nobody_s_repeat() -> None:
    facts = Facts(MODELS, KEY, ["jobs"])
    whom = [None, "ann", None, "ann", None]
    fed_at_once(facts, [replace(decision(n), time=float(n), entity=who) for n, who in enumerate(whom)])
    facts.reconcile()
    assert facts.models["jobs"].all("repeat").tolist() == [0, 0, 0, 1, 0]


def test_marks_are_no_feedback() -> None:
    facts = Facts(MODELS, KEY, ["jobs"])
    fed(facts, [replace(decision(number), time=float(DAY), entity="ann") for number in range(6)])
    facts.reconcile()
    assert (facts.counts["feedback"], facts.counts["duplicates"], facts.waiting) == (0, 0, 0)
    assert facts.latest == (DAY * 1000, None)
    repeats = facts.models["jobs"].all("repeat")
    assert np.count_nonzero(repeats) == 5
    facts.mark({"jobs": np.array([(1, 99, 5, 0)], CLAIM)})
    assert facts.waiting == 0


def test_claims_and_marks_outlive_the_end_of_facts_as_long_as_they_matter() -> None:
    model = replace(JOBS, feedback_within="2d")
    facts = Facts({"jobs": model}, KEY, ["jobs"])
    early = [replace(decision(n), id=f"e{n}", time=1.0, entity=f"p{n // 2}") for n in range(2_000)]
    late = [replace(decision(n), id=f"l{n}", time=9.0 * DAY, entity=f"p{n // 2}") for n in range(100)]
    fed_at_once(facts, early + late)
    facts.reconcile()
    facts.seal(facts.ends(9 * DAY * 1000))
    new = Facts({"jobs": model}, KEY, ["jobs"])
    for record in facts.living():
        new.load(record)
    assert len(new.models["jobs"]) == 100
    assert np.count_nonzero(new.models["jobs"].all("repeat")) == 50
    fed_at_once(new, [replace(late[0], id="again"), replace(late[0], id="new", entity="p70")])
    told = new.claims.settle(new.claims.take())["jobs"]
    assert len(set(told["id"].tolist())) == 1


def fed_at_once(facts: Facts, made: list[Decision]) -> None:
    facts.observe(made, np.array([int(float(d.time) * 1000) for d in made], np.int64))


def test_repeats_of_groups_that_are_too_many_are_taken_off_from_the_others() -> None:
    """Which groups of two partitions count by name is decided anew where their panes come together."""
    held = Panes(Codes(), DAY * 1000)
    for number in range(2):
        facts = Facts(MODELS, KEY, ["jobs"])
        groups = [f"{number}-{i}" for i in range(GROUPS - 20)]
        made = [
            replace(
                decision(0), id=f"{number}-{i}-{n}", time=float(n), attributes={"sex": group}, entity=group
            )
            for i, group in enumerate(groups)
            for n in range(1 + i % 2)
        ]
        fed_at_once(facts, made)
        facts.reconcile()
        for pane in facts.panes["jobs"].take("jobs", number, ""):
            held.put(pane)
    question = ("sex", "selection_rate")
    counts = sliced(held, JOBS, DECISIONS, (0, 9), asked=[question]).counts[question]
    assert len(counts.groups) == GROUPS + 1
    assert counts.n.sum() == 2 * (GROUPS - 20)
    assert sorted(set(counts.n.ravel().tolist())) == [1, 60]
    assert any(name.startswith(REPEATED) for name, _ in held.window(DECISION, None, None).groups)
