"""What a partition refuses, or sends on to another: it is told, in few messages."""

import json
from collections import Counter

from msgspec.structs import replace

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.config import Broker
from monitor.events import MOST
from monitor.events.exposed import FIELDS
from streams.forwarding import LARGEST
from streams.forwarding import MOST as MOVED
from streams.partition import Partition
from streams.refusals import EACH
from tests.streams.holding import (
    CONFIG,
    COUNT,
    DAY,
    KEY,
    bundle,
    decision,
    mine,
    partition,
    take,
)


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


def test_what_a_partition_has_no_room_for_is_invalid() -> None:
    state, ids = partition(replace(CONFIG, broker=Broker(most_held=2))), mine()
    known = next(ids)
    take(state, bundle([decision(known), decision(next(ids))]))
    taken = take(state, bundle([decision(known), decision(next(ids)), decision(next(ids), time=2 * DAY)]))
    assert [(r["reason"], r["offset"]) for r in map(json.loads, taken.invalid)] == [
        ("full", 101),
        ("full", 102),
    ]
    assert (state.counts["invalid.full"], state.counts["duplicates"]) == (2, 1)
    assert "most_held" in json.loads(taken.invalid[0])["detail"]
    restored = partition(replace(CONFIG, broker=Broker(most_held=1)))
    restored.restore(take(partition(), bundle([decision(next(ids)) for _ in range(3)])).blocks)
    assert restored.facts.counts["decisions"] == 3  # what is durable is held, whatever is set since


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


def test_half_a_surrogate_pair_in_a_name_does_not_end_the_worker() -> None:
    """It would come again after each restart."""
    state, good = partition(), decision(next(mine()))
    taken = take(state, bundle([rb'[{"\ud800": 1}, %s]' % good, good]))
    assert (len(taken.invalid), state.counts["events.decisions"]) == (1, 1)


def test_a_message_of_nothing_but_faults_is_one_report_and_counts_all_in_steps() -> None:
    state = partition()
    steps = [*state.take(bundle([b"[" + b"1," * 4_999 + b"1]"]))]
    assert (len(steps) > 5, state.counts["invalid.wrong_type"]) == (True, 5_000)
    (report,) = take(partition(), bundle([b"[1,2,3]"])).invalid
    assert (json.loads(report)["reason"], json.loads(report)["count"]) == ("wrong_type", 3)
