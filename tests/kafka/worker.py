"""A worker that does as little as one can: it keeps the set of all values it was sent.

`python -m tests.kafka.worker ADDRESS GROUP '{"option": value}'` consumes `GROUP-decisions` and
`GROUP-feedback` and writes what is new in each bundle as one immutable block into the table `facts`.
It prints a line of JSON for every change of its partitions. Options: `pause`, seconds that each bundle
takes; `apart`, each topic has an agent, and the first alone pauses; `embedded`, the broker is the embedded
one; `fetch`, bytes of one fetch; `poll`, seconds that one waits for records; `slow_news`, seconds until the
main thread hears of a rebalance; `slow_ends`, seconds that the broker takes to tell where the tables' logs
end; `slow_seek`, seconds that the coordinator takes to tell the committed offsets; `slow_reset`, seconds
until one hears that positions were set to the earliest; `slow_send`, seconds that a record waits in the
producer; `fails`, what of a recovery does (`apply` or `hook`); `stall`, seconds that one may stand still;
`settings`, Faust's, over ours; `without`, the remedies that it does without (see `tests.kafka.stock`).
"""

import asyncio
import json
import logging
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from aiokafka import codec
from faust.types import TP

from streams import parts
from streams.bundles import Bundle
from streams.consumer import Consumer
from streams.guard import die, fatal
from streams.process import App, make_app, serve
from streams.tables import Table
from tests.kafka import stock

SETTINGS = {"broker_session_timeout": 3.0, "broker_heartbeat_interval": 0.5, "broker_commit_interval": 0.3}


class Facts:
    """The set of each partition, and what a bundle adds to it."""

    def __init__(self, without: Collection[str]) -> None:
        self.of: dict[int, set[bytes]] = {}
        self.writer = uuid.uuid4().hex
        self._counts = "facts" in without
        self._nameless = "writer" in without
        self._written: Counter[int] = Counter()  # blocks, by partition

    def new(self, bundle: Bundle) -> set[bytes]:
        """The values that are not known; or as many numbers as values have come, for who counts these."""
        known = self.of[bundle.partition]
        if self._counts:
            return {b"%d" % number for number in range(len(known), len(known) + len(bundle))}
        return {value for value in bundle.values if value} - known

    def key(self, partition: int) -> bytes:
        """Of the next block."""
        self._written[partition] += 1
        return f"{partition}/{'' if self._nameless else self.writer}/{self._written[partition]}".encode()


def say(**line: object) -> None:
    """One line, in one go: the consumer has a thread that speaks too, and `print` ends a line apart."""
    print(json.dumps(line) + "\n", end="", flush=True)


def build(address: str, group: str, options: Mapping[str, Any]) -> App:
    """The app.

    The value `poison` makes the agent fail; `huge` makes it write a megabyte, `large` one in parts; of values
    that begin with `mark` it writes the last, over the one before.
    """
    without = options.get("without", "").split()
    app = make(address, group, options, without)
    topics = [f"{group}-decisions", f"{group}-feedback"]
    facts, apart = Facts(without), options.get("apart", False)

    def report(**line: object) -> None:
        held = sorted(table.data.partitions if isinstance(table, Table) else table.by_partition())
        known = {partition: len(found) for partition, found in facts.of.items()}
        say(**line, held=held, facts=known)

    def recovered(partition: int, items: Mapping[bytes, bytes]) -> None:
        if options.get("fails") == "hook":
            raise ValueError("unreadable")
        facts.of[partition] = {fact for block in parts.joined(items).values() for fact in block.split()}
        report(recovered=partition)

    def revoked(partition: int) -> None:
        del facts.of[partition]
        report(revoked=partition)

    hooks = {"on_recovered": recovered, "on_revoked": revoked}
    patience = options.get("stall", 10.0)
    table = stock.table(without)(app, "facts", like=topics, stall_seconds=patience, **hooks)
    read = watched(table.data, fails=options.get("fails") == "apply")

    locks = defaultdict[int, asyncio.Lock](asyncio.Lock)

    async def take(bundle: Bundle) -> None:
        if b"poison" in bundle.values:
            raise RuntimeError("poison")
        if b"huge" in bundle.values:
            await table.put(bundle.partition, b"huge", bytes(1_000_000))
        if b"large" in bundle.values:
            await parts.put(table, bundle.partition, {b"large": b" " * 1_000_000})
        if not apart or bundle.topic == topics[0]:
            await asyncio.sleep(options.get("pause", 0))
        for mark in [value for value in bundle.values if value and value.startswith(b"mark")][-1:]:
            await table.put(bundle.partition, b"mark", mark)
        async with locks[bundle.partition]:
            if new := facts.new(bundle):
                key = facts.key(bundle.partition)
                put = asyncio.ensure_future(table.put(bundle.partition, key, b" ".join(new)))
                if "wait" not in without:
                    await put
                facts.of[bundle.partition] |= new

    consume = App.consume if stock.SIDE_BY_SIDE.isdisjoint(without) else stock.consume
    for names in [[name] for name in topics] if apart else [topics]:
        consume(app, take, *names, name=names[0])

    @app.timer(0.5)
    @fatal
    async def beat() -> None:
        for partition in table.partitions_ready():
            await table.put(partition, f"{partition}/beat/{facts.writer}".encode(), b"")
        inputs, in_hand = app.consumer.inputs(), app.consumer._in_hand.values()
        report(
            beat=len(table.partitions_ready()),
            at_end=None not in map(app.consumer.ended, inputs),
            read=read.total(),
            waiting=[len(message.value) for messages in in_hand for message in messages],
        )

    return app


def make(address: str, group: str, options: Mapping[str, Any], without: Collection[str]) -> App:
    """The app, of which the consumer and the producer may be slow."""
    app = make_app(
        group,
        f"kafka://{address}",
        embedded=options.get("embedded", False),
        consumer_max_fetch_size=options.get("fetch", 1024 * 1024),
        **(SETTINGS | options.get("settings", {})),
    )
    if "cramjam" in without:
        codec.cramjam = None
    app.transport.Consumer = slow(stock.consumer(without), options)
    if seconds := options.get("slow_send"):
        app._new_producer = late(app._new_producer, seconds)
    return app


def watched(store: Any, *, fails: bool) -> Counter[int]:
    """Counts the records that recoveries read, by partition; a store that fails, does so at the first."""
    apply, read = store.apply_changelog_batch, Counter[int]()

    def applied(batch: Sequence[Any], **more: Any) -> None:
        read.update(event.message.partition for event in batch)
        if fails and batch:
            raise ValueError("unreadable")
        apply(batch, **more)

    store.apply_changelog_batch = applied
    return read


def slow(base: type[Consumer], options: Mapping[str, Any]) -> type[Consumer]:
    """The consumer of a worker that is busy, behind a broker that is slow."""
    words = ("slow_news", "poll", "slow_ends", "slow_seek", "slow_reset")
    news, poll, ends, seek, reset = (options.get(word, 0.0) for word in words)

    class Slow(base):  # type: ignore[misc, valid-type]
        async def threadsafe_partitions_revoked(self, *arguments: Any) -> None:
            if self.assignment():
                await asyncio.sleep(news)
                say(revoking=True, held=[], facts={})
            await super().threadsafe_partitions_revoked(*arguments)

        async def _getmany(self, active: Any, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
            return await super()._getmany(active, timeout and max(timeout, poll))

        async def highwaters(self, *partitions: TP) -> Any:
            await asyncio.sleep(ends)
            return await super().highwaters(*partitions)

        async def seek_to_committed(self) -> Any:
            await asyncio.sleep(seek)
            return await super().seek_to_committed()

        def _new_consumer_thread(self) -> Any:
            thread = super()._new_consumer_thread()
            thread.seek_to_beginning = told(thread.seek_to_beginning, reset)
            return thread

    return Slow


def told(seek: Callable[..., Awaitable[None]], seconds: float) -> Callable[..., Awaitable[None]]:
    """A seek of which one hears late."""

    async def sought(*partitions: TP) -> None:
        await seek(*partitions)
        say(sought=True, held=[], facts={})
        await asyncio.sleep(seconds)

    return sought


def late(make: Callable[[], Any], seconds: float) -> Callable[[], Any]:
    """A producer that keeps records for a while, as one does whose broker is slow."""

    def made() -> Any:
        producer = make()
        send = producer.send

        async def sent(*arguments: Any) -> Any:
            await asyncio.sleep(seconds)
            return await send(*arguments)

        producer.send = sent
        return producer

    return made


def main() -> None:
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s %(message)s")
    address, group, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    try:
        asyncio.run(serve(build(address, group, options)))
    except Exception as error:
        die("the worker failed", error)


if __name__ == "__main__":
    main()
