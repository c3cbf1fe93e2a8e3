"""What a call of the client costs the app: `python -m benchmarks.emitter [--events 20000] [--docs docs]`.

Measured against kafka-python used directly (one JSON event a message), on the same in-memory broker in the
same run. "call" is the CPU time of the calling thread; "background" that of the other threads. Prints a table
and the bars; exit status 1 if one is broken. With --docs the table is written into docs/benchmarks.md, too.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from fairlead_client import Emitter
from fairlead_client.testing import Recorder
from kafka import KafkaProducer
from rich.console import Console

from benchmarks.stream import report
from benchmarks.stream.report import Bar, Table

MOST = 10.0  # µs a call
RUNS = 5  # the best counts: what else the machine does only adds
KEY = b"a key of at least sixteen bytes"
SMALL: dict[str, Any] = {"decision": True, "attributes": {"sex": "F"}}
TYPICAL: dict[str, Any] = {
    "decision": "approved",
    "score": 0.73,
    "attributes": {"sex": "F", "age_band": "25-45", "region": "north"},
    "features": {"income": 51_000.0, "debt": 1200.0, "years": 4.0, "home": "rent"},
    "version": "v3",
}
RICH: dict[str, Any] = {
    **TYPICAL,
    "features": {f"feature_{n}": n / 7 for n in range(20)},
    "flags": {"explained": True, "consented": True},
    "reasons": ["R1", "R7"],
    "entity": "customer-4711",
}
EVENTS = {"4 values": SMALL, "12 values": TYPICAL, "32 values": RICH}

BROKER = """
import sys
from confluent_kafka import Producer
cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "x", "log_level": 3})
print(str(next(iter(cluster.list_topics(timeout=20).brokers.values()))).split("/")[0], flush=True)
sys.stdin.read()
"""


class Cost(NamedTuple):
    """Microseconds of CPU an event, and events a second until all were acknowledged."""

    call: float
    background: float
    rate: float


def measure(count: int, call: Callable[[str], object], finish: Callable[[], object]) -> Cost:
    """Calls `count` times with a new id, then waits until everything has arrived."""
    ids = [f"0b7e9a2c-{n:08d}-4c3d-9f10" for n in range(count)]
    wall, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
    for id in ids:
        call(id)
    called = time.thread_time() - thread
    finish()
    background = time.process_time() - process - (time.thread_time() - thread)
    scale = 1e6 / count
    return Cost(called * scale, background * scale, count / (time.perf_counter() - wall))


def emitter_cost(count: int, event: dict[str, Any], **options: Any) -> Cost:
    """The client's."""
    with Emitter(model="credit", max_events=count, **options) as emitter:
        # The connection is made before the clock starts, as in an app that has been running for a while.
        emitter.decision(id="first", **event)
        emitter.flush()
        cost = measure(count, lambda id: emitter.decision(id=id, **event), lambda: emitter.flush(120))
        if emitter.stats["sent"] != count + 1:
            raise SystemExit(f"not all events arrived: {emitter.stats}")
    return cost


def producer_cost(count: int, event: dict[str, Any], broker: str) -> Cost:
    """That of kafka-python alone, one event a message."""
    producer = KafkaProducer(bootstrap_servers=broker, api_version=(2, 1), linger_ms=100)
    producer.partitions_for("direct")

    def send(id: str) -> None:
        body = {"id": id, "time": time.time(), "model": "credit", **event}
        producer.send("direct", key=id.encode(), value=json.dumps(body).encode())

    cost = measure(count, send, lambda: producer.flush(120))
    producer.close()
    return cost


def bytes_queued(count: int, event: dict[str, Any]) -> float:
    """Memory of one event in the queue."""
    recorder = Recorder()
    recorder.error = ConnectionError("down")
    emitter = Emitter(model="credit", max_events=count, connect=recorder.connect, linger=60)
    emitter.decision(id="first", **event)
    tracemalloc.start()
    for n in range(min(count, 900)):  # less than a batch, so that none is being encoded
        emitter.decision(id=f"0b7e9a2c-{n:08d}-4c3d-9f10", **event)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    emitter.close(0)
    return size / min(count, 900)


def best(runs: int, cost: Callable[[], Cost]) -> Cost:
    """The run with the cheapest calls."""
    return min((cost() for _ in range(runs)), key=lambda found: found.call)


@contextmanager
def in_memory() -> Iterator[str]:
    """The address of a broker in a process of its own."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", BROKER], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def calls(count: int, broker: str) -> tuple[Table, list[Bar]]:
    """What each kind of event costs, plain and hashed, and sent by kafka-python alone."""
    rows, bars = [], list[Bar]()
    options = {"bootstrap_servers": broker, "api_version": (2, 1)}
    for name, event in EVENTS.items():
        plain = best(RUNS, lambda: emitter_cost(count, event, **options))  # noqa: B023 - called at once
        keyed = best(RUNS, lambda: emitter_cost(count, event, key=KEY, **options))  # noqa: B023
        direct = producer_cost(count, event, broker)
        queued = f"{bytes_queued(count, event):,.0f}"
        rows.append(_row(name, plain, direct, queued))
        rows.append(_row(f"{name}, ids hashed", keyed, direct, queued))
        rows.append(_row(f"{name}, kafka-python alone", direct, direct, "–"))
        bars += [
            Bar(f"µs a call, {name}", plain.call, most=MOST),
            Bar(f"µs a call, {name}, ids hashed", keyed.call, most=MOST),
        ]
    columns = ["", "call, µs", "background, µs", "events/s", "CPU × kafka-python", "bytes queued"]
    return Table("What a call costs, CPU time an event", columns, rows), bars


def _row(name: str, cost: Cost, direct: Cost, queued: str) -> list[str]:
    share = (cost.call + cost.background) / (direct.call + direct.background)
    figures = [f"{cost.call:.1f}", f"{cost.background:.1f}", f"{cost.rate:,.0f}", f"{share:.2f}"]
    return [name, *figures, queued]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emitter", description=__doc__.split("\n")[0])
    parser.add_argument("--events", type=int, default=20_000, help="in each run")
    parser.add_argument("--docs", type=Path, help="folder whose benchmarks.md the table is written into")
    args = parser.parse_args(argv)
    logging.disable()  # the brokers that are down on purpose
    with in_memory() as broker:
        table, bars = calls(args.events, broker)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(report.printed(table), report.printed(report.bars(bars)))
    if args.docs:
        what = f"A run with {args.events:,} events each"
        said = report.ran(what, datetime.now(UTC).date(), ["fairlead-client", "kafka-python"])
        report.embed(args.docs / "benchmarks.md", "call", said, [table, report.bars(bars)])
    return 0 if all(bar.holds for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
