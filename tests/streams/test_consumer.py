"""The consumer without a broker: the gate, the commits, what is fetched and when a log is at its end."""

import asyncio
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.errors import KafkaConnectionError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord
from faust.transport.drivers.aiokafka import Consumer as FaustConsumer
from faust.types import TP, ConsumerMessage
from mode import Service

from streams.bundles import Bundle, BundleSchema, PlainRecords
from streams.consumer import Consumer, Fetcher
from streams.process import App, make_app

A, B = TP("decisions", 0), TP("decisions", 1)
CHANGELOG = TP("group-facts-changelog", 0)


def assigned(assignment: Any) -> Any:
    """aiokafka's consumer, as far as it knows its partitions."""
    return SimpleNamespace(_subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=assignment)))


class FakeThread(Service):  # type: ignore[misc]
    """What the consumer asks of the thread that talks to Kafka."""

    def __init__(self) -> None:
        super().__init__()
        self.committed: dict[TP, int | None] = {}
        self.begin: dict[TP, int] = {}
        self.fetched: dict[TP, list[Any]] = {}
        self.calls: list[tuple[str, Any]] = []
        self._consumer = assigned(None)

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        self.calls.append(("committed", None))
        return self.committed

    async def seek_to_beginning(self, *partitions: TP) -> None:
        self.calls.append(("beginning", set(partitions)))

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.calls.append(("seek", dict(partitions)))

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return {tp: self.begin.get(tp, 0) for tp in partitions}

    async def getmany(self, active: frozenset[TP], _timeout: float) -> Mapping[TP, list[Any]]:
        self.calls.append(("fetch", set(active)))
        return {tp: records for tp, records in self.fetched.items() if tp in active}


class Unthreaded(Consumer):
    """The consumer with a thread that is none."""

    def _new_consumer_thread(self) -> FakeThread:
        return FakeThread()


def record(tp: TP, offset: int) -> ConsumerRecord[bytes, bytes]:
    value = f"v{offset}".encode()
    return ConsumerRecord(tp.topic, tp.partition, offset, 1000, 0, b"k", value, None, 1, len(value), ())


def records(tp: TP, *offsets: int) -> list[ConsumerRecord[bytes, bytes]]:
    return [record(tp, offset) for offset in offsets]


@pytest.fixture
async def consumer() -> Consumer:
    """An assigned consumer of which the flow runs."""
    app = make_app("group", "kafka://127.0.0.1:1")
    app.topics._acking_topics.add("decisions")
    app.tables._changelogs[CHANGELOG.topic] = None
    app.transport.Consumer = Unthreaded
    made: Consumer = app.consumer
    return made


async def hand_on(consumer: Consumer, tp: TP, *offsets: int) -> ConsumerMessage:
    """What the drainer and a stream do with one fetch."""
    fetched = records(tp, *offsets)
    await consumer._count_lost({tp: fetched})
    (message,) = consumer._hand_on(tp, fetched)
    message.tracked = True
    message.incref()
    return message


async def test_the_records_of_a_fetch_are_one_message(consumer: Consumer) -> None:
    message = await hand_on(consumer, A, 3, 4, 7)
    event = await BundleSchema().decode(consumer.app, message)
    bundle = event.value
    assert isinstance(bundle, Bundle)
    assert (bundle.topic, bundle.partition, len(bundle)) == ("decisions", 0, 3)
    assert (bundle.values, bundle.offsets) == ([b"v3", b"v4", b"v7"], [3, 4, 7])
    assert bundle.keys == [b"k"] * 3
    assert (message.offset, message.key, event.key) == (7, b"k", b"k")


async def test_changelogs_are_not_bundled(consumer: Consumer) -> None:
    plain = records(CHANGELOG, 1, 2)
    assert consumer._hand_on(CHANGELOG, plain) == plain


async def test_records_come_as_they_are_unpacked_and_leave_as_faust_wants_them(consumer: Consumer) -> None:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1000,
    )  # fmt: skip
    for offset in (0, 1):
        builder.append(offset, timestamp=1000, key=b"k", value=b"v%d" % offset, headers=[])
    batches = MemoryRecords(bytes(builder.build()))
    found = list(PlainRecords(A, batches, [], 0, None, None, False, 0))
    assert [record.value for record in found] == [b"v0", b"v1"]
    whole = consumer._hand_on(CHANGELOG, found)
    assert [(r.topic, r.partition, r.offset, r.key, r.value) for r in whole] == [
        (CHANGELOG.topic, 0, 0, b"k", b"v0"),
        (CHANGELOG.topic, 0, 1, b"k", b"v1"),
    ]
    [message] = consumer._hand_on(A, found)
    assert (message.topic, message.offset, message.timestamp) == ("decisions", 1, 1.0)
    assert message.value.values == [b"v0", b"v1"]


async def test_only_the_finished_prefix_is_committed(consumer: Consumer) -> None:
    first, second, third = [await hand_on(consumer, A, n, n + 5) for n in (0, 6, 12)]
    assert consumer._new_offset(A) is None
    second.ack(consumer)
    assert consumer._new_offset(A) is None
    first.ack(consumer)
    assert consumer._new_offset(A) == 12
    third.ack(consumer)
    assert consumer._new_offset(A) == consumer._new_offset(A) == 18
    assert consumer._filter_tps_with_pending_acks() == [A]


async def test_gaps_of_the_log_do_not_hold_up_the_commit(consumer: Consumer) -> None:
    (await hand_on(consumer, A, 0, 1)).ack(consumer)
    await consumer._add_gap(A, 2, 1_000)
    (await hand_on(consumer, A, 1_000, 1_001)).ack(consumer)
    assert consumer._new_offset(A) == 1_002


async def test_an_acknowledgement_from_before_a_seek_does_not_count(consumer: Consumer) -> None:
    before = await hand_on(consumer, A, 0, 1)
    consumer._forget()
    await hand_on(consumer, A, 0, 1)
    before.ack(consumer)
    assert consumer._new_offset(A) is None


async def test_a_message_that_no_agent_saw_is_not_acknowledged(consumer: Consumer) -> None:
    message = await hand_on(consumer, A, 0)
    message.tracked = False
    message.ack(consumer)
    assert consumer._new_offset(A) is None


async def test_memory_of_finished_bundles_is_freed_at_the_next_fetch(consumer: Consumer) -> None:
    (await hand_on(consumer, A, 0)).ack(consumer)
    consumer._active_partitions = {A}
    await consumer._wait_next_records(0.0)
    assert not consumer._in_hand[A]


async def test_inputs_wait_until_the_flow_resumes_after_the_seek(consumer: Consumer) -> None:
    consumer.stop_flow()
    consumer.resume_partitions({A, CHANGELOG})
    assert consumer._active_partitions == {CHANGELOG}
    await consumer.perform_seek()
    assert consumer._active_partitions == {CHANGELOG}
    consumer.resume_flow()
    assert consumer._active_partitions == {A, CHANGELOG}


async def test_a_rebalance_in_between_closes_the_gate_again(consumer: Consumer) -> None:
    consumer.resume_partitions({A})
    await consumer.perform_seek()
    consumer.stop_flow()
    consumer.resume_flow()
    assert consumer._active_partitions == set()


async def test_partitions_without_a_commit_start_at_the_earliest(consumer: Consumer) -> None:
    consumer._thread.committed = {A: 17, B: None, CHANGELOG: None}
    consumer.resume_partitions({A, B})
    await consumer.perform_seek()
    assert consumer._thread.calls == [("committed", None), ("beginning", {B})]


async def test_only_the_seek_of_a_recovery_moves_positions(consumer: Consumer) -> None:
    consumer.stop_flow()
    await consumer.perform_seek()
    assert consumer._thread.calls == []


async def test_no_seek_under_a_running_fetch(consumer: Consumer) -> None:
    consumer.resume_partitions({A})
    async with consumer._fetching:
        seeks = [
            asyncio.create_task(consumer.perform_seek()),
            asyncio.create_task(consumer.seek_wait({CHANGELOG: 3})),
        ]
        await asyncio.sleep(0)
        assert consumer._thread.calls == []
    await asyncio.gather(*seeks)
    assert [name for name, _ in consumer._thread.calls] == ["committed", "beginning", "seek"]


async def test_a_fetch_keeps_its_partitions_and_an_empty_set_is_not_all(consumer: Consumer) -> None:
    consumer._thread.fetched = {A: records(A, 1), B: records(B, 1)}
    consumer._active_partitions = {A}
    found, _ = await consumer._wait_next_records(0.0)
    assert found.keys() == {A}
    consumer._active_partitions = set()
    assert await consumer._wait_next_records(0.0) == ({}, frozenset())
    assert consumer._thread.calls == [("fetch", {A})]


async def test_a_partition_is_fetched_again_when_its_bundle_is_finished(consumer: Consumer) -> None:
    consumer._thread.fetched = {A: records(A, 1), B: records(B, 1)}
    consumer._active_partitions = {A, B, CHANGELOG}
    found, _ = await consumer._wait_next_records(0.0)
    assert found.keys() == {A, B}
    found[A][0].tracked = True
    found[A][0].ack(consumer)
    again, _ = await consumer._wait_next_records(0.0)
    assert again.keys() == {A}
    assert consumer._thread.calls == [("fetch", {A, B, CHANGELOG}), ("fetch", {A, CHANGELOG})]


async def test_who_has_all_in_hand_waits_for_an_agent(consumer: Consumer) -> None:
    message = await hand_on(consumer, A, 1)
    consumer._active_partitions = {A}
    waiting = asyncio.create_task(consumer._wait_next_records(10.0))
    await asyncio.sleep(0)
    message.ack(consumer)
    assert await waiting == ({}, frozenset())
    assert consumer._thread.calls == []


async def test_what_is_read_during_a_revocation_is_not_handed_on(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its partition would never be fetched again: Faust throws away what comes while the flow stands."""

    async def revoked(*_: object) -> None:
        """What Faust does: it stops the flow, and waits for the agents."""

    monkeypatch.setattr(FaustConsumer, "on_partitions_revoked", revoked)
    consumer._thread.fetched = {A: records(A, 5)}
    consumer._active_partitions, consumer._next = {A}, {A: 3}
    looked = asyncio.Event()

    async def slow(*partitions: TP) -> Mapping[TP, int]:
        await looked.wait()
        return dict.fromkeys(partitions, 5)

    at_end = SimpleNamespace(asked=1.0, has_valid_position=True, position=6, highwater=6)
    consumer._thread._consumer = assigned(SimpleNamespace(state_value=lambda _: at_end))
    consumer._thread.earliest_offsets = slow
    fetching = asyncio.create_task(consumer._wait_next_records(0.0))
    await asyncio.sleep(0.01)
    await consumer.on_partitions_revoked({A})
    looked.set()
    assert (await fetching)[0] == {}
    assert not consumer._in_hand
    assert consumer.ended(A) is None  # though the position is at the end: nobody has what was before it


async def test_a_full_queue_neither_pauses_nor_revives_a_partition(consumer: Consumer) -> None:
    consumer._active_partitions = {A}
    consumer.on_buffer_full(A)
    consumer.on_buffer_drop(B)
    assert consumer._active_partitions == {A}


async def test_records_that_the_broker_dropped_are_counted(consumer: Consumer) -> None:
    consumer._thread.begin = {A: 40}
    await hand_on(consumer, A, 0, 9)
    await hand_on(consumer, A, 40, 41)
    assert consumer.lost == {A: 30}


async def test_a_log_that_lost_what_was_read_is_read_anew(consumer: Consumer) -> None:
    """Its leader failed before others had it: Faust would drop all up to where it was, and wait for ever."""
    consumer._read_offset[A] = consumer._committed_offset[A] = 40
    await hand_on(consumer, A, 40, 41)
    assert consumer._read_offset[A] == 40
    message = await hand_on(consumer, A, 7, 8)
    assert (consumer._read_offset[A], consumer._should_commit(A, message.offset)) == (None, True)


async def test_gaps_of_compaction_and_transactions_are_no_loss(consumer: Consumer) -> None:
    consumer._thread.begin = {A: 5}
    await hand_on(consumer, A, 0, 9)
    await hand_on(consumer, A, 11, 12)
    assert consumer.lost == {}


async def test_the_settings_that_safety_needs(consumer: Consumer) -> None:
    conf = consumer.app.conf
    assert conf.producer_acks == -1
    assert conf.processing_guarantee.value == "at_least_once"
    assert conf.broker_session_timeout == 10
    assert conf.stream_wait_empty
    assert conf.stream_buffer_maxsize > 1_000  # a full one would hold up all inputs
    assert conf.table_standby_replicas == 0
    assert not conf.topic_allow_declare
    assert make_app("g", "kafka://x", broker_commit_interval=9.0).conf.broker_commit_interval == 9.0
    assert isinstance(consumer.app, App)


class Broker:
    """Answers that the log of A ends at `end`, and holds nothing more; None: it does not answer."""

    def __init__(self, end: int | None) -> None:
        self.end, self.answered = end, 0.0

    async def send(self, *_: object) -> Any:
        if self.end is None:
            raise KafkaConnectionError
        self.answered = time.monotonic()
        return SimpleNamespace(API_VERSION=4, topics=[(A.topic, [(A.partition, 0, self.end, -1, [], b"")])])


class Asking:
    """aiokafka's side of a consumer that has read A up to 7, and asks for more."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer, self.broker = consumer, Broker(7)
        self.fetcher = Fetcher.__new__(Fetcher)
        vars(self.fetcher).update(_client=self.broker, _client_rack=None, _retry_backoff=0)
        self.fetcher._invalidate_preferred_read_replica_for_node = lambda *_: None
        self.assignment = SimpleNamespace(active=True, state_value=lambda _: self.state)
        self.state = TopicPartitionState(self.assignment)
        self.state.seek(7)
        consumer._thread._consumer = assigned(self.assignment)
        consumer._active_partitions = {A}

    async def ask(self, end: int | None) -> float | None:
        """What is known of the end, once the broker has answered, or has not."""
        self.broker.end = end
        request = SimpleNamespace(topics=[(A.topic, [(A.partition, 7, 1024)])])
        await self.fetcher._proc_fetch_request(self.assignment, 1, request)
        await self.consumer._wait_next_records(0.0)
        return self.consumer.ended(A)


@pytest.fixture
async def asking(consumer: Consumer) -> Asking:
    return Asking(consumer)


async def test_the_end_of_a_log_is_known_as_of_when_it_was_asked_for(asking: Asking) -> None:
    before = time.monotonic()
    first = await asking.ask(7)
    assert first is not None
    assert before <= first <= asking.broker.answered
    second = await asking.ask(7)
    assert second is not None
    assert second > first


async def test_a_silent_broker_says_nothing_new_about_the_end(asking: Asking) -> None:
    known = await asking.ask(7)
    assert known is not None
    assert await asking.ask(None) == known


async def test_a_log_that_has_grown_is_not_at_its_end(asking: Asking) -> None:
    assert await asking.ask(7) is not None
    assert await asking.ask(8) is None


async def test_nor_is_one_that_the_agents_have_not_finished(asking: Asking) -> None:
    known = await asking.ask(7)
    message = await hand_on(asking.consumer, A, 5, 6)
    assert asking.consumer.ended(A) is None
    message.ack(asking.consumer)
    assert asking.consumer.ended(A) == known
    asking.consumer._forget()
    assert asking.consumer.ended(A) is None


async def test_an_answer_to_an_older_question_is_none(asking: Asking) -> None:
    asking.state.seek(6)
    assert await asking.ask(7) is None
