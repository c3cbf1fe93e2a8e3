"""A real Apache Kafka for the tests: one node, KRaft, on free ports of 127.0.0.1.

`KAFKA_BOOTSTRAP` names a running broker instead. Otherwise Maven fetches the broker's jars once into
`.kafka/` in the project's root (later runs start in seconds) and Java runs them in a temporary
directory. Without Java or Maven the tests that need Kafka are skipped, except in CI, where they fail.
"""

import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

with warnings.catch_warnings():
    # kafka-python reads its schemas by a function that Python 3.11 deprecated and 3.13 revived
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient
    from kafka.admin import NewTopic

VERSION = "4.4.0"
CACHE = Path(__file__).parents[2] / ".kafka"
START_SECONDS = 60
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={doors},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={doors}
listener.security.protocol.map={spoken},CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
log.dirs={logs}
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.segment.bytes=16777216
log.index.size.max.bytes=65536
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
"""


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address `host:port` of a running Apache Kafka."""
    if given := os.environ.get("KAFKA_BOOTSTRAP"):
        yield given
        return
    with running(Broker(tmp_path_factory.mktemp("kafka"))) as broker:
        yield broker.address


@pytest.fixture
def unique() -> str:
    """A name that no other test uses, for topics and groups."""
    return f"t{uuid.uuid4().hex[:10]}"


def create_topics(bootstrap: str, partitions: Mapping[str, int], *, compacted: bool = False) -> None:
    """Creates each topic of `{name: partition count}` and waits until the broker serves it."""
    config = {"cleanup.policy": "compact"} if compacted else {}
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(name, n, 1, topic_configs=config) for name, n in partitions.items()])
    finally:
        admin.close()


def _need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        reason = f"Apache Kafka needs {' and '.join(missing)}, or KAFKA_BOOTSTRAP=host:port"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def _jars() -> Path:
    """The folder of the broker's jars; Maven fills it once."""
    home = CACHE / VERSION
    jars = home / "jars"
    complete = home / "complete"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:  # several processes may run the tests
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            (home / "pom.xml").write_text(POM.format(version=VERSION))
            goal = ["dependency:copy-dependencies", f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
            subprocess.run(["mvn", "-q", "-B", *goal], cwd=home, check=True, timeout=600)
            complete.touch()
    return jars


class Broker:
    """One node on its own data; `address` stays the same through all that happens to it.

    `properties` are added to its configuration, `listener` is what its clients' port speaks, `scram` are its
    users as `kafka-storage format --add-scram` takes them. `more` are further listeners and what they speak;
    `addresses` has theirs.
    """

    def __init__(
        self,
        home: Path,
        listener: str = "PLAINTEXT",
        properties: str = "",
        scram: Sequence[str] = (),
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        _need("java", "mvn")
        self._java = [
            "java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{_jars()}/*",
        ]  # fmt: skip
        self._log, self._properties = home / "broker.log", home / "server.properties"
        listeners = {"CLIENT": listener, **more}
        controller, *ports = _free_ports(1 + len(listeners))
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in zip(listeners, ports, strict=True)}
        self.address = self.addresses["CLIENT"]
        said = PROPERTIES.format(
            doors=",".join(f"{name}://{address}" for name, address in self.addresses.items()),
            spoken=",".join(f"{name}:{spoken}" for name, spoken in listeners.items()),
            controller=controller,
            logs=home / "logs",
        )
        self._properties.write_text(said + properties)
        self._format([word for user in scram for word in ("--add-scram", user)])

    def _format(self, users: Sequence[str]) -> None:
        identity = ["kafka.tools.StorageTool", "format", "-t", "kLm0aGnLTVSq7j8kR4a5bQ"]
        command = [*self._java, *identity, "-c", str(self._properties), *users]
        with self._log.open("w") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, timeout=START_SECONDS)

    def start(self) -> None:
        """Runs it on the data that are there, and waits until it answers."""
        with self._log.open("a") as log:
            command = [*self._java, "kafka.Kafka", str(self._properties)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        _wait(self.address, self._process, self._log)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """As a power cut ends it, but for what the system's cache keeps."""
        self._process.kill()
        self._process.wait()

    def fill(self) -> None:
        """From now on its disk is as good as full: no file grows, until it is started again."""
        _, most = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (1, most))

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def running(broker: Broker) -> Iterator[Broker]:
    """Starts a broker, and stops it at the end."""
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the port is open: kafka-python leaks its sockets when it connects in vain."""
    host, port = address.split(":")
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port))).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"Kafka did not start:\n{log.read_text()[-4000:]}", pytrace=False)
            time.sleep(0.1)


def _free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
