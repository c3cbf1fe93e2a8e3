"""The thread itself: it starts in time, and nothing ends it."""

import threading
from collections.abc import Container
from pathlib import Path
from typing import Any, Callable, Optional

from waiting import WAIT

from fairlead_client.buffer import Buffer
from fairlead_client.complaints import Complaints
from fairlead_client.rests import REST_SECONDS
from fairlead_client.sender import Sender
from fairlead_client.spill import Spill
from fairlead_client.testing import Recorder


class Faulty(Buffer):
    """Runs out of memory once."""

    fault: Optional[Exception] = MemoryError()

    def wait(self, linger: float, idle: float, ending: Callable[[], bool], resting: Container[str]) -> None:
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        super().wait(linger, idle, ending, resting)


def sender(recorder: Recorder, buffer: Buffer, spill: Optional[Spill] = None) -> Sender:
    options: dict[str, Any] = {"spill": spill, "linger": 0, "exit_timeout": WAIT}
    return Sender(recorder.connect, buffer=buffer, complaints=Complaints(), **options)


def test_a_flush_does_not_wait_for_a_topic_that_rests_when_there_is_a_disk(
    recorder: Recorder, tmp_path: Path
) -> None:
    spilling = sender(recorder, Buffer(10, 10), Spill(tmp_path, 1000))
    spilling.offer("decisions", "credit", "a", {"id": "a"}, block=False)
    assert spilling.flush(WAIT)
    for _ in REST_SECONDS:
        spilling._rests.failed("feedback")
    spilling.offer("feedback", None, "a", {"decision_id": "a"}, block=False)
    assert spilling.flush(REST_SECONDS[-1] / 2)
    assert spilling.close(WAIT)
    assert (spilling.sent, spilling.spilled) == (1, 1)


def test_an_unexpected_error_is_logged_and_survived(recorder: Recorder, caplog: Any) -> None:
    faulty = sender(recorder, Faulty(10, 10))
    assert faulty.offer("decisions", "credit", "a", {"id": "a"}, block=False)
    assert faulty.flush(WAIT)
    assert faulty.complaints.counts["unexpected"] == 1
    assert "unexpected: MemoryError in " in caplog.text
    assert faulty.close(WAIT)
    assert [event["id"] for event in recorder.events("decisions")] == ["a"]


def test_a_close_that_overtakes_the_start_of_the_thread_sends_the_event(recorder: Recorder) -> None:
    overtaken = sender(recorder, Buffer(10, 10))
    overtaken.buffer.put("decisions", "credit", "a", {"id": "a"}, block=False)
    assert overtaken.close(WAIT)
    assert overtaken.sent == 1
    assert "fairlead-client" not in [thread.name for thread in threading.enumerate()]
