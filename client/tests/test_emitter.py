"""What an app sees: calls, policies, the end, the counts."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from waiting import WAIT, until

from fairlead_client import DroppedEventError, Emitter, Failure, InvalidEventError
from fairlead_client.batch import Message
from fairlead_client.hashing import Pseudonyms
from fairlead_client.partition import partition_of
from fairlead_client.sender import AGAIN_SECONDS, ROUND_EVENTS
from fairlead_client.testing import Recorder

Make = Callable[..., Emitter]
KEY = b"0123456789abcdef"


class Gate(Recorder):
    """Deliveries wait until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.opened = threading.Event()

    def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> list[Failure]:
        self.entered.set()
        self.opened.wait(min(left(), WAIT))
        return super().deliver(messages, left)


def decide(emitter: Emitter, *ids: str) -> list[bool]:
    return [emitter.decision(id=id, decision=True, time=0) for id in ids]


def ids(recorder: Recorder, topic: str = "decisions") -> list[str]:
    return sorted(event["id"] for event in recorder.events(topic))


def test_decisions_and_feedback_arrive_on_their_topics(make: Make, recorder: Recorder) -> None:
    emitter = make(decisions_topic="d", feedback_topic="f")
    assert emitter.decision(id="a", decision="approved", time=1, attributes={"sex": "F"}, score=0.5)
    assert emitter.decision(id="b", decision="declined", time=2, model="hiring")
    assert emitter.feedback(decision_id="a", time=3, outcome="repaid", flags={"helpful": True})
    assert emitter.flush(WAIT)
    by_id = {event["id"]: event for event in recorder.events("d")}
    assert by_id == {
        "a": {
            "model": "credit",
            "id": "a",
            "time": 1.0,
            "decision": "approved",
            "score": 0.5,
            "attributes": {"sex": "F"},
        },
        "b": {"model": "hiring", "id": "b", "time": 2.0, "decision": "declined"},
    }
    assert recorder.events("f") == [
        {"decision_id": "a", "time": 3.0, "outcome": "repaid", "flags": {"helpful": True}}
    ]


def test_ids_and_entities_are_hashed_alike_in_decision_and_feedback(make: Make, recorder: Recorder) -> None:
    emitter = make(key=KEY)
    emitter.decision(id="loan-17", decision=True, entity="Ada Lovelace")
    emitter.feedback(decision_id="loan-17", outcome=True)
    assert emitter.flush(WAIT)
    [decision], [feedback] = recorder.events("decisions"), recorder.events("feedback")
    names = Pseudonyms(KEY)
    assert decision["id"] == feedback["decision_id"] == names.id("loan-17")
    assert decision["entity"] == names.entity("Ada Lovelace")
    partitions = {(message.partition, message.key) for message in recorder.messages}
    assert partitions == {(partition_of(decision["id"], 4), decision["id"].encode())}
    assert not any(b"Ada" in message.value or b"loan" in message.value for message in recorder.messages)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"policy": "forget"}, "policy: 'forget' is not allowed, give one of drop, block, spill"),
        ({"policy": "spill"}, "spill_dir: None does not go with policy 'spill'"),
        ({"spill_dir": "events"}, "spill_dir: 'events' does not go with policy 'drop'"),
        ({"max_events": 0}, "max_events: 0 is not allowed, give 1 or more"),
        ({"key": "short"}, "key: 5 bytes are too few, give at least 16 random bytes"),
        (
            {"sasl_mechanisms": "PLAIN"},
            "sasl_mechanisms: no argument of Emitter and no option of kafka-python's KafkaProducer",
        ),
    ],
)
def test_arguments_that_cannot_work_are_refused_at_once(
    make: Make, options: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        make(**options)
    assert str(caught.value) == message


def test_invalid_events_are_counted_and_logged_once_without_their_values(
    make: Make, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = make()
    for name in ("Ada", "Grace"):
        assert emitter.decision(id=[name], decision=True) is False  # type: ignore[arg-type]
    assert decide(emitter, "good") == [True]
    assert emitter.flush(WAIT)
    assert emitter.stats["invalid"] == 2
    assert [record.getMessage() for record in caplog.records if record.name == "fairlead_client"] == [
        "invalid: id: give text of at most 256 characters (more of this kind is counted, not logged)"
    ]
    assert ids(recorder) == ["good"]


def test_a_decision_needs_a_model(make: Make) -> None:
    with pytest.raises(InvalidEventError, match=r"^model: None is not allowed"):
        make(model=None, strict=True).decision(id="a", decision=True)


def test_strict_raises(make: Make) -> None:
    emitter = make(strict=True)
    with pytest.raises(InvalidEventError):
        emitter.feedback(decision_id="a")
    emitter.close()
    with pytest.raises(DroppedEventError, match=r"^the emitter is closed$"):
        emitter.feedback(decision_id="a", outcome=True)


def test_a_closed_emitter_counts_what_it_no_longer_takes(make: Make) -> None:
    emitter = make()
    assert emitter.close()
    assert emitter.close()
    assert decide(emitter, "late") == [False]
    assert emitter.stats["closed"] == 1


def test_drop_refuses_what_finds_no_room_and_counts_it(make: Make) -> None:
    gate = Gate()
    emitter = make(connect=gate.connect, max_events=2)
    assert decide(emitter, "a", "b", "c") == [True, True, False]
    gate.opened.set()
    assert emitter.flush(WAIT)
    assert ids(gate) == ["a", "b"]
    assert (emitter.stats["full"], emitter.stats["sent"]) == (1, 2)


def test_block_waits_for_room(make: Make) -> None:
    gate = Gate()
    emitter = make(connect=gate.connect, max_events=1, policy="block")
    decide(emitter, "a")
    caller = threading.Thread(target=decide, args=(emitter, "b", "c"))
    caller.start()
    assert gate.entered.wait(WAIT)
    assert emitter.stats["accepted"] == 1
    gate.opened.set()
    caller.join(WAIT)
    assert emitter.flush(WAIT)
    assert ids(gate) == ["a", "b", "c"]
    assert emitter.stats["full"] == 0


@pytest.mark.parametrize("policy", ["drop", "block"])
def test_what_failed_is_tried_again(make: Make, recorder: Recorder, policy: str) -> None:
    recorder.error = ConnectionError("broker down")
    emitter = make(policy=policy)
    decide(emitter, "a", "b")
    until(lambda: emitter.stats["kafka"] >= 3)
    assert emitter.stats["pending"] == 2
    recorder.error = None
    assert emitter.flush(WAIT)
    assert ids(recorder) == ["a", "b"]
    assert emitter.stats["pending"] == 0


def test_a_connection_that_keeps_failing_is_made_anew(make: Make, recorder: Recorder) -> None:
    recorder.error = ConnectionError("broker down")
    emitter = make()
    decide(emitter, "a")
    until(lambda: recorder.connections == 2)
    recorder.error = None
    assert emitter.flush(WAIT)
    assert recorder.closed == 1


def test_kafka_may_be_down_at_the_start(make: Make, recorder: Recorder) -> None:
    brokers = iter([ConnectionError("down"), ConnectionError("down"), None])

    def connect() -> Recorder:
        error = next(brokers)
        if error is not None:
            raise error
        return recorder

    emitter = make(connect=connect)
    decide(emitter, "a")
    assert emitter.flush(WAIT)
    assert emitter.stats["kafka"] == 2
    assert ids(recorder) == ["a"]


class NoFeedback(Recorder):
    """The topic for feedback has not been created."""

    missing = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def partitions(self, topic: str, seconds: float) -> int:
        if topic == "feedback" and self.missing:
            self.asked.append(seconds)
            raise LookupError("unknown topic feedback")
        return super().partitions(topic, seconds)


class Forbidden(NoFeedback):
    """One may know it, but not write to it."""

    def partitions(self, topic: str, seconds: float) -> int:
        return self._partitions

    def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> list[Failure]:
        bad = [m for m in messages if m.topic == "feedback" and self.missing]
        super().deliver([message for message in messages if message not in bad], left)
        return [Failure(message, PermissionError("feedback")) for message in bad]


MANY = ROUND_EVENTS + 1


def learn(emitter: Emitter, count: int) -> list[bool]:
    return [emitter.feedback(decision_id=str(n), outcome=True, time=0) for n in range(count)]


@pytest.mark.parametrize("policy", ["drop", "block", "spill"])
@pytest.mark.parametrize("kind", [NoFeedback, Forbidden])
def test_a_topic_that_is_missing_stops_no_other(
    make: Make, tmp_path: Path, kind: type[NoFeedback], policy: str
) -> None:
    transport = kind()
    spilling = {"spill_dir": tmp_path} if policy == "spill" else {}
    emitter = make(connect=transport.connect, policy=policy, **spilling)
    learn(emitter, MANY)
    for id in "abc":
        decide(emitter, id)
        until(lambda id=id: id in ids(transport))  # type: ignore[misc]
    transport.missing = False
    until(lambda: len(transport.events("feedback")) == MANY)
    assert ids(transport) == ["a", "b", "c"]


def test_what_is_left_of_it_at_the_end_is_lost(make: Make) -> None:
    transport = NoFeedback()
    emitter = make(connect=transport.connect)
    learn(emitter, MANY)
    decide(emitter, "a")
    until(lambda: ids(transport) == ["a"])
    assert not emitter.close(timeout=0)
    assert (emitter.stats["sent"], emitter.stats["lost"]) == (1, MANY)


def test_its_full_queue_refuses_its_own_events_only(make: Make) -> None:
    transport = NoFeedback()
    emitter = make(connect=transport.connect, max_events=2)
    assert learn(emitter, 3) == [True, True, False]
    assert decide(emitter, "a", "b") == [True, True]
    until(lambda: ids(transport) == ["a", "b"])
    assert emitter.stats["full"] == 1


def test_it_is_seldom_asked_for_while_others_are_sent(make: Make) -> None:
    transport = NoFeedback()
    emitter = make(connect=transport.connect)
    learn(emitter, 1)
    for n in range(100):
        decide(emitter, str(n))
        until(lambda n=n: len(ids(transport)) > n)  # type: ignore[misc]
    assert 0 < len(transport.asked) < 20
    assert all(seconds <= AGAIN_SECONDS for seconds in transport.asked[1:])


def test_at_the_end_half_the_time_is_kept_for_others(make: Make) -> None:
    transport = NoFeedback()
    emitter = make(connect=transport.connect, linger=60)
    learn(emitter, 1)
    decide(emitter, "a")
    assert not emitter.close(timeout=0.2)
    assert max(transport.asked) <= 0.1
    assert ids(transport) == ["a"]


def test_on_disk_it_stops_no_other_either(make: Make, tmp_path: Path) -> None:
    transport = NoFeedback()
    emitter = make(connect=transport.connect, policy="spill", spill_dir=tmp_path)
    for id in "abc":
        emitter.feedback(decision_id=id, outcome=True)
        decide(emitter, id)
        assert emitter.flush(WAIT)
    until(lambda: ids(transport) == ["a", "b", "c"])
    transport.missing = False
    until(lambda: len(transport.events("feedback")) == 3)
    assert ids(transport) == ["a", "b", "c"]


def test_an_outage_is_logged_once_and_the_next_one_again(
    make: Make, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    emitter = make()
    for id in ("a", "b"):
        recorder.error = ConnectionError("broker down")
        decide(emitter, id)
        failures = emitter.stats["kafka"]
        until(lambda before=failures: emitter.stats["kafka"] > before + 1)  # type: ignore[misc]
        recorder.error = None
        assert emitter.flush(WAIT)
    said = [record.getMessage() for record in caplog.records if record.name == "fairlead_client"]
    once = "kafka: ConnectionError: broker down (more of this kind is counted, not logged)"
    assert said == [once, once]


class Small(Recorder):
    """A broker that takes only small records."""

    def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> list[Failure]:
        too_large = [message for message in messages if len(message.value) > 400]
        super().deliver([message for message in messages if message not in too_large], left)
        return [Failure(message, ValueError("too large"), too_large=True) for message in too_large]


def test_messages_shrink_to_what_the_broker_takes_and_only_a_giant_is_given_up(make: Make) -> None:
    small = Small(partitions=1)
    emitter = make(connect=small.connect, linger=0.05)
    decide(emitter, *(f"id-{n}" for n in range(50)))
    emitter.decision(id="giant", decision=True, reasons=["x" * 256] * 2)
    assert not emitter.flush(WAIT)
    assert not emitter.close()
    assert ids(small) == sorted(f"id-{n}" for n in range(50))
    assert (emitter.stats["sent"], emitter.stats["refused"]) == (50, 1)
    assert max(len(message.events) for message in small.messages) > 1


def test_spill_keeps_events_on_disk_and_replays_them(make: Make, recorder: Recorder, tmp_path: Path) -> None:
    recorder.error = ConnectionError("broker down")
    emitter = make(policy="spill", spill_dir=tmp_path, max_events=3)
    for id in "abcde":
        decide(emitter, id)
        assert emitter.flush(WAIT)
    assert emitter.stats["spilled"] == 5
    assert emitter.stats["full"] == 0
    recorder.error = None
    until(lambda: emitter.stats["replayed"] == 5)
    assert ids(recorder) == list("abcde")
    assert list(tmp_path.iterdir()) == []


def test_the_next_process_replays_what_the_last_one_spilled(
    make: Make, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.error = ConnectionError("broker down")
    first = make(policy="spill", spill_dir=tmp_path, key=KEY)
    decide(first, "a", "b")
    assert first.close()
    [spilled] = tmp_path.iterdir()
    assert b'"a"' not in spilled.read_bytes()
    recorder.error = None
    second = make(policy="spill", spill_dir=tmp_path, key=KEY)
    until(lambda: second.stats["replayed"] == 2)
    assert ids(recorder) == sorted(Pseudonyms(KEY).id(id) for id in "ab")


def test_what_is_unreadable_on_disk_is_counted_and_the_rest_is_sent(
    make: Make, recorder: Recorder, tmp_path: Path
) -> None:
    line = '["feedback", null, "a", {"decision_id": "a", "time": 1.0, "outcome": true}]'
    (tmp_path / "1.jsonl").write_text(f"half a li\n{line}\n")
    emitter = make(policy="spill", spill_dir=tmp_path)
    until(lambda: emitter.stats["replayed"] == 1)
    assert emitter.stats["unreadable"] == 1
    assert recorder.events("feedback") == [{"decision_id": "a", "time": 1.0, "outcome": True}]


def test_what_is_refused_from_disk_is_not_replayed(make: Make, recorder: Recorder, tmp_path: Path) -> None:
    recorder.error = ConnectionError("broker down")
    first = make(policy="spill", spill_dir=tmp_path)
    decide(first, "a")
    first.decision(id="giant", decision=True, reasons=["x" * 256] * 2)
    assert first.close()
    small = Small(partitions=1)
    second = make(connect=small.connect, policy="spill", spill_dir=tmp_path)
    until(lambda: second.stats["refused"] == 1 and second.stats["replayed"] == 1)
    assert not second.close()
    assert ids(small) == ["a"]


def test_a_full_disk_leaves_events_in_the_queue(make: Make, recorder: Recorder, tmp_path: Path) -> None:
    recorder.error = ConnectionError("broker down")
    emitter = make(policy="spill", spill_dir=tmp_path, spill_bytes=10)
    decide(emitter, "a")
    until(lambda: emitter.stats["spill"] > 0)
    assert (emitter.stats["pending"], emitter.stats["spilled"]) == (1, 0)
    recorder.error = None
    assert emitter.flush(WAIT)
    assert ids(recorder) == ["a"]


def test_every_accepted_event_is_accounted_for(make: Make, recorder: Recorder, tmp_path: Path) -> None:
    emitter = make(policy="spill", spill_dir=tmp_path)
    for number in range(200):
        recorder.error = ConnectionError("flapping") if number % 3 else None
        decide(emitter, str(number))
    emitter.close(WAIT)
    stats = emitter.stats
    kept = stats["sent"] - stats["replayed"] + stats["spilled"] + stats["lost"] + stats["refused"]
    assert stats["accepted"] == kept == 200
    assert stats["pending"] == 0


def test_close_gives_up_in_time_and_says_what_is_lost(make: Make, recorder: Recorder) -> None:
    recorder.error = ConnectionError("broker down")
    emitter = make()
    decide(emitter, "a", "b")
    assert not emitter.close(timeout=0)
    assert emitter.stats["lost"] == 2


def test_a_bug_in_the_transport_kills_nothing(make: Make) -> None:
    class Broken(Recorder):
        def deliver(self, messages: Sequence[Message], left: Callable[[], float]) -> list[Failure]:
            if self.connections == 1:
                raise RuntimeError("bug")
            return super().deliver(messages, left)

        def close(self) -> None:
            raise RuntimeError("bug")

    broken = Broken()
    emitter = make(connect=broken.connect)
    decide(emitter, "a")
    assert emitter.flush(WAIT)
    assert ids(broken) == ["a"]


def test_many_threads_lose_nothing(make: Make, recorder: Recorder) -> None:
    emitter = make()
    names = [[f"{thread}-{n}" for n in range(500)] for thread in range(8)]
    threads = [threading.Thread(target=decide, args=(emitter, *part)) for part in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert emitter.flush(WAIT)
    assert ids(recorder) == sorted(name for part in names for name in part)


async def test_coroutines_emit_and_flush_without_blocking(make: Make) -> None:
    gate = Gate()
    emitter = make(connect=gate.connect)
    decide(emitter, "a")
    flushed = asyncio.create_task(asyncio.to_thread(emitter.flush, WAIT))
    await asyncio.to_thread(gate.entered.wait, WAIT)
    assert not flushed.done()
    gate.opened.set()
    assert await flushed
    assert ids(gate) == ["a"]


def test_an_emitter_without_events_starts_no_thread(make: Make, recorder: Recorder) -> None:
    threads = threading.active_count()
    emitter = make()
    assert emitter.close()
    assert threading.active_count() == threads
    assert recorder.connections == 0


def test_the_context_manager_closes(recorder: Recorder) -> None:
    with Emitter(model="credit", connect=recorder.connect) as emitter:
        decide(emitter, "a")
    assert ids(recorder) == ["a"]
    assert emitter.stats["lost"] == 0
    assert recorder.closed == 1


def test_logging_is_the_clients_own(caplog: pytest.LogCaptureFixture, make: Make) -> None:
    make().feedback(decision_id="a")
    assert {(record.name, record.levelno) for record in caplog.records} == {
        ("fairlead_client", logging.WARNING)
    }
