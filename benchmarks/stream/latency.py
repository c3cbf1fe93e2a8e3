"""How long it takes from a decision to the alert that it sets off, under load, also of a hostile kind."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer

from benchmarks.stream.brokers import PARTITIONS, send
from benchmarks.stream.events import Message, Row, single
from benchmarks.stream.process import Worker, wait_until
from benchmarks.stream.throughput import configured, create

MODELS, ATTRIBUTES, ENOUGH = 10, 10, 60
TICK, SPACE = 0.05, 0.25  # s: between two sendings, and between two breaches in the mean
EACH = 100e-6  # s that making a message takes, at most
MODEL = """
[models.{name}]
positive = ["approved"]
attributes = {attributes}
windows = ["24h"]
[[models.{name}.rules]]
metric = "selection_rate"
test = "threshold"
min = -0.2
"""
Watched = tuple[str, str]  # model, attribute


class People:
    """Who is alerted: when each rule's first message came, as seconds of `time.perf_counter`."""

    def __init__(self) -> None:
        self.told: dict[Watched, float] = {}

    @contextmanager
    def listening(self) -> Iterator[int]:
        """The port of a webhook on 127.0.0.1."""
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                labels = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["labels"]
                told.setdefault((labels["model"], labels.get("attribute", "")), time.perf_counter())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield server.server_port
            finally:
                server.shutdown()
                thread.join()


class Delays(NamedTuple):
    """Seconds from decisions to their alerts, and the most memory (bytes) that the worker took."""

    seconds: list[float]
    memory: int


def measure(address: str, name: str, rate: int, alerts: int, hostile: int = 0) -> Delays:
    """Seconds from the last decision that a breach needs to its alert at a webhook, for each of `alerts`.

    The rules are judged by each reading: a sequential test would wait until the slice is finished.
    All the while `rate` decisions a second come, spread over ten models. A breach is a group of 60 that was
    not there before and is always declined. So many `hostile` events a second come beside them: those of
    the first model, about which no alert is then waited for, and of models that nobody configured.
    """
    people, topic = People(), f"{name}-decisions"
    attributes = [f"a{i}" for i in range(ATTRIBUTES)]
    models = [MODEL.format(name=f"m{i}", attributes=json.dumps(attributes)) for i in range(MODELS)]
    create(address, topic, f"{name}-feedback")
    watched = [(f"m{m}", attribute) for attribute in attributes for m in range(bool(hostile), MODELS)]
    watched = watched[:alerts]
    with people.listening() as port:
        route = '[[alerts.routes]]\nto = ["webhook:people"]\n[notifiers.webhook.people]\n'
        hook = f'{route}url = "http://127.0.0.1:{port}/"\n'
        with configured(address, name, *models, hook) as file, Worker(file) as worker:
            wait_until(lambda: worker.recovered() == PARTITIONS, "a worker that is ready", 0.5)
            send(address, single(topic, [_decision(-1 - i, time.time()) for i in range(2_000)], PARTITIONS))
            wait_until(lambda: len(worker.get("/api/readings")) == MODELS, "readings of all models", 0.5)
            wait_until(lambda: worker.clock() is not None, "the first verdicts", 0.5)
            producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
            sent = _load(producer, topic, rate, watched, hostile)
            wait_until(lambda: people.told.keys() >= {*watched}, "all alerts")
            memory = worker.peak_memory()
    return Delays([people.told[each] - sent[each] for each in watched], memory)


def _load(
    producer: Producer, topic: str, rate: int, watched: Sequence[Watched], hostile: int
) -> dict[Watched, float]:
    """Sends `rate` decisions a second and breaches between them; when the last decision of each was sent.

    All but the breaches are made before, so that the sender takes little of the machine that it shares.
    """
    rng, sent = np.random.default_rng(1), dict[Watched, float]()
    due = 2 + (np.arange(len(watched)) + rng.random(len(watched))) * SPACE
    seconds = float(due[-1]) + SPACE
    begin = time.time() + seconds * (rate + hostile) * EACH
    flows = [
        Flow(topic, _decision, rate, seconds, begin),
        Flow(topic, _invented, hostile, seconds, begin),
    ]
    time.sleep(max(0.0, begin - time.time()))
    start = time.perf_counter()
    while len(sent) < len(watched):
        now = time.perf_counter() - start
        for flow in flows:
            _produce(producer, flow.due(now))
        if due[len(sent)] <= now:
            model, attribute = watched[len(sent)]
            _produce(
                producer, single(topic, [_breach(i, model, attribute) for i in range(ENOUGH)], PARTITIONS)
            )
            sent[model, attribute] = time.perf_counter()
        producer.poll(0)
        time.sleep(max(0.0, TICK - (time.perf_counter() - start - now)))
    producer.flush(30)
    return sent


class Flow:
    """Some events a second for so many seconds from `begin` (Unix seconds), as messages made beforehand."""

    def __init__(
        self, topic: str, make: Callable[[int, float], Row], a_second: int, seconds: float, begin: float
    ) -> None:
        rows = [make(i, begin + i / a_second) for i in range(int(seconds * a_second))]
        self._messages = iter([*single(topic, rows, PARTITIONS)])
        self._a_second, self._given = a_second, 0

    def due(self, now: float) -> Iterator[Message]:
        """The messages that are due `now` (s since `begin`) and were not before."""
        count, self._given = int(now * self._a_second) - self._given, int(now * self._a_second)
        return islice(self._messages, count)


def _produce(producer: Producer, messages: Iterable[Message]) -> None:
    for message in messages:
        producer.produce(message.topic, message.value, message.key, message.partition)


def _invented(number: int, now: float) -> Row:
    """A decision in which every name is new."""
    name = f"invented-{number}"
    return {
        "id": name,
        "model": "m0" if number % 2 else name,
        "time": now,
        "decision": name,
        "attributes": {"a0": name, name: name},
        "features": {name: name},
        "flags": {name: True},
        "reasons": [name],
        "entity": name,
        "version": name,
        name: name,
    }


def _decision(number: int, now: float) -> Row:
    """Every other decision about a model is positive."""
    made = "declined" if number // MODELS % 2 else "approved"
    groups = {f"a{i}": "A" for i in range(ATTRIBUTES)}
    return {
        "id": f"decision-{number}",
        "model": f"m{number % MODELS}",
        "time": now,
        "decision": made,
        "attributes": groups,
    }


def _breach(number: int, model: str, attribute: str) -> Row:
    """One of a group of their own, who are declined."""
    plain = _decision(number, time.time())
    groups = plain["attributes"] | {attribute: "B"}
    own = {"id": f"decision-{model}{attribute}{number}", "model": model, "decision": "declined"}
    return plain | own | {"attributes": groups}
