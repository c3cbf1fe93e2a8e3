"""One partition of the events: what is taken, refused, sent on and kept, and how far its time has come."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord
from msgspec.structs import replace

from monitor.config import Broker, Config, Model
from monitor.events import MOST
from monitor.hashing import Texts, partitions
from streams.consumer import Bundle
from streams.partition import FIELDS, MOVED, Partition, Taken, shape

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


def counted(state: Partition) -> Mapping[int, bytes]:
    return {pane.slot: pane.counts for pane in state.facts.panes["loans"].take("loans", 0, "")}


def test_events_become_blocks_that_give_the_same_panes() -> None:
    ids = [next(names) for names in [mine()] for _ in range(20)]
    state = partition()
    table = kept(state.take(bundle([decision(i) for i in ids])))
    table |= kept(state.take(bundle([outcome(i) for i in ids], "feedback")))
    restored = partition()
    restored.restore(table)
    assert counted(restored) == counted(state) != {}
    assert state.counts == {"events.decisions": 20, "events.feedback": 20, "misrouted": 0}
    assert restored.clock({"decisions": False, "feedback": False}, 0.0) == (DAY * 1000, False)


def test_what_came_before_writes_nothing() -> None:
    state = partition()
    one = decision(next(mine()))
    assert state.take(bundle([one, one])).blocks
    assert state.take(bundle([one])).blocks == {}
    assert state.facts.counts["duplicates"] == 2


def test_two_writers_never_share_a_key() -> None:
    state, ids = partition(), mine()
    keys = [
        *state.take(bundle([decision(next(ids))])).blocks,
        *state.take(bundle([decision(next(ids))])).blocks,
    ]
    assert len(set(keys)) == 2
    assert all(key.startswith(keys[0].partition(b"/")[0]) for key in keys)


def test_what_belongs_elsewhere_is_sent_on_as_it_was() -> None:
    state = partition()
    here, there = next(mine()), next(mine(1))
    taken = state.take(bundle([decision(there, score=0.5, attributes={"sex": "F"}), decision(here)]))
    ((key, value),) = taken.misrouted
    sent = json.loads(value)
    assert (key.decode(), sent["id"], sent["score"], sent["attributes"]) == (there, there, 0.5, {"sex": "F"})
    assert (state.counts["misrouted"], state.counts["events.decisions"]) == (1, 1)
    home = Partition(1, CONFIG, COUNT, KEY, Counter())
    assert home.take(bundle([value])).blocks


def test_what_would_be_too_large_to_be_sent_on_is_invalid() -> None:
    """An event as it is spelled anew may be longer than what came: 1 becomes 1.0."""
    shares = {f"{number:015}": 1 for number in range(200)}
    event = decision(next(mine(1)), attributes={f"a{i}": shares for i in range(200)})
    assert MOVED < len(event) < MOST
    taken = partition().take(bundle([event]))
    assert taken.misrouted == []
    assert [json.loads(record)["reason"] for record in taken.invalid] == ["too_large"]


def test_each_refusal_names_its_message_and_its_reason() -> None:
    state, ids = partition(), mine()
    far = decision(next(mine(1)))
    good, unknown = decision(next(ids)), decision(next(ids), model="others")
    taken = state.take(bundle([far, good, b"{", None, unknown, good]))
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
    taken = state.take(bundle([b"[" + b"1," * 999 + b"{}]"]))
    refused = {r["reason"]: r["count"] for r in map(json.loads, taken.invalid)}
    assert refused == {"wrong_type": 999, "missing_field": 1}
    assert state.counts["invalid.wrong_type"] == 999


def test_the_payload_goes_along_when_it_may() -> None:
    state = partition(replace(CONFIG, broker=Broker(invalid_payload=True)))
    (record,) = state.take(bundle([b"\xff" * 200_000])).invalid
    assert len(json.loads(record)["payload"]) == 100_000


def test_names_of_unknown_fields_are_capped() -> None:
    state, ids = partition(), mine()
    for i in range(3 * FIELDS):
        state.take(bundle([decision(next(ids), **{f"field{i}": 1})]))
    unknown = {name: n for name, n in state.counts.items() if name.startswith("unknown.")}
    assert len(unknown) == FIELDS + 1
    assert unknown["unknown.__other__"] == 2 * FIELDS


def test_small_blocks_are_merged_into_one_with_the_same_facts() -> None:
    state, ids = partition(), mine()
    table: dict[bytes, bytes] = {}
    for _ in range(20):
        table |= (taken := state.take(bundle([decision(next(ids))]))).blocks
        state.blocks |= {key: len(record) for key, record in taken.blocks.items()}
    merged, replaced = state.merge(table)
    assert set(replaced) == set(table)
    assert len(merged) == 1
    restored = partition()
    restored.restore(merged)
    assert counted(restored) == counted(state)


def test_few_blocks_are_left_alone() -> None:
    state = partition()
    taken = state.take(bundle([decision(next(mine()))]))
    state.blocks = {key: len(record) for key, record in taken.blocks.items()}
    assert state.merge(taken.blocks) == ({}, [])


RUNNING = {"decisions": False, "feedback": False}
ENDED = {"decisions": True, "feedback": True}


def test_the_clock_is_the_slower_topic_s() -> None:
    state, one = partition(), next(mine())
    state.take(bundle([decision(one, time=9 * DAY)]))
    assert state.clock(RUNNING, 0.0) == (None, False)
    state.take(bundle([outcome(one, 4 * DAY)], "feedback"))
    assert state.clock(RUNNING, 0.0) == (4 * DAY * 1000, False)


def test_a_topic_that_has_ended_for_some_seconds_holds_nobody_back() -> None:
    state, one = partition(), next(mine())
    state.take(bundle([decision(one, time=9 * DAY)]))
    ended = {"decisions": False, "feedback": True}
    assert [state.clock(ended, second)[0] for second in (0.0, 2.9, 3.0)] == [None, None, 9 * DAY * 1000]
    assert state.clock(RUNNING, 4.0) == (None, False)


def test_a_partition_is_idle_when_both_topics_have_ended() -> None:
    state = partition()
    assert state.clock(ENDED, 0.0) == (None, False)
    assert state.clock(ENDED, 3.0) == (None, True)
    state.take(bundle([decision(next(mine()), time=9 * DAY)]))
    assert state.clock(ENDED, 4.0) == (9 * DAY * 1000, True)
    assert state.clock(RUNNING, 5.0)[1] is False


def test_the_oldest_arrival_is_remembered() -> None:
    state, ids = partition(), mine()
    state.take(bundle([decision(next(ids)), decision(next(ids))]))
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
