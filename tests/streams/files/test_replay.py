"""Files as streams: order, repetition, pace, and what reaches Kafka."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaConsumer, TopicPartition

from monitor.arrays.hashing import partitions
from monitor.arrays.texts import Texts
from monitor.config import Columns, ConfigError
from monitor.events import DAY_MS, Decision, Decoder, Feedback
from streams.embedded import PARTITIONS, EmbeddedBroker
from streams.files import reader, replay
from streams.files.replay import Record

FILE = """id,time,decision,sex,y,y_time
a,2026-01-03,yes,F,1,2026-01-09
b,2026-01-01,no,,0,2026-01-03
c,2026-01-02,no,M,,
"""
COLUMNS = Columns(outcome="y", outcome_time="y_time", attributes={"sex": "sex"})
LATEST = 1_800_000_000_000
API = (2, 1)


class Memory:
    """A sink that notes what was taken and what was safe."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, bytes]] = []
        self.flushed = 0

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        self.taken.append((topic, key, value))

    def flush(self) -> None:
        self.flushed = len(self.taken)


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    path = tmp_path / "some.csv"
    path.write_text(FILE)
    return replay.events(reader.read(path, "credit", COLUMNS, LATEST))


def days(count: int, apart: int = DAY_MS) -> list[Record]:
    return [Record(i * apart, False, str(i).encode(), b"{}") for i in range(count)]


def test_events_come_by_time_and_decisions_before_feedback(records: list[Record]) -> None:
    assert [(record.key, record.feedback) for record in records] == [
        (b"b", False),
        (b"c", False),
        (b"a", False),
        (b"b", True),
        (b"a", True),
    ]


def test_events_are_what_apps_would_send(records: list[Record]) -> None:
    assert msgspec.json.decode(records[2].value) == {
        "id": "a",
        "model": "credit",
        "time": "2026-01-03",
        "decision": "yes",
        "attributes": {"sex": "F"},
    }
    decided = Decoder(Decision).decode([r.value for r in records if not r.feedback], LATEST)
    returned = Decoder(Feedback).decode([r.value for r in records if r.feedback], LATEST)
    assert decided.times.tolist() == [r.time for r in records if not r.feedback]
    assert [each.outcome for each in returned.events] == ["0", "1"]
    assert decided.invalid == returned.invalid == []


def test_false_and_zero_are_sent(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("id,time,decision,score\na,0,false,0\n")
    [record] = replay.events(reader.read(path, "m", Columns(score="score"), LATEST))
    assert msgspec.json.decode(record.value) == {
        "id": "a",
        "model": "m",
        "time": 0,
        "decision": False,
        "score": 0,
    }


def test_twice_is_every_record_once_more(records: list[Record]) -> None:
    assert Counter(replay.twice(records)) == dict.fromkeys(records, 2)


@given(st.integers(0, 40), st.integers(0, 90), st.integers(0, 5))
def test_shuffled_keeps_all_and_moves_none_further_than_allowed(count: int, within: int, seed: int) -> None:
    given_ = days(count)
    found = replay.shuffled(given_, within * DAY_MS, seed)
    assert sorted(found, key=lambda record: record.time) == given_
    latest = 0
    for record in found:
        assert record.time >= latest - within * DAY_MS
        latest = max(latest, record.time)


def test_shuffled_is_the_same_every_time_and_moves_something() -> None:
    assert replay.shuffled(days(50), 20 * DAY_MS) == replay.shuffled(days(50), 20 * DAY_MS) != days(50)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_pace_lets_event_time_pass_so_many_times_as_fast() -> None:
    clock = Clock()
    pace = replay.Pace(86_400, clock.time, clock.sleep)
    passed = []
    for record in days(4):
        pace(record.time)
        passed.append(round(clock.now - 100, 6))
    assert passed == [0, 1, 2, 3]


def test_pace_waits_for_nothing_that_is_late() -> None:
    clock = Clock()
    pace = replay.Pace(1000, clock.time, clock.sleep)
    for moment in (5_000_000, 0, 4_999_000):
        pace(moment)
    assert clock.now == 100


@pytest.mark.parametrize(
    ("faster", "duration", "speed"),
    [("10000x", None, 10_000), ("2.5", None, 2.5), (None, "2d", 4.5), (None, None, None)],
)
def test_speed(faster: str | None, duration: str | None, speed: float | None) -> None:
    assert replay.speed(days(10), faster, duration) == speed


def test_speed_of_a_single_moment_is_no_speed() -> None:
    assert replay.speed(days(1), None, "60s") is None
    assert replay.speed([], None, "60s") is None


@pytest.mark.parametrize(
    ("faster", "duration", "line"),
    [
        ("fast", None, "--speed: 'fast' is not allowed; allowed: a positive number, as in '10000x'"),
        ("0", None, "--speed: '0' is not allowed; allowed: a positive number, as in '10000x'"),
        ("nan", None, "--speed: 'nan' is not allowed; allowed: a positive number, as in '10000x'"),
        (
            None,
            "0s",
            "--duration: '0s' is not allowed; allowed: a number with a unit s, m, h, d, w or y, as in '24h'",
        ),
    ],
)
def test_what_is_no_speed(faster: str | None, duration: str | None, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        replay.speed(days(10), faster, duration)
    assert str(caught.value) == line


def test_send_gives_each_topic_its_events_and_waits_when_they_are_safe(records: list[Record]) -> None:
    sink, safe, shares, paced = Memory(), list[int](), list[float](), list[int]()
    many = records * 100
    replay.send(
        many,
        sink,
        decisions="d",
        feedback="f",
        pace=paced.append,
        wait=lambda: safe.append(sink.flushed),
        progress=shares.append,
    )
    assert Counter(topic for topic, _, _ in sink.taken) == {"d": 300, "f": 200}
    assert paced == [record.time for record in many]
    assert safe == [200, 400, 500]
    assert shares == [0.4, 0.8, 1.0]


def test_kafka_gets_all_where_murmur2_says(records: list[Record]) -> None:
    many = [Record(r.time, r.feedback, r.key + str(i).encode(), r.value) for i in range(20) for r in records]
    with EmbeddedBroker() as broker:
        broker.create("decisions", "feedback")
        sink = replay.KafkaSink({"bootstrap_servers": broker.address}, api_version=API)
        replay.send(many, sink, decisions="decisions", feedback="feedback")
        sink.close()
        got = consumed(broker, len(many))
    assert Counter((topic, key, value) for topic, _, key, value in got) == Counter(
        ("feedback" if record.feedback else "decisions", record.key, record.value) for record in many
    )
    where = partitions(Texts([key.decode() for _, _, key, _ in got]), PARTITIONS).tolist()
    assert [partition for _, partition, _, _ in got] == where


def consumed(broker: EmbeddedBroker, count: int) -> list[tuple[str, int, bytes, bytes]]:
    reader = KafkaConsumer(bootstrap_servers=broker.address, api_version=API, auto_offset_reset="earliest")
    reader.assign(
        [TopicPartition(topic, p) for topic in ("decisions", "feedback") for p in range(PARTITIONS)]
    )
    got: list[tuple[str, int, bytes, bytes]] = []
    while len(got) < count:
        polled = reader.poll(timeout_ms=10_000)
        assert polled, f"only {len(got)} of {count} records came"
        got += [(r.topic, r.partition, r.key, r.value) for some in polled.values() for r in some]
    reader.close()
    return got


UNREACHABLE = """
from streams.files.replay import KafkaSink
try:
    KafkaSink({"bootstrap_servers": ["127.0.0.1:1"]}, bootstrap_timeout_ms=200)
except ValueError as error:
    print(error)
"""


def test_a_broker_that_is_not_there_is_named() -> None:
    # in a process of its own: kafka-python leaves sockets behind when it cannot connect
    done = subprocess.run([sys.executable, "-c", UNREACHABLE], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        "broker.url: ['127.0.0.1:1'] is not allowed; allowed: "
        "the address of a running Kafka that lets us in ("
    )


def test_a_record_that_kafka_refuses_is_no_silent_loss() -> None:
    with EmbeddedBroker() as broker:
        sink = replay.KafkaSink({"bootstrap_servers": broker.address}, api_version=API)
        with pytest.raises(ConfigError, match="a running Kafka"):
            replay.send(
                [Record(0, False, b"a", b"x" * 2_000_000)], sink, decisions="decisions", feedback="feedback"
            )
        sink.close()
