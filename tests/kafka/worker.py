"""A worker that does as little as one can: it keeps the set of all values it was sent.

`python -m tests.kafka.worker ADDRESS GROUP '{"option": value}'` consumes `GROUP-decisions` and
`GROUP-feedback` and writes what is new in each bundle as one immutable block into the table `facts`.
It prints a line of JSON for every change of its partitions. Options: `pause`, seconds that each bundle
takes; `embedded`, the broker is the embedded one; `fetch`, bytes of one fetch; `slow_seek`, seconds
that the coordinator takes to tell the committed offsets.
"""

import asyncio
import json
import logging
import sys
import uuid
from collections.abc import Mapping
from typing import Any

import faust

from streams.bundles import Bundle
from streams.consumer import Consumer
from streams.guard import die, fatal
from streams.process import App, make_app, serve
from streams.tables import Table


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
    if seconds := options.get("slow_seek"):
        SlowConsumer.seconds = seconds
        app.transport.Consumer = SlowConsumer
    topics = [f"{group}-decisions", f"{group}-feedback"]
    facts: dict[int, set[bytes]] = {}
    writer = uuid.uuid4().hex
    written = 0

    def report(**line: object) -> None:
        held = sorted(table.data.partitions)
        print(json.dumps({**line, "held": held, "facts": {p: len(facts[p]) for p in facts}}), flush=True)

    def recovered(partition: int, items: Mapping[bytes, bytes]) -> None:
        facts[partition] = {fact for block in items.values() for fact in block.split()}
        report(recovered=partition)

    def revoked(partition: int) -> None:
        del facts[partition]
        report(revoked=partition)

    table = Table(app, "facts", like=topics, on_recovered=recovered, on_revoked=revoked, stall_seconds=10.0)

    @app.agent(app.inputs(*topics))
    @fatal
    async def collect(stream: faust.StreamT[Bundle]) -> None:
        nonlocal written
        async for bundle in stream:
            if b"poison" in bundle.values:
                raise RuntimeError("poison")
            if b"huge" in bundle.values:
                await table.put(bundle.partition, b"huge", bytes(1_000_000))
            await asyncio.sleep(options.get("pause", 0))
            known = facts[bundle.partition]
            if new := {value for value in bundle.values if value} - known:
                written += 1
                await table.put(bundle.partition, f"{writer}/{written}".encode(), b" ".join(new))
                known |= new

    @app.timer(0.5)
    @fatal
    async def beat() -> None:
        for partition in table.partitions_ready():
            await table.put(partition, f"beat/{writer}".encode(), b"")
        inputs = app.consumer.inputs()
        report(beat=len(table.partitions_ready()), at_end=None not in map(app.consumer.ended, inputs))

    return app


class SlowConsumer(Consumer):
    """The consumer behind a slow coordinator."""

    seconds = 0.0

    async def seek_to_committed(self) -> Any:
        await asyncio.sleep(self.seconds)
        return await super().seek_to_committed()


def main() -> None:
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s %(message)s")
    address, group, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    try:
        asyncio.run(serve(build(address, group, options)))
    except Exception as error:
        die("the worker failed", error)


if __name__ == "__main__":
    main()
