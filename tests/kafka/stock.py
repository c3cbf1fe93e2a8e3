"""A worker without one of our remedies: what Faust does then, and why we do not let it."""

import asyncio
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import faust
from faust.transport.drivers.aiokafka import Consumer as Faust

from streams.bundles import Bundle
from streams.consumer import Consumer, ConsumerThread
from streams.lanes import Take
from streams.process import App
from streams.tables import Store, Table


class Ungated(Consumer):
    """Faust's own order of seeking and fetching around a rebalance."""

    stop_flow = Faust.stop_flow
    resume_flow = Faust.resume_flow
    resume_partitions = Faust.resume_partitions
    perform_seek = Faust.perform_seek
    seek_wait = Faust.seek_wait


class Restless(Consumer):
    """Fetches on, whatever the agents have in hand."""

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        active = frozenset(self._active_partitions)
        if not active:
            await self._rest()
            return {}, active
        async with self._fetching:
            fetched = await self._getmany(active, min(timeout, 0.2))
            return {tp: self._hand_on(tp, found) for tp, found in fetched.items()}, active


class Counting(Restless):
    """Faust's own commits: it counts the offsets that were acknowledged, and fills the gaps between."""

    ack = Faust.ack
    _add_gap = Faust._add_gap
    _new_offset = Faust._new_offset
    _filter_tps_with_pending_acks = Faust._filter_tps_with_pending_acks

    def _settle(self, *_: object) -> None:
        """Nothing: what was acknowledged is Faust's to count."""


class Greedy(Consumer):
    """Fetches also while all partitions are in hand: none, says Faust, is all."""

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
        active = self._active_partitions
        if not active or not all(self._in_hand.get(tp) for tp in active):
            return await super()._wait_next_records(timeout)
        fetched = await self._getmany(frozenset(), 0.0)
        await asyncio.sleep(0.01)
        return {tp: self._hand_on(tp, found) for tp, found in fetched.items()}, active


class Staying(Consumer):
    """Leaves a partition without a commit where it was read to."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return StayingThread(self, loop=self.loop, beacon=self.beacon)


class StayingThread(ConsumerThread):
    async def seek_to_beginning(self, *_: object) -> None:
        """Nothing."""


class Unlocked(Consumer):
    """Seeks whatever is fetched meanwhile."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._fetching = nullcontext()  # type: ignore[assignment]


class Remembering(Consumer):
    """Takes what was handed on before a rebalance for handed on."""

    def _forget(self) -> None:
        """Nothing."""


class Trusting(Consumer):
    """Joins whatever topics there are."""

    async def _require_copartitions(self) -> None:
        """Nothing."""


class TrustingTable(Table):
    """Takes whatever partitions come together."""

    def _require_inputs(self, assigned: Any) -> set[int]:
        return {tp.partition for tp in assigned if tp.topic == self.changelog_topic_name}


class Unwatched(Table):
    """Waits for a recovery for ever."""

    async def _watch_recovery(self) -> None:
        """Only says what is missing."""
        while not self.should_stop:
            await self.sleep(0.5)
            print(f"missing {self._missing()}", file=sys.stderr, flush=True)


class Leaping(Store):
    """Takes its own last record for all that came before it."""

    wrote = Store.read


class LeapingTable(Table):
    """Goes on behind what it wrote itself."""

    def _new_store(self) -> Store:
        return Leaping("leaping://", self.app, self, key_type=bytes, value_type=bytes)


class Nameless(Table):
    """Does not say whose its records are."""

    async def _hold(self, partition: int) -> None:
        """Nothing begins."""


class Typeless(Table):
    """Leaves it to Faust how keys and values are read."""

    def _new_changelog_topic(self, **settings: Any) -> Any:
        self.key_type = self.value_type = None
        self.key_serializer = self.value_serializer = "json"
        return super()._new_changelog_topic(**settings)


class Plain(faust.Table):  # type: ignore[misc]
    """Faust's own table, in memory. Its store does not know partitions, so that keys begin with theirs."""

    def __init__(
        self, app: Any, name: str, *, like: Sequence[str], on_recovered: Callable[..., None], **_: Any
    ) -> None:
        super().__init__(
            app, name=name, key_type=bytes, value_type=bytes, store="memory://", on_recover=self._recovered
        )
        self.together = (*like, self.changelog_topic_name)
        self._tell = on_recovered
        app.tables.add(self)

    async def put(self, partition: int, key: bytes, value: bytes) -> None:
        self.data[key] = value
        await self.send_changelog(partition, key, value)

    def partitions_ready(self) -> list[int]:
        return [] if self.app.rebalancing else sorted({tp.partition for tp in self.app.consumer.inputs()})

    def by_partition(self) -> Mapping[int, Mapping[bytes, bytes]]:
        """All that the store has."""
        found: dict[int, dict[bytes, bytes]] = {}
        for key, value in self.data.items():
            found.setdefault(int(key.partition(b"/")[0]), {})[key] = value
        return found

    async def _recovered(self) -> None:
        found = self.by_partition()
        for partition in sorted({tp.partition for tp in self.app.consumer.inputs()}):
            self._tell(partition, found.get(partition, {}))


SIDE_BY_SIDE = frozenset({"guard", "gate", "commits", "rest"})  # without these, agents are Faust's


def consume(app: App, take: Take, *topics: str, name: str) -> None:
    """An agent that takes one bundle after the other, of whatever partition, and whose errors are Faust's."""

    async def agent(stream: faust.StreamT[Bundle]) -> None:
        async for bundle in stream:
            await take(bundle)

    app.agent(app.inputs(*topics), name=name)(agent)


CONSUMERS: dict[str, type[Consumer]] = {
    "gate": Ungated,
    "all": Greedy,
    "earliest": Staying,
    "lock": Unlocked,
    "forget": Remembering,
    "commits": Counting,
    "rest": Restless,
    "counts": Trusting,
}
TABLES: dict[str, type[Any]] = {
    "counts": TrustingTable,
    "gaps": LeapingTable,
    "holder": Nameless,
    "table": Plain,
    "watch": Unwatched,
    "bytes": Typeless,
}


def consumer(without: Collection[str]) -> type[Consumer]:
    """The consumer without a remedy, if that is one of its own."""
    return next((found for name, found in CONSUMERS.items() if name in without), Consumer)


def table(without: Collection[str]) -> type[Any]:
    """The table without a remedy, if that is one of its own."""
    return next((found for name, found in TABLES.items() if name in without), Table)
