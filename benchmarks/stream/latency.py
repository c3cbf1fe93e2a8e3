"""How long it takes from a decision to the alert that it sets off, under load, also of a hostile kind."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, count, islice
from typing import NamedTuple

import numpy as np
from confluent_kafka import Producer

from benchmarks.stream import hostile
from benchmarks.stream.brokers import PARTITIONS, send
from benchmarks.stream.events import Message, Row, single
from benchmarks.stream.process import PATIENCE, Worker, wait_until
from benchmarks.stream.throughput import configured, create

MODELS, ATTRIBUTES, ENOUGH = 10, 12, 60  # a hundred rules and more also without one of the models
TICK, SPACE = 0.05, 0.25  # s: between two sendings, and between two breaches in the mean
SLOW = 5.0  # s that the last alert may take without its load being made meanwhile
EACH = 100e-6  # s that making a message takes, at most
AT_ONCE = 500  # messages made
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
Make = Callable[[int, float], Row]  # of a number and its time, Unix seconds


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
    """Seconds from decisions to their alerts; a worker's bytes and ids, of decisions and feedback that wait.

    `memory` is the most that it took; `grown` and `ids` are by how much it had more at the end.
    """

    seconds: list[float]
    memory: int
    grown: int
    ids: int


def measure(
    address: str, name: str, rate: int, alerts: int, *, outcomes: int = 0, invented: int = 0
) -> Delays:
    """Seconds from the last decision that a breach needs to its alert at a webhook, for each of `alerts`.

    The rules are judged by each reading: a sequential test would wait until the slice is finished.
    `rate` decisions a second come, spread over ten models, and so many `outcomes`, until all alerts have. A
    breach is a group of 60 that was not there before and is always declined. So many `invented` events a
    second come beside them, half of them decisions, by the first model, of which no alert is then waited
    for, and by models that nobody configured, and half feedback about decisions that nobody made.
    """
    people, topic, returned = People(), f"{name}-decisions", f"{name}-feedback"
    attributes = [f"a{i}" for i in range(ATTRIBUTES)]
    models = [MODEL.format(name=f"m{i}", attributes=json.dumps(attributes)) for i in range(MODELS)]
    create(address, topic, returned)
    watched = [(f"m{m}", attribute) for attribute in attributes for m in range(bool(invented), MODELS)]
    watched = watched[:alerts]
    with people.listening() as port:
        route = '[[alerts.routes]]\nto = ["webhook:people"]\n[notifiers.webhook.people]\n'
        hook = f'{route}url = "http://127.0.0.1:{port}/"\n'
        with configured(address, name, *models, hook) as file, Worker(file) as worker:
            wait_until(lambda: worker.recovered() == PARTITIONS, "a worker that is ready", 0.5)
            send(address, single(topic, [decision(-1 - i, time.time()) for i in range(2_000)], PARTITIONS))
            wait_until(lambda: len(worker.get("/api/readings")) == MODELS, "readings of all models", 0.5)
            wait_until(lambda: worker.clock() is not None, "the first verdicts", 0.5)
            memory, ids = worker.memory(), worker.ids()
            flows = [
                (topic, decision, rate),
                (returned, outcome, outcomes),
                (topic, hostile.decision, invented // 2),
                (returned, hostile.feedback, invented // 2),
            ]
            sent = _load(address, topic, flows, watched, people.told)
            grown, ids = worker.memory() - memory, worker.ids() - ids
            seconds = [people.told[each] - sent[each] for each in watched]
            return Delays(seconds, worker.peak_memory(), grown, ids)


def _load(
    address: str,
    topic: str,
    flows: Sequence[tuple[str, Make, int]],
    watched: Sequence[Watched],
    told: Mapping[Watched, float],
) -> dict[Watched, float]:
    """Sends so many events a second of each flow, and breaches between them, until all have been told of.

    Returns when the last decision of each breach was sent. All but the breaches are made before, so that the
    sender takes little of the machine that it shares. Raises TimeoutError.
    """
    rng, sent = np.random.default_rng(1), dict[Watched, float]()
    due = 2 + (np.arange(len(watched)) + rng.random(len(watched))) * SPACE
    seconds = float(due[-1]) + SLOW
    begin = time.time() + seconds * sum(rate for *_, rate in flows) * EACH
    made = [Flow(*flow, seconds, begin) for flow in flows]
    producer = Producer({"bootstrap.servers": address, "linger.ms": 5})
    time.sleep(max(0.0, begin - time.time()))
    start = time.perf_counter()
    while not told.keys() >= {*watched}:
        now = time.perf_counter() - start
        if now > due[-1] + PATIENCE:
            raise TimeoutError(f"waited in vain for {len({*watched} - told.keys())} alerts")
        for flow in made:
            _produce(producer, flow.due(now))
        if len(sent) < len(watched) and due[len(sent)] <= now:
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
    """Some events a second from `begin` (Unix seconds) on, those of so many seconds made beforehand."""

    def __init__(self, topic: str, make: Make, a_second: int, seconds: float, begin: float) -> None:
        self._topic, self._make, self._a_second, self._begin = topic, make, a_second, begin
        self._given = 0
        made = self._made()
        self._messages = chain([*islice(made, int(seconds * a_second))], made)

    def _made(self) -> Iterator[Message]:
        for start in count(0, AT_ONCE):
            rows = [self._make(i, self._begin + i / self._a_second) for i in range(start, start + AT_ONCE)]
            yield from single(self._topic, rows, PARTITIONS)

    def due(self, now: float) -> Iterator[Message]:
        """The messages that are due `now` (s since `begin`) and were not before."""
        due, self._given = int(now * self._a_second) - self._given, int(now * self._a_second)
        return islice(self._messages, due)


def _produce(producer: Producer, messages: Iterable[Message]) -> None:
    for message in messages:
        producer.produce(message.topic, message.value, message.key, message.partition)


def decision(number: int, now: float) -> Row:
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


def outcome(number: int, now: float) -> Row:
    """Of the decision with that number, whichever comes first."""
    return {"decision_id": f"decision-{number}", "time": now, "outcome": "repaid"}


def _breach(number: int, model: str, attribute: str) -> Row:
    """One of a group of their own, who are declined."""
    plain = decision(number, time.time())
    groups = plain["attributes"] | {attribute: "B"}
    own = {"id": f"decision-{model}{attribute}{number}", "model": model, "decision": "declined"}
    return plain | own | {"attributes": groups}
