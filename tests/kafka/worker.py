"""A worker that does as little as one can: it keeps the set of all values it was sent.

`python -m tests.kafka.worker ADDRESS GROUP '{"option": value}'` consumes `GROUP-decisions` and
`GROUP-feedback` and writes what is new in each bundle as one immutable block into the table `facts`.
It prints a line of JSON for every change of its partitions. Options: `pause`, seconds that each bundle
takes; `embedded`, the broker is the embedded one; `fetch`, bytes of one fetch; `slow_seek`, seconds
that the coordinator takes to tell the committed offsets; `slow_send`, seconds that a record waits in
the producer; `without`, the remedy that it does without (see `tests.kafka.stock`).
"""

import asyncio
import json
import logging
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import faust

from streams.bundles import Bundle
from streams.consumer import Consumer
from streams.guard import die, fatal
from streams.process import App, make_app, serve
from streams.tables import Table
from tests.kafka import stock


def build(address: str, group: str, options: Mapping[str, Any]) -> App:
    """The app. The value `poison` makes the agent fail, `huge` makes it write a value of a megabyte."""
    app = make_app(
        group,
        f"kafka://{address}",
        embedded=options.get("embedded", False),
        broker_session_timeout=3.0,
        broker_heartbeat_interval=0.5,
        broker_commit_interval=0.3,
        consumer_max_fetch_size=options.get("fetch", 1024 * 1024),
    )
    without = options.get("without", "")
    base = stock.CONSUMERS.get(without, Consumer)
    app.transport.Consumer = slow(base, options["slow_seek"]) if "slow_seek" in options else base
    if seconds := options.get("slow_send"):
        app._new_producer = late(app._new_producer, seconds)
    guarded = stock.unguarded if without == "guard" else fatal
    topics = [f"{group}-decisions", f"{group}-feedback"]
    facts: dict[int, set[bytes]] = {}
    writer = uuid.uuid4().hex
    written: Counter[int] = Counter()  # blocks, by partition

    def report(**line: object) -> None:
        held = sorted(table.data.partitions)
        print(json.dumps({**line, "held": held, "facts": {p: len(facts[p]) for p in facts}}), flush=True)

    def recovered(partition: int, items: Mapping[bytes, bytes]) -> None:
        facts[partition] = {fact for block in items.values() for fact in block.split()}
        report(recovered=partition)

    def revoked(partition: int) -> None:
        del facts[partition]
        report(revoked=partition)

    made = stock.TABLES.get(without, Table)
    table = made(app, "facts", like=topics, on_recovered=recovered, on_revoked=revoked, stall_seconds=10.0)

    @app.agent(app.inputs(*topics))
    @guarded
    async def collect(stream: faust.StreamT[Bundle]) -> None:
        async for bundle in stream:
            if b"poison" in bundle.values:
                raise RuntimeError("poison")
            if b"huge" in bundle.values:
                await table.put(bundle.partition, b"huge", bytes(1_000_000))
            await asyncio.sleep(options.get("pause", 0))
            known = facts[bundle.partition]
            if new := {value for value in bundle.values if value} - known:
                written[bundle.partition] += 1
                key = f"{'' if without == 'writer' else writer}/{written[bundle.partition]}".encode()
                put = asyncio.ensure_future(table.put(bundle.partition, key, b" ".join(new)))
                if without != "wait":
                    await put
                known |= new

    @app.timer(0.5)
    @fatal
    async def beat() -> None:
        for partition in table.partitions_ready():
            await table.put(partition, f"beat/{writer}".encode(), b"")
        inputs = app.consumer.inputs()
        report(beat=len(table.partitions_ready()), at_end=None not in map(app.consumer.ended, inputs))

    return app


def slow(base: type[Consumer], seconds: float) -> type[Consumer]:
    """The consumer behind a slow coordinator."""

    class Slow(base):  # type: ignore[misc, valid-type]
        async def seek_to_committed(self) -> Any:
            await asyncio.sleep(seconds)
            return await super().seek_to_committed()

    return Slow


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
