"""One partition of the events: what is taken, and what is kept of it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from monitor import records
from monitor.config import Config
from monitor.facts import entities
from monitor.panes import DECISION, GROUPS, UNKNOWN
from streams.bundles import Bundle
from streams.partition import SEALED, Partition, Taken, shape
from streams.shelf import MANY
from tests.monitor.readable import Cell, everything
from tests.streams.holding import (
    CONFIG,
    COUNT,
    DAY,
    TESTED,
    about_one,
    bundle,
    decision,
    mine,
    outcome,
    partition,
    take,
)


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


@pytest.mark.parametrize("encode", [records.encode, msgspec.msgpack.encode])
def test_what_is_sealed_is_known_again_also_from_before_there_were_versions(encode: Any) -> None:
    state = partition()
    state.restore({SEALED: encode({"loans": 10**15})})
    taken = take(state, bundle([decision(next(mine()))]))
    assert [msgspec.json.decode(report)["reason"] for report in taken.invalid] == ["too_late"]


def test_what_a_newer_fairlead_sealed_is_refused() -> None:
    record = records.encode({"loans": 10**15})
    with pytest.raises(ValueError, match=r"^sealed: version 2 is not allowed; allowed: up to 1"):
        partition().restore({SEALED: bytes([record[0] + 1]) + record[1:]})


def test_events_become_blocks_that_give_the_same_panes() -> None:
    ids = [next(names) for names in [mine()] for _ in range(20)]
    state = partition()
    table = kept(take(state, bundle([decision(i) for i in ids])))
    table |= kept(take(state, bundle([outcome(i) for i in ids], "feedback")))
    restored = partition()
    restored.restore(table)
    assert counted(restored) == counted(state) != {}
    assert state.counts == {"events.decisions": 20, "events.feedback": 20}


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
