"""One partition of the events: what is taken, refused, sent on and kept, and how far its time has come."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord
from msgspec.structs import replace

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.config import Broker, Config, Model, Rule
from monitor.events import MOST
from monitor.events.exposed import FIELDS
from monitor.facts import entities
from monitor.panes import DECISION, GROUPS, UNKNOWN
from streams.bundles import Bundle
from streams.forwarding import LARGEST
from streams.forwarding import MOST as MOVED
from streams.partition import Partition, Taken, shape
from streams.refusals import EACH
from streams.shelf import MANY
from tests.monitor.readable import Cell, everything
from tests.streams.steps import take

COUNT, DAY = 4, 86_400
CONFIG = Config(models={"loans": Model(positive=["yes"], attributes=["sex"])})
KEY = bytes(16)


def mine(number: int = 0) -> Iterator[str]:
    """Ids that belong to a partition."""
    names = (f"d{i}" for i in range(100_000))
    return (name for name in names if partitions(Texts([name]), COUNT)[0] == number)


def decision(id: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"id": id, "model": "loans", "time": DAY, "decision": "yes"} | fields)


def outcome(id: str, time: float = 2 * DAY) -> bytes:
    return msgspec.json.encode({"decision_id": id, "time": time, "outcome": True})


def bundle(values: list[bytes | None], topic: str = "decisions", start: int = 100) -> Bundle:
    records = [
        ConsumerRecord(topic, 0, start + i, 7_000 - i, 0, None, value, None, -1, len(value or b""), ())
        for i, value in enumerate(values)
    ]
    return Bundle(topic, 0, records)


def partition(config: Config = CONFIG) -> Partition:
    return Partition(0, config, COUNT, KEY, Counter())


def kept(taken: Taken) -> dict[bytes, bytes]:
    """What a table would hold."""
    return dict(taken.blocks)


def counted(state: Partition) -> Mapping[int, tuple[str, dict[Cell, int]]]:
    """The panes by slot, in words: codes are of one process."""
    return everything(state.facts, "loans")


def test_between_two_models_of_a_bundle_the_loop_goes_on() -> None:
    """What it holds up would else grow with the number of models."""
    names = ["loans", "rent", "jobs"]
    state, ids = partition(Config(models=dict.fromkeys(names, CONFIG.models["loans"]))), mine()
    seen = [
        [name for name in names if len(state.facts.models[name])]
        for _ in state.take(bundle([decision(next(ids), model=name) for name in names]))
    ]
    assert seen == [[], names[:1], names[:2], names]


def test_events_become_blocks_that_give_the_same_panes() -> None:
    ids = [next(names) for names in [mine()] for _ in range(20)]
    state = partition()
    table = kept(take(state, bundle([decision(i) for i in ids])))
    table |= kept(take(state, bundle([outcome(i) for i in ids], "feedback")))
    restored = partition()
    restored.restore(table)
    assert counted(restored) == counted(state) != {}
    assert state.counts == {"events.decisions": 20, "events.feedback": 20}


def test_restored_facts_tell_the_time_only_at_the_end_of_the_log() -> None:
    """Of what was in hand when a worker died, the later part may be durable, and the earlier not."""
    ids = mine()
    table = take(partition(), bundle([decision(next(ids), time=3 * DAY)])).blocks
    restored = partition()
    restored.restore(table)
    assert restored.clock(RUNNING) == (None, False, inf)
    take(restored, bundle([decision(next(ids), time=DAY)]))
    take(restored, bundle([outcome(next(ids), time=2 * DAY)], "feedback"))
    assert restored.clock(RUNNING) == (DAY * 1000, False, inf)
    assert [restored.clock(ended(now))[0] for now in (1.0, 4.0)] == [DAY * 1000, 3 * DAY * 1000]


def test_what_came_before_writes_nothing() -> None:
    state = partition()
    one = decision(next(mine()))
    assert take(state, bundle([one, one])).blocks
    assert take(state, bundle([one])).blocks == {}
    assert state.counts["duplicates"] == 2


def test_two_writers_never_share_a_key() -> None:
    state, ids = partition(), mine()
    keys = [
        *take(state, bundle([decision(next(ids))])).blocks,
        *take(state, bundle([decision(next(ids))])).blocks,
    ]
    assert len(set(keys)) == 2
    assert all(key.startswith(keys[0].partition(b"/")[0]) for key in keys)


def test_a_partition_that_comes_back_replaces_nothing_of_before() -> None:
    """The same process loses it in a rebalance, and gets it again in the next one."""
    ids = mine()
    before, again = (take(partition(), bundle([decision(next(ids))])).blocks for _ in range(2))
    assert not before.keys() & again.keys()


def test_what_belongs_elsewhere_is_sent_on_as_it_was() -> None:
    state = partition()
    here, there = next(mine()), next(mine(1))
    taken = take(state, bundle([decision(there, score=0.5, attributes={"sex": "F"}), decision(here)]))
    ((home, key, value),) = taken.misrouted
    sent = json.loads(value)
    assert (home, key.decode(), sent["id"]) == (1, there, there)
    assert (sent["score"], sent["attributes"]) == (0.5, {"sex": "F"})
    assert (state.counts["misrouted"], state.counts["events.decisions"]) == (1, 1)
    home = Partition(1, CONFIG, COUNT, KEY, Counter())
    assert take(home, bundle([value])).blocks


def test_many_that_belong_elsewhere_are_few_messages() -> None:
    """A producer that knows nothing of partitions, or a hostile one, must not cost a send an event."""
    state, names = partition(), [f"x{i}" for i in range(4_000)]
    wanted = {
        home: [n for n in names if partitions(Texts([n]), COUNT)[0] == home] for home in range(1, COUNT)
    }
    taken = take(state, bundle([decision(name) for name in names]))
    assert len(taken.misrouted) < 10
    assert all(len(value) < LARGEST + 10_000 for _, _, value in taken.misrouted)
    assert state.counts["misrouted"] == sum(map(len, wanted.values()))
    for home, expected in wanted.items():
        told = [json.loads(value) for to, _, value in taken.misrouted if to == home]
        assert [event["id"] for events in told for event in events] == expected
        there = Partition(home, CONFIG, COUNT, KEY, Counter())
        take(there, bundle([value for to, _, value in taken.misrouted if to == home]))
        assert there.counts["events.decisions"] == len(expected)


def test_what_would_be_too_large_to_be_sent_on_is_invalid() -> None:
    """An event as it is spelled anew may be longer than what came: 1 becomes 1.0."""
    shares = {f"{number:015}": 1 for number in range(200)}
    event = decision(next(mine(1)), attributes={f"a{i}": shares for i in range(200)})
    assert MOVED < len(event) < MOST
    taken = take(partition(), bundle([event]))
    assert taken.misrouted == []
    assert [json.loads(record)["reason"] for record in taken.invalid] == ["too_large"]


def test_each_refusal_names_its_message_and_its_reason() -> None:
    state, ids = partition(), mine()
    far = decision(next(mine(1)))
    good, unknown = decision(next(ids)), decision(next(ids), model="others")
    taken = take(state, bundle([far, good, b"{", None, unknown, good]))
    refused = [json.loads(record) for record in taken.invalid]
    assert {r["offset"]: r["reason"] for r in refused} == {
        102: "malformed",
        103: "malformed",
        104: "unknown_model",
    }
    assert {(r["topic"], r["partition"], r["count"]) for r in refused} == {("decisions", 0, 1)}
    assert "'others'; allowed: loans" in next(r["detail"] for r in refused if r["offset"] == 104)
    assert state.counts["invalid.malformed"] == 2
    assert "payload" not in refused[0]


def test_an_array_of_bad_events_is_one_refusal_a_reason() -> None:
    state = partition()
    taken = take(state, bundle([b"[" + b"1," * 999 + b"{}]"]))
    refused = {r["reason"]: r["count"] for r in map(json.loads, taken.invalid)}
    assert refused == {"wrong_type": 999, "missing_field": 1}
    assert state.counts["invalid.wrong_type"] == 999


def test_many_refusals_are_few_reports() -> None:
    state, ids = partition(), mine()
    bad = [b"{"] * 5_000 + [decision(next(ids), model=f"invented {i}") for i in range(5_000)]
    reports = [*map(json.loads, take(state, bundle(bad)).invalid)]
    assert len(reports) == EACH + 2
    assert sum(report["count"] for report in reports) == 10_000
    assert [(r["offset"], r["last"], r["count"]) for r in reports[-2:]] == [
        (100 + EACH, 100 + 4_999, 5_000 - EACH),
        (100 + 5_000, 100 + 9_999, 5_000),
    ]
    assert (state.counts["invalid.malformed"], state.counts["invalid.unknown_model"]) == (5_000, 5_000)


def test_a_report_quotes_no_person() -> None:
    state, ids = partition(), mine()
    bad = [decision(next(ids), model="jane@example.com"), decision(next(ids), time="+44 20 7946 0958")]
    assert "jane" not in str(take(state, bundle(bad)).invalid)
    assert "7946" not in str(take(state, bundle(bad)).invalid)


def test_the_payload_goes_along_when_it_may() -> None:
    state = partition(replace(CONFIG, broker=Broker(invalid_payload=True)))
    (record,) = take(state, bundle([b"\xff" * 200_000])).invalid
    assert len(json.loads(record)["payload"]) == 100_000


def test_names_of_unknown_fields_are_capped() -> None:
    state, ids = partition(), mine()
    for i in range(3 * FIELDS):
        take(state, bundle([decision(next(ids), **{f"field{i}": 1})]))
    unknown = {name: n for name, n in state.counts.items() if name.startswith("unknown.")}
    assert len(unknown) == FIELDS + 1
    assert unknown["unknown.__other__"] == 2 * FIELDS


@pytest.mark.parametrize(
    "more",
    [{"attributes": ["sex", "age", ["sex", "age"]]}, {"slices": ["region"]}, {"features": ["income"]}],
)
def test_what_is_declared_since_is_unknown_of_older_facts(more: dict[str, Any]) -> None:
    ids = mine()
    table = take(partition(), bundle([decision(next(ids), attributes={"sex": "F"})])).blocks
    new = replace(CONFIG, models={"loans": replace(CONFIG.models["loans"], **more)})
    restored = partition(new)
    restored.restore(table)
    take(restored, bundle([decision(next(ids), attributes={"sex": "M", "age": "old"})]))
    assert {"F", "M"} <= groups(restored)


def put(state: Partition, blocks: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The blocks, which are durable now."""
    for key, record in blocks.items():
        state.shelf.put(key, record)
    return blocks


def test_small_blocks_are_merged_into_one_with_the_same_facts() -> None:
    state, ids = partition(), mine()
    table: dict[bytes, bytes] = {}
    for _ in range(MANY):
        table |= put(state, take(state, bundle([decision(next(ids))])).blocks)
    merged, replaced = state.merge(table)
    assert set(replaced) == set(table)
    assert len(merged) == 1
    restored = partition()
    restored.restore(merged)
    assert counted(restored) == counted(state)


def test_few_blocks_are_left_alone() -> None:
    state = partition()
    table = put(state, take(state, bundle([decision(next(mine()))])).blocks)
    assert state.merge(table) == ({}, [])


RUNNING: dict[str, float | None] = {"decisions": None, "feedback": None}


def ended(second: float, *topics: str) -> dict[str, float | None]:
    """These topics are at their ends, as of a second; without names, all."""
    return RUNNING | dict.fromkeys(topics or RUNNING, second)


def test_the_clock_is_the_slower_topic_s() -> None:
    state, one = partition(), next(mine())
    take(state, bundle([decision(one, time=9 * DAY)]))
    assert state.clock(RUNNING) == (None, False, inf)
    take(state, bundle([outcome(one, 4 * DAY)], "feedback"))
    assert state.clock(RUNNING) == (4 * DAY * 1000, False, inf)


def test_a_topic_that_has_ended_for_some_seconds_holds_nobody_back() -> None:
    state, one = partition(), next(mine())
    take(state, bundle([decision(one, time=9 * DAY)]))
    told = [state.clock(ended(second, "feedback")) for second in (0.0, 2.9, 3.0)]
    assert told == [(None, False, inf), (None, False, inf), (9 * DAY * 1000, False, 3.0)]
    assert state.clock(RUNNING) == (None, False, inf)
    assert state.clock(ended(9.0, "feedback")) == (None, False, inf)  # it ends anew


def test_a_broker_that_is_silent_makes_no_topic_idle() -> None:
    """It is known to have ended as of the same second, however often one looks."""
    state = partition()
    assert [state.clock(ended(second))[1] for second in (0.0, 0.0, 0.0, 3.0, 3.0)] == [False] * 3 + [True] * 2


def test_a_partition_is_idle_when_both_topics_have_ended() -> None:
    state = partition()
    assert state.clock(ended(0.0)) == (None, False, inf)
    assert state.clock(ended(3.0)) == (None, True, 3.0)
    take(state, bundle([decision(next(mine()), time=9 * DAY)]))
    assert state.clock({"decisions": 5.0, "feedback": 4.0}) == (9 * DAY * 1000, True, 4.0)
    assert state.clock(RUNNING)[1] is False


TESTED = Model(positive=["yes"], attributes=["sex"], rules=[Rule(metric="selection_rate", min=-0.1, max=0.1)])


def about_one(state: Partition, time: int, ids: Iterator[str]) -> Taken:
    """Takes five decisions about one person, made in as many seconds."""
    return take(state, bundle([decision(next(ids), time=time + i, entity="ann") for i in range(5)]))


def test_decisions_about_one_person_are_told_settled_and_marked() -> None:
    state = partition(Config(models={"loans": TESTED}))
    ((settles, claims),) = about_one(state, DAY, mine()).claims
    assert 0 <= settles < COUNT
    settled = state.hear(bundle([claims], "fairlead-entities"))
    ((holds, repeats),) = settled.repeats
    assert (holds, len(settled.blocks)) == (0, 1)
    assert state.hear(bundle([claims], "fairlead-entities")).repeats == settled.repeats
    assert len(state.hear(bundle([repeats], "fairlead-repeats")).blocks) == 1
    assert state.hear(bundle([repeats], "fairlead-repeats")).blocks == {}
    assert state.facts.models["loans"].all("repeat").tolist() == [0, 1, 1, 1, 1]


def test_a_model_without_tests_says_nothing_of_persons() -> None:
    assert about_one(partition(), DAY, mine()).claims == []


def test_claims_that_are_not_settled_hold_the_clock_back() -> None:
    state, ids = partition(Config(models={"loans": TESTED})), mine()
    topics = ("decisions", "feedback", "fairlead-entities", "fairlead-repeats")
    first, later = (about_one(state, day * DAY, ids).claims for day in (1, 3))
    told = [state.clock(ended(now, *topics)) for now in (0.0, 3.0)]
    assert told == [(None, False, inf), ((3 * DAY + 4) * 1000, True, 3.0)]
    behind = ended(4.0, *topics) | {"fairlead-entities": None}
    assert state.clock(behind) == (None, False, 4.0)
    state.hear(bundle([first[0][1]], "fairlead-entities"))
    assert state.clock(behind) == ((DAY + 4) * 1000, False, 4.0)
    state.hear(bundle([later[0][1]], "fairlead-entities"))
    assert state.clock(behind) == ((3 * DAY + 4) * 1000, False, 4.0)


def test_repeats_outlive_facts_that_are_dropped() -> None:
    state, ids = partition(Config(models={"loans": replace(TESTED, feedback_within="1d")})), mine()
    old = [decision(next(ids), time=DAY, entity="ann") for _ in range(2_000)]
    take(state, bundle(old))
    ((_, claims),) = about_one(state, 9 * DAY, ids).claims
    settled = state.hear(bundle([claims], "fairlead-entities"))
    state.hear(bundle([record for _, record in settled.repeats], "fairlead-repeats"))
    state.renew(state.age(9 * DAY * 1000))
    assert state.facts.models["loans"].all("repeat").tolist() == [0, 1, 1, 1, 1]
    told = state.hear(bundle([claims], "fairlead-entities")).repeats
    assert len(entities.taken(record for _, record in told)["loans"]) == 4


def test_facts_are_looked_at_for_their_end_once_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    state, looks = partition(Config(models={"loans": replace(TESTED, feedback_within="1d")})), list[int]()
    look = state.facts.is_mostly_dead
    monkeypatch.setattr(state.facts, "is_mostly_dead", lambda ends: looks.append(ends["loans"]) or look(ends))
    width = state.facts.models["loans"].panes.width
    start = 9 * DAY * 1000 // width * width
    for clock in (start, start + 1, start + width - 1, start + width):
        assert state.age(clock) == {}
    assert looks == [state.facts.ends(clock)["loans"] for clock in (start, start + width)]


def crowd(start: int, ids: Iterator[str], **fields: Any) -> Bundle:
    """As many decisions as an attribute has names, each of a group, a class and a flag of its own."""
    return bundle(
        [
            decision(
                next(ids), decision=f"c{i}", attributes={"sex": f"g{i}"}, flags={f"f{i}": True}, **fields
            )
            for i in range(start, start + GROUPS)
        ]
    )


def groups(state: Partition) -> set[str]:
    """The groups of an attribute that count by name."""
    panes = state.facts.panes["loans"]
    return {group for name, group in panes.window(DECISION, None, None).groups if name == "sex"} - {UNKNOWN}


def test_a_restart_makes_no_room_for_other_names() -> None:
    state, ids = partition(), mine()
    said = next(ids)
    table = take(state, crowd(0, ids)).blocks | take(state, bundle([decision(said)])).blocks
    table |= take(state, bundle([msgspec.json.encode(told(said, "late"))], "feedback")).blocks
    restored = partition()
    restored.restore(table)
    known = groups(restored)
    assert len(known) == GROUPS + 1  # of feedback apart from those of decisions
    take(restored, crowd(GROUPS, ids))
    take(restored, bundle([decision(next(ids), attributes={"sex": "g7"})]))
    assert groups(restored) == known | {"__other__"}
    assert restored.counts["capped"] == 3 * GROUPS + 1  # the last decision's class


def told(id: str, group: str) -> dict[str, Any]:
    return {"decision_id": id, "time": 2 * DAY, "attributes": {"sex": group}}


def test_counts_stay_when_facts_end() -> None:
    state, ids = partition(), mine()
    one = decision(next(ids))
    take(state, bundle([one, one, decision(next(ids), attributes={"sex": "F"})]))
    take(state, crowd(0, ids))
    before = dict(state.counts)
    assert before["duplicates"] == 1
    assert before["capped"] > 0
    state.renew({"loans": 0})
    take(state, bundle([one]))
    assert state.counts["duplicates"] == 2
    assert all(state.counts[name] >= n for name, n in before.items())


def test_what_is_read_back_is_counted_once() -> None:
    state, ids = partition(), mine()
    table = take(state, crowd(0, ids)).blocks
    twice = {b"copy of " + key: record for key, record in table.items()}
    restored = partition()
    restored.restore(table | twice)
    assert take(restored, bundle([])).blocks == {}
    assert (restored.counts["duplicates"], restored.counts["capped"]) == (0, 0)


def test_the_time_of_events_of_1970_is_known_after_a_restart() -> None:
    state, one = partition(), next(mine())
    table = take(state, bundle([decision(one, time=0)])).blocks
    table |= take(state, bundle([outcome(one, time=0)], "feedback")).blocks
    restored = partition()
    restored.restore(table)
    told = [restored.clock(ended(now)) for now in (0.0, 3.0)]
    assert told == [(None, False, inf), (0, True, 3.0)]
    assert state.clock(RUNNING) == (0, False, inf)


def test_the_oldest_arrival_is_remembered() -> None:
    state, ids = partition(), mine()
    take(state, bundle([decision(next(ids)), decision(next(ids))]))
    assert state.arrived == 6_999


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"rules": []}, True),
        ({"min_group": 99}, True),
        ({"attributes": ["race"]}, False),
        ({"windows": ["1h"]}, False),
    ],
)
def test_the_shape_follows_what_cuts_panes(changed: dict[str, Any], same: bool) -> None:
    model = CONFIG.models["loans"]
    assert (shape(replace(model, **changed)) == shape(model)) is same
