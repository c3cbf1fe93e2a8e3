"""How long it takes from a decision to the alert that it sets off, under load, also of a hostile kind."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer

from benchmarks.stream.brokers import PARTITIONS, send
from benchmarks.stream.events import Message, single
from benchmarks.stream.process import Worker, wait_until
from benchmarks.stream.throughput import configured, create

MODELS, ATTRIBUTES, ENOUGH = 10, 10, 60
TICK, SPACE = 0.05, 0.25  # s: between two sendings, and between two breaches in the mean
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
            send(address, single(topic, [_decision(-1 - i, {}) for i in range(2_000)], PARTITIONS))
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
    """Sends `rate` decisions a second and breaches between them; when the last decision of each was sent."""
    rng, sent = np.random.default_rng(1), dict[Watched, float]()
    due = 2 + (np.arange(len(watched)) + rng.random(len(watched))) * SPACE
    number, invented, start = 0, 0, time.perf_counter()
    while len(sent) < len(watched):
        now = time.perf_counter() - start
        more = [_decision(i, {}) for i in range(number, int(now * rate))]
        _produce(producer, single(topic, more, PARTITIONS))
        number += len(more)
        odd = [_invented(i) for i in range(invented, int(now * hostile))]
        _produce(producer, single(topic, odd, PARTITIONS))
        invented += len(odd)
        if due[len(sent)] <= now:
            model, attribute = watched[len(sent)]
            group = [_decision(f"{model}{attribute}{i}", {attribute: "B"}, model) for i in range(ENOUGH)]
            _produce(producer, single(topic, group, PARTITIONS))
            sent[model, attribute] = time.perf_counter()
        producer.poll(0)
        time.sleep(max(0.0, TICK - (time.perf_counter() - start - now)))
    producer.flush(30)
    return sent


def _produce(producer: Producer, messages: Iterator[Message]) -> None:
    for message in messages:
        producer.produce(message.topic, message.value, message.key, message.partition)


def _invented(number: int) -> dict[str, object]:
    """A decision in which every name is new."""
    name = f"invented-{number}"
    return {
        "id": name,
        "model": "m0" if number % 2 else name,
        "time": time.time(),
        "decision": name,
        "attributes": {"a0": name, name: name},
        "features": {name: name},
        "flags": {name: True},
        "reasons": [name],
        "entity": name,
        "version": name,
        name: name,
    }


def _decision(number: int | str, groups: dict[str, str], model: str | None = None) -> dict[str, object]:
    """Every other decision about a model is positive; who has a group of their own is declined."""
    return {
        "id": f"decision-{number}",
        "model": model or f"m{int(number) % MODELS}",
        "time": time.time(),
        "decision": "declined" if groups or int(number) // MODELS % 2 else "approved",
        "attributes": {f"a{i}": "A" for i in range(ATTRIBUTES)} | groups,
    }
