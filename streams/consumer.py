"""Faust's consumer made safe: bundles, a gate around rebalances, commits that follow the agents.

Faust hands on one record at a time, loses records when a rebalance moves positions under a running
fetch, and commits past events that failed. Here all records of one fetch of one partition reach the
agent as one message, a `Bundle`; nothing of an input is fetched between a rebalance and the seek that
ends it; and only what an agent has finished is committed. All that touches Faust's internals is in
this file, `bundles.py`, `process.py`, `tables.py`, `stores.py` and `guard.py`.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka.consumer import consumer as client
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition
from faust.transport.consumer import ensure_TPset
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.bundles import Bundle, PlainRecords, Record, whole
from streams.guard import die

log = logging.getLogger("fairlead.streams")

POLL_SECONDS = 0.2
"""How long one fetch waits for records. A rebalance waits for it, so it is short."""

FETCH_WAIT_MS = 100
"""How long the broker keeps a fetch open for which it has nothing."""

BUSY_WAIT_MS = 20
"""The same while agents have bundles in hand: whose bundle is finished waits for the open fetch."""

REST_SECONDS = 0.02
"""How long nothing is fetched while agents have bundles in hand and nothing else has come.

A partition is fetched again when its last bundle is finished, so that a bundle holds all that came meanwhile,
and no partition waits for another one's.
"""

AGREE_SECONDS = 3.0
"""How long partition counts may differ while the news of a new topic spreads."""


WATCH_SECONDS = 1.0
"""How often it is asked whether Kafka refuses the group."""


class Fetcher(fetcher.Fetcher):  # type: ignore[misc]
    """Notes for each partition when the question was asked that the broker answered last.

    An answer may lie for long before a process that stands still reads it: what it says of the log's end is
    certainly true only of the moment in which it was asked for.
    """

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> Any:
        now = time.monotonic()
        asked = [TopicPartition(topic, p) for topic, found in request.topics for p, *_ in found]
        states = [assignment.state_value(tp) for tp in asked]
        for state in states:
            state.timestamp = None
        answered = await super()._proc_fetch_request(assignment, node_id, request)
        for state in states:
            if state.timestamp is not None:  # the answer counted; the log's end was noted before this
                state.asked = now
        return answered


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that talks to Kafka, with fetches that do not wait long.

    A broker has one fetch at a time: while it waits for news of quiet partitions, busy ones wait, too.
    Faust's 1.5 seconds would be the delay of most events.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        fetcher.PartitionRecords, client.Fetcher = PlainRecords, Fetcher  # there is no other way in
        return consumer

    async def _fetch_records(self, consumer: Any, active_partitions: Any, *args: Any, **kwargs: Any) -> Any:
        """Does not fetch ahead what was read to its end, until its bundle is finished.

        It would be old by then, and what has come since would wait for the bundle after. Also aiokafka
        fetches nothing of a broker for a tenth of a second while something that it fetched ahead lies there.
        """
        consumer.resume(*(tp for tp in consumer.paused() if tp in active_partitions))
        found = await super()._fetch_records(consumer, active_partitions, *args, **kwargs)
        consumer.pause(*filter(self.consumer.is_live, found))
        consumer._fetcher._fetch_max_wait_ms = BUSY_WAIT_MS if consumer.paused() else FETCH_WAIT_MS
        return found


class Consumer(driver.Consumer):  # type: ignore[misc]
    """The transport's consumer. Every subscribed topic that is no changelog is an input.

    `lost` counts, per input partition, the records that the broker had dropped before they were read.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lost: Counter[TP] = Counter()
        self._in_hand: dict[TP, deque[ConsumerMessage]] = {}
        self._finished: dict[TP, int] = {}
        self._next: dict[TP, int] = {}
        self._ends: dict[TP, float] = {}  # as of when all that the log held was handed on
        self._held: set[TP] = set()
        self._sought = False
        self._fetching = asyncio.Lock()
        self._acknowledged = asyncio.Event()
        self._positions = 0  # how often they were set anew, or lost

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # What applications ask.

    def lag(self, tp: TP) -> int | None:
        """Offsets between the first that no agent has finished and the log's end; None if not known."""
        state = self._state(tp)
        if state is None or state.highwater is None or not state.has_valid_position:
            return None
        in_hand = self._in_hand.get(tp)
        start = in_hand[0].value.records[0].offset if in_hand else state.position
        return max(int(state.highwater) - int(start), 0)

    def ended(self, tp: TP) -> float | None:
        """As of when (s, monotonic) the agents have finished all that the partition's log held.

        None while they have not, or do not know.
        """
        self._settle(tp)
        return None if self._in_hand.get(tp) else self._ends.get(tp)

    def is_live(self, tp: TP) -> bool:
        """Whether an input was fetched to the end that its log had."""
        return not self._is_changelog_tp(tp) and _is_at_end(self._state(tp))

    def _state(self, tp: TP) -> Any:
        assignment = self._thread._consumer._subscription.subscription.assignment
        return assignment and assignment.state_value(driver.ensure_aiokafka_TP(tp))

    def inputs(self) -> set[TP]:
        """The input partitions that are assigned to this worker; none before the consumer runs."""
        if self._thread._consumer is None:
            return set()
        return {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}

    # Joining the group.

    async def on_start(self) -> None:
        """Watches whether the group may be joined."""
        await super().on_start()
        self.add_future(self._watch_group())

    async def _watch_group(self) -> None:
        """aiokafka tells who fetches why it cannot join, and Faust fetches only when it has joined."""
        while not self.should_stop:
            if error := self._refusal():
                die(f"this worker cannot be in the group {self.app.conf.id}, for which it needs Read", error)
            await self.sleep(WATCH_SECONDS)

    def _refusal(self) -> Exception | None:
        coordinator = getattr(self._thread._consumer, "_coordinator", None)
        error: Exception | None = getattr(coordinator, "_pending_exception", None)
        return error

    # The gate: inputs are fetched only after the seek that ends a rebalance.

    def stop_flow(self) -> None:
        """Closes the gate."""
        self._held.clear()
        self._sought = False
        super().stop_flow()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Resumes changelogs at once; inputs wait for `resume_flow`."""
        every = ensure_TPset(tps)
        inputs = {tp for tp in every if not self._is_changelog_tp(tp)}
        self._held |= inputs
        super().resume_partitions(every - inputs)

    def resume_flow(self) -> None:
        """Opens the gate."""
        if self._held and not self._sought:
            die("the positions of the input topics could not be set in time")
        super().resume_partitions(self._held)
        self._held = set()
        super().resume_flow()

    async def perform_seek(self) -> None:
        """Moves the inputs to their committed offsets, or to the earliest if there is none.

        Faust calls it also while a rebalance goes on, when a seek would meet positions in motion;
        recovery calls it again, after `resume_partitions`.
        """
        if not self._held:
            return
        async with self._fetching:
            await super().perform_seek()
            fresh = [tp for tp in self._held if not self._read_offset[tp]]
            if fresh:
                await self._thread.seek_to_beginning(*map(driver.ensure_aiokafka_TP, fresh))
            self._forget()
            self._next = {tp: self._read_offset[tp] for tp in self._held - set(fresh)}
            if self.app.embedded:
                self._next.update(dict.fromkeys(fresh, 0))
            self._sought = True

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Recovery's seek of the changelogs: not under a running fetch."""
        async with self._fetching:
            await super().seek_wait(partitions)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Lets the agents finish what they have in hand, commits it, and forgets the rest."""
        await super().on_partitions_revoked(revoked)
        self._forget()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Closes the gate also where nothing was revoked before."""
        self.stop_flow()
        await self._require_copartitions()
        await super().on_partitions_assigned(assigned, generation_id)

    async def _require_copartitions(self) -> None:
        """Faust joins by equal partition counts, and splits or ignores in silence what differs."""
        client = self._thread._consumer._client
        deadline = self.loop.time() + AGREE_SECONDS
        while problem := self._mismatch(client.cluster):
            if self.loop.time() >= deadline:
                die(problem)
            await self._thread.call_thread(client.force_metadata_update)

    def _mismatch(self, cluster: Any) -> str | None:
        tables = self.app.tables.values()
        found = ({t: cluster.partitions_for_topic(t) for t in table.together} for table in tables)
        return next(filter(None, map(mismatch, found)), None)

    # Fetching: an unchanging set of partitions, in one piece.

    async def _wait_next_records(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's
    ) -> tuple[dict[TP, list[Any]], Collection[TP]]:
        for tp in self._in_hand:
            self._settle(tp)  # frees the bundles' memory
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        every = frozenset(self._active_partitions)
        active = frozenset(tp for tp in every if not self._in_hand.get(tp))
        if not active:  # Faust would fetch all
            await self._rest()
            return {}, active
        async with self._fetching:
            if not self.flow_active:
                return {}, active
            fetched = await self._getmany(active, min(timeout, POLL_SECONDS) if active == every else 0.0)
            positions = self._positions
        await self._count_lost(fetched)
        if positions == self._positions:
            self._note_ends(active)
        else:  # they were lost meanwhile: what was read of inputs comes again
            fetched = {tp: records for tp, records in fetched.items() if self._is_changelog_tp(tp)}
        messages = {tp: self._hand_on(tp, records) for tp, records in fetched.items()}
        if not fetched and active != every:
            await self._rest()
        return messages, self._active_partitions

    async def _rest(self) -> None:
        """Waits until an agent finishes a bundle, but not long: others may have news."""
        self._acknowledged.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_SECONDS):
                await self._acknowledged.wait()

    def _note_ends(self, partitions: Iterable[TP]) -> None:
        """Between two fetches nothing is on its way from the other thread."""
        for tp in partitions:
            state = self._state(tp)
            asked = getattr(state, "asked", None)  # before the log's end, which that thread moves on
            if asked is not None and _is_at_end(state):
                self._ends[tp] = asked
            else:
                self._ends.pop(tp, None)

    def _hand_on(self, tp: TP, records: Sequence[Record]) -> list[Any]:
        """The records of a changelog one by one; those of an input as one message."""
        if self._is_changelog_tp(tp):
            return [whole(tp, record) for record in records]
        self._read_anew_if_truncated(tp, records)
        self._next[tp] = records[-1].offset + 1
        message = super()._to_message(tp, whole(tp, records[-1]))
        message.value = Bundle(tp.topic, tp.partition, records)
        self._in_hand.setdefault(tp, deque()).append(message)
        return [message]

    def _read_anew_if_truncated(self, tp: TP, records: Sequence[Record]) -> None:
        """Faust would drop what comes before an offset that it has read, and wait for it for ever."""
        read = self._read_offset[tp]
        if read is not None and records[-1].offset < read:
            where = f"{tp.topic}[{tp.partition}]"
            log.error("%s: the log has lost what was read up to offset %d: it is read anew", where, read)
            self._read_offset[tp] = self._committed_offset[tp] = None

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        return record if isinstance(record, ConsumerMessage) else super()._to_message(tp, record)

    async def _count_lost(self, fetched: Mapping[TP, Sequence[Record]]) -> None:
        for tp, records in fetched.items():
            first = records[0].offset
            if self._next.get(tp, first) < first:
                await self._look_for_loss(tp, self._next[tp], first)

    async def _look_for_loss(self, tp: TP, expected: int, first: int) -> None:
        """A gap before the first offset is a loss if the log begins later than where we were."""
        begin = min((await self.earliest_offsets(tp))[tp], first)
        if begin > expected:
            self.lost[tp] += begin - expected
            reason = (
                f"{tp.topic}[{tp.partition}]: the broker dropped offsets {expected} to {begin - 1} unread"
            )
            if self.app.embedded:
                die(f"{reason}; the embedded broker keeps about 5 MB a partition: replay more slowly")
            log.error("%s; its retention is too short", reason)

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: Faust would stop fetching the partition and sleep; a full queue is wait enough."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Nothing: Faust would resume the partition, also when it was paused or revoked since."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust's search for stuck partitions fails where a position is being looked up."""

    # Commits: the finished prefix of what was handed on.

    def ack(self, message: ConsumerMessage) -> bool:
        """Faust's pure Python stream acknowledges also the messages that it skips, unseen."""
        self._acknowledged.set()
        return bool(super().ack(message)) if message.tracked else False

    def _filter_tps_with_pending_acks(self, topics: Collection[Any] | None = None) -> list[TP]:
        return [tp for tp in self._in_hand if topics is None or tp in topics or tp.topic in topics]

    def _new_offset(self, tp: TP) -> int | None:
        self._settle(tp)
        return self._finished.get(tp)

    def _settle(self, tp: TP) -> None:
        """Takes the acknowledged prefix of what was handed on."""
        in_hand = self._in_hand.get(tp, ())
        while in_hand and in_hand[0].acked:
            self._finished[tp] = in_hand.popleft().offset + 1
        self._acked.pop(tp, None)
        self._acked_index.pop(tp, None)

    def _forget(self) -> None:
        """What was handed on before a seek or a rebalance no longer counts: it comes again."""
        self._positions += 1
        self._in_hand.clear()
        self._finished.clear()
        self._next.clear()
        self._ends.clear()
        self._acked.clear()
        self._acked_index.clear()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: bundles leave no gaps."""


def _is_at_end(state: Any) -> bool:
    """Whether a partition is read to its end, as far as its broker's last answer knew; None knows nothing."""
    return bool(state and state.has_valid_position and state.position == state.highwater)


def mismatch(partitions: Mapping[str, Collection[int] | None]) -> str | None:
    """Why topics cannot be joined partition by partition, or None if they can.

    >>> mismatch({"decisions": {0, 1}, "feedback": {0, 1}})
    >>> mismatch({"decisions": {0, 1}, "feedback": {0}})
    'topics must have equal partition counts: decisions has 2, feedback has 1'
    >>> mismatch({"decisions": {0, 1}, "feedback": None})
    'topic feedback does not exist (its partitions must be as many as those of decisions)'
    """
    for topic, found in partitions.items():
        if not found:
            others = ", ".join(name for name in partitions if name != topic)
            return f"topic {topic} does not exist (its partitions must be as many as those of {others})"
    if len({len(found or ()) for found in partitions.values()}) > 1:
        counts = ", ".join(f"{topic} has {len(found or ())}" for topic, found in partitions.items())
        return f"topics must have equal partition counts: {counts}"
    return None
