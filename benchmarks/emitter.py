"""What a call of the client costs the app: `python benchmarks/emitter.py [events]`.

Measured against kafka-python used directly (one JSON event a message), on the same in-memory broker in the
same run. "call" is the CPU time of the calling thread; "background" that of the other threads. The bar is
10 µs a call.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

from fairlead_client import Emitter
from fairlead_client.testing import Recorder
from kafka import KafkaProducer

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
EVENTS = {"small": SMALL, "typical": TYPICAL, "rich": RICH}

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


def show(name: str, cost: Cost) -> None:
    """One line of the table."""
    call, background, rate = cost
    print(f"{name:34}{call:9.1f}{background:13.1f}{rate:15,.0f}")


def main(count: int) -> None:
    """Prints the table."""
    logging.disable()  # the brokers that are down on purpose
    with subprocess.Popen(
        [sys.executable, "-c", BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        broker = process.stdout.readline().strip()
        print(f"{count:,} events each\n{'':34}{'call µs':>9}{'background µs':>13}{'events/s':>15}")
        for name, event in EVENTS.items():
            plain = emitter_cost(count, event, bootstrap_servers=broker, api_version=(2, 1))
            keyed = emitter_cost(count, event, bootstrap_servers=broker, api_version=(2, 1), key=KEY)
            direct = producer_cost(count, event, broker)
            show(f"{name}: Emitter", plain)
            show(f"{name}: Emitter, ids hashed", keyed)
            show(f"{name}: KafkaProducer, 1 a message", direct)
            ratio = (direct.call + direct.background) / (plain.call + plain.background)
            queued = bytes_queued(count, event)
            print(f"{name}: KafkaProducer costs {ratio:.1f} x the CPU; {queued:,.0f} bytes in the queue")
        process.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
