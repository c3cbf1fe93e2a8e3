from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead_client.buffer import Buffer

TOPIC = "decisions"


def put(buffer: Buffer, *ids: str, block: bool = False) -> list[bool]:
    return [buffer.put(TOPIC, "credit", id, {}, block=block) for id in ids]


def never() -> bool:
    return False


def ids(buffer: Buffer, limit: int = 100) -> list[str]:
    return [event.id for event in buffer.take(TOPIC, limit)]


def test_events_leave_in_order_and_at_most_as_many_as_asked() -> None:
    buffer = Buffer(10, 10)
    put(buffer, "a", "b", "c")
    assert ids(buffer, 2) == ["a", "b"]


def test_what_is_on_its_way_takes_room() -> None:
    buffer = Buffer(2, 10)
    put(buffer, "a", "b")
    buffer.take(TOPIC, 1)
    assert put(buffer, "c") == [False]
    buffer.settle(TOPIC, failed=[])
    assert put(buffer, "c") == [True]
    assert len(buffer) == 2


@pytest.mark.parametrize("freed_by", ["settle", "close"])
def test_a_blocked_caller_goes_on_when_there_is_room_or_when_it_is_closed(freed_by: str) -> None:
    buffer = Buffer(1, 10)
    put(buffer, "a")
    taken: list[bool] = []
    caller = Thread(target=lambda: taken.extend(put(buffer, "b", block=True)))
    caller.start()
    assert not taken
    if freed_by == "settle":
        buffer.take(TOPIC, 1)
        buffer.settle(TOPIC, failed=[])
    else:
        buffer.close()
    caller.join(20)
    assert taken == [freed_by == "settle"]


def test_a_closed_buffer_takes_nothing() -> None:
    buffer = Buffer(1, 10)
    buffer.close()
    assert put(buffer, "a") == [False]


def test_flush_waits_for_what_was_there_and_not_for_what_comes() -> None:
    buffer = Buffer(10, 10)
    put(buffer, "a", "b")
    _, b = buffer.take(TOPIC, 2)
    put(buffer, "c")
    assert not buffer.flush(timeout=0)
    buffer.settle(TOPIC, failed=[b])
    assert not buffer.flush(timeout=0)
    flushed: list[bool] = []
    flusher = Thread(target=lambda: flushed.append(buffer.flush(timeout=20)))
    flusher.start()
    while not flushed:
        put(buffer, "later")
        buffer.take(TOPIC, 100)
        buffer.settle(TOPIC, failed=[])
    flusher.join(20)
    assert flushed == [True]


def test_what_waits_for_one_topic_takes_no_other_topics_room() -> None:
    buffer = Buffer(1, 10)
    assert put(buffer, "a", "b") == [True, False]
    assert buffer.put("feedback", None, "a", {}, block=False)
    assert (len(buffer), buffer.accepted, buffer.topics()) == (2, 2, [TOPIC, "feedback"])
    assert ids(buffer) == ["a"]
    assert buffer.topics() == ["feedback"]


def test_flush_waits_for_all_topics() -> None:
    buffer = Buffer(10, 10)
    put(buffer, "a", "b")
    buffer.put("feedback", None, "a", {}, block=False)
    buffer.take(TOPIC, 10)
    buffer.settle(TOPIC, [])
    put(buffer, "c", "d")
    buffer.take(TOPIC, 10)
    buffer.settle(TOPIC, [])
    assert not buffer.flush(timeout=0)
    buffer.take("feedback", 10)
    buffer.settle("feedback", [])
    assert buffer.flush(timeout=0)


def test_events_of_a_topic_that_rests_are_not_waited_for() -> None:
    buffer = Buffer(10, 10)
    put(buffer, "a")
    buffer.wait(1000, 0.001, never, resting=[TOPIC])
    assert ids(buffer) == ["a"]


def test_a_topic_presses_when_half_its_room_is_taken_or_when_all_is_to_be_settled() -> None:
    buffer = Buffer(2, 10)
    put(buffer, "a")
    assert not buffer.pressing(TOPIC)
    put(buffer, "b")
    assert (buffer.pressing(TOPIC), buffer.pressing("feedback")) == (True, False)
    buffer.close()
    assert buffer.pressing("feedback")


def test_flush_of_an_empty_buffer_is_done() -> None:
    assert Buffer(1, 1).flush(timeout=0)


def test_a_flush_ends_the_wait_for_more() -> None:
    buffer = Buffer(10, 10)
    put(buffer, "a")

    def send() -> None:
        buffer.wait(1000, 1000, never, ())
        buffer.take(TOPIC, 9)
        buffer.settle(TOPIC, failed=[])

    sender = Thread(target=send)
    sender.start()
    assert buffer.flush(timeout=20)
    sender.join(20)


def test_a_full_batch_ends_the_wait_for_more() -> None:
    buffer = Buffer(10, 3)
    put(buffer, "a")
    sender = Thread(target=buffer.wait, args=(1000, 1000, never, ()))
    sender.start()
    put(buffer, "b", "c")
    sender.join(20)
    assert not sender.is_alive()


def test_the_end_ends_the_wait_for_more() -> None:
    buffer = Buffer(10, 3)
    put(buffer, "a")
    buffer.wait(1000, 0.001, ending=iter([False, False, True]).__next__, resting=())
    assert len(buffer) == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5), st.sets(st.integers(0, 4)))))
def test_no_event_is_lost_or_doubled_and_the_bound_holds(steps: list[tuple[int, int, set[int]]]) -> None:
    buffer = Buffer(8, 3)
    done: list[int] = []
    for puts, limit, failing in steps:
        put(buffer, *("x" * puts))
        taken = buffer.take(TOPIC, limit)
        failed = [event for index, event in enumerate(taken) if index in failing]
        done += [event.number for index, event in enumerate(taken) if index not in failing]
        buffer.settle(TOPIC, failed)
        assert len(buffer) <= 8
    left = [event.number for event in buffer.take(TOPIC, 8)]
    assert left == sorted(left)
    assert sorted(done + left) == list(range(1, buffer.accepted + 1))
