"""Round trips through kafka-python and a real Kafka protocol: librdkafka's in-memory cluster."""

from __future__ import annotations

import gc
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from waiting import WAIT, until

from fairlead_client import Emitter
from fairlead_client.batch import Message
from fairlead_client.partition import partition_of
from fairlead_client.transport import KafkaTransport

VERSION = (2, 1)  # the in-memory cluster does not tell kafka-python its version
PARTITIONS = 4  # of its topics


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The address of an in-memory broker."""
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "x"})
    yield str(next(iter(cluster.list_topics(timeout=WAIT).brokers.values()))).split("/")[0]
    del cluster


def consume(broker: str, topic: str, count: int) -> list[tuple[int, bytes, dict[str, Any]]]:
    """(partition, key, body) of the topic's messages once they hold `count` events, oldest first."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "tests"})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    messages: list[tuple[int, bytes, dict[str, Any]]] = []
    try:
        while sum(len(next(iter(body["columns"].values()))) for _, _, body in messages) < count:
            record = consumer.poll(WAIT)
            assert record is not None, f"{topic}: only {messages}"
            assert record.error() is None
            messages.append((record.partition(), record.key(), json.loads(record.value())))
    finally:
        consumer.close()
    return messages


class Forwarder:
    """A port of this machine behind which the broker is down until `start`."""

    def __init__(self, broker: str) -> None:
        host, port = broker.rsplit(":", 1)
        self._target = (host, int(port))
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets: list[socket.socket] = [self._listener]

    def start(self) -> None:
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._sockets += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            return

    def stop(self) -> None:
        for connection in self._sockets:
            connection.close()


@pytest.fixture
def forwarder(broker: str) -> Iterator[Forwarder]:
    forwarder = Forwarder(broker)
    yield forwarder
    forwarder.stop()


def test_events_arrive_in_the_partition_of_their_id(broker: str) -> None:
    ids = [f"loan-{n}" for n in range(100)]
    with Emitter(broker, model="credit", decisions_topic="placed", api_version=VERSION) as emitter:
        for id in ids:
            emitter.decision(id=id, decision=True, attributes={"sex": "F"})
    assert emitter.stats["sent"] == 100
    messages = consume(broker, "placed", 100)
    for partition, key, body in messages:
        assert body["model"] == "credit"
        assert {partition_of(id, PARTITIONS) for id in body["columns"]["id"]} == {partition}
        assert partition_of(key.decode(), PARTITIONS) == partition
    assert sorted(id for _, _, body in messages for id in body["columns"]["id"]) == sorted(ids)


def test_feedback_lands_where_its_decision_did(broker: str) -> None:
    options: dict[str, Any] = {"decisions_topic": "both-d", "feedback_topic": "both-f", "key": b"k" * 16}
    with Emitter(broker, model="chat", api_version=VERSION, **options) as emitter:
        emitter.decision(id="chat-3", decision="answered")
        emitter.feedback(decision_id="chat-3", flags={"helpful": True})
    [(placed, key, _)] = consume(broker, "both-d", 1)
    assert [(partition, key) for partition, key, _ in consume(broker, "both-f", 1)] == [(placed, key)]


def test_a_broker_that_is_down_at_the_start_gets_everything_later(broker: str, forwarder: Forwarder) -> None:
    patience: dict[str, Any] = {"max_block_ms": 200, "reconnect_backoff_max_ms": 200}
    emitter = Emitter(
        forwarder.address, model="credit", decisions_topic="later", api_version=VERSION, **patience
    )
    for n in range(10):
        assert emitter.decision(id=str(n), decision=True)
    until(lambda: emitter.stats["kafka"] > 1)
    forwarder.start()
    assert emitter.flush(WAIT)
    assert emitter.close()
    assert sum(len(body["columns"]["id"]) for _, _, body in consume(broker, "later", 10)) == 10


BROKER = """
import sys
from confluent_kafka import Producer
cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "x"})
print(str(next(iter(cluster.list_topics(timeout=20).brokers.values()))).split("/")[0], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def broker_process() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """An in-memory broker in a process of its own, which can be stopped."""
    command = [sys.executable, "-c", BROKER]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        process.kill()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_broker_that_hangs_for_a_while_costs_nothing(
    broker_process: tuple[str, subprocess.Popen[str]],
) -> None:
    address, process = broker_process
    patience: dict[str, Any] = {"delivery_timeout_ms": 500, "request_timeout_ms": 400, "max_block_ms": 400}
    emitter = Emitter(address, model="credit", api_version=VERSION, **patience)
    emitter.decision(id="before", decision=True)
    assert emitter.flush(WAIT)
    process.send_signal(signal.SIGSTOP)
    emitter.decision(id="meanwhile", decision=True)
    until(lambda: emitter.stats["kafka"] > 1)
    process.send_signal(signal.SIGCONT)
    assert emitter.flush(WAIT)
    assert emitter.close()
    bodies = [body for _, _, body in consume(address, "decisions", 2)]
    assert {id for body in bodies for id in body["columns"]["id"]} == {"before", "meanwhile"}


def test_a_process_that_ends_at_once_has_sent_its_event(broker: str, run: Callable[..., list[str]]) -> None:
    script = """
        emitter = Emitter(sys.argv[2], model="credit", decisions_topic="brief", api_version=(2, 1))
        emitter.decision(id="a", decision=True)
    """
    run(script, broker)
    assert [body["columns"]["id"] for _, _, body in consume(broker, "brief", 1)] == [["a"]]


def test_a_fork_leaves_the_parents_connection_alone(broker: str, run: Callable[..., list[str]]) -> None:
    script = """
        emitter = Emitter(sys.argv[2], model="credit", decisions_topic="forked", api_version=(2, 1))
        emitter.decision(id="before", decision=True)
        assert emitter.flush()
        child = os.fork()
        emitter.decision(id="child" if child == 0 else "parent", decision=True)
        if child:
            assert os.waitpid(child, 0)[1] == 0
        assert emitter.close()
    """
    run(script, broker)
    bodies = [body for _, _, body in consume(broker, "forked", 3)]
    assert sorted(id for body in bodies for id in body["columns"]["id"]) == ["before", "child", "parent"]


@pytest.fixture
def transport(broker: str) -> Iterator[KafkaTransport]:
    transport = KafkaTransport(broker, {"api_version": VERSION, "max_block_ms": 5_000})
    yield transport
    transport.close()


def message(partition: int, value: bytes) -> Message:
    return Message("direct", partition, b"a", value, [])


def test_the_transport_reports_each_failure_and_delivers_the_rest(
    broker: str, transport: KafkaTransport
) -> None:
    assert transport.partitions("direct", WAIT) == PARTITIONS
    good = message(1, b'{"columns":{"id":["a"]}}')
    nowhere, giant = message(99, b"{}"), message(1, b"x" * 2_000_000)
    failures = transport.deliver([nowhere, giant, good], left=lambda: WAIT)
    assert [(failure.message, failure.too_large) for failure in failures] == [(nowhere, False), (giant, True)]
    assert isinstance(failures[1].error, MessageSizeTooLargeError)
    assert [key for _, key, _ in consume(broker, "direct", 1)] == [b"a"]


def test_a_topic_is_waited_for_no_longer_than_asked(forwarder: Forwarder) -> None:
    transport = KafkaTransport(forwarder.address, {"api_version": VERSION, "max_block_ms": 60_000})
    for seconds in (0.1, 0.2):
        with pytest.raises(KafkaTimeoutError, match=rf"after {seconds} secs"):
            transport.partitions("direct", seconds)
    transport.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_a_connection_that_fails_leaves_nothing_open() -> None:
    """Its broker never answers. Of one that refuses, kafka-python itself leaves a socket a try to Python."""
    listener = socket.create_server(("127.0.0.1", 0))

    def fail() -> int:
        with pytest.raises(KafkaError):
            KafkaTransport(f"127.0.0.1:{listener.getsockname()[1]}", {"bootstrap_timeout_ms": 100})
        return len(list(Path("/proc/self/fd").iterdir()))

    gc.disable()
    try:
        assert fail() == fail()
    finally:
        gc.enable()
        listener.close()


def test_an_abandoned_transport_no_longer_flushes(broker: str) -> None:
    transport = KafkaTransport(broker, {"api_version": VERSION})
    producer = transport._producer
    transport.abandon()
    transport.close()
    with pytest.raises(Exception, match="closed"):
        producer.send("direct", b"late")
    producer._closed = False
    producer.close()


def test_a_transport_ends_its_thread_even_when_messages_were_given_up(forwarder: Forwarder) -> None:
    forwarder.start()
    transport = KafkaTransport(forwarder.address, {"api_version": VERSION, "max_block_ms": 5_000})
    transport.partitions("given-up", WAIT)
    sender = transport._producer._sender
    [failure] = transport.deliver([message(0, b"{}")._replace(topic="given-up")], left=lambda: 0)
    assert isinstance(failure.error, KafkaTimeoutError)
    transport.close()
    sender.join(WAIT)
    assert not sender.is_alive()
