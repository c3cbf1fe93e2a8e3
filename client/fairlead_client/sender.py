"""The background thread: takes events from the buffer, batches them, sends them, keeps what failed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from fairlead_client.batch import Event, messages
from fairlead_client.buffer import Buffer
from fairlead_client.complaints import Complaints
from fairlead_client.events import Row
from fairlead_client.spill import Spill
from fairlead_client.transport import Failure, Transport

ROUND_EVENTS = 10_000  # encoded at a time, so that the messages' bytes are bounded, too
IDLE_SECONDS = 0.25  # how often an idle thread looks whether the process is ending
MAX_MESSAGE_BYTES = 500_000
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4, 1.0)
RECONNECT_AFTER = 5  # failed rounds: then the connection itself may be what is wrong


class Sender:
    """Owns the buffer, the connection and the thread: all that a forked child must make anew.

    The thread starts with the first event. It is no daemon: the interpreter waits for it, and it ends by
    itself, within `exit_timeout` seconds, once the main thread has ended. So the last events are sent while
    Python still works as usual; exit handlers come too late for that, they can start no threads.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        *,
        buffer: Buffer,
        complaints: Complaints,
        spill: Spill | None,
        linger: float,
        exit_timeout: float,
    ) -> None:
        self.buffer = buffer
        self.complaints = complaints
        self.sent = self.spilled = self.replayed = 0
        self.closed = threading.Event()
        self._connect = connect
        self._spill = spill
        self._linger = linger
        self._exit_timeout = exit_timeout
        self._transport: Transport | None = None
        self._thread: threading.Thread | None = None
        self._running = threading.Lock()  # held while there is a thread
        self._deadline = math.inf
        self._failed_rounds = 0
        self._max_bytes = MAX_MESSAGE_BYTES

    def offer(self, topic: str, model: str | None, id: str, row: Row, *, block: bool) -> bool:
        """Takes an event in, or refuses it when the buffer is full or closed."""
        taken = self.buffer.put(topic, model, id, row, block=block)
        # After the event is in: a thread that ends looks into the buffer, and lets go of `_running`, at once.
        if not self._running.locked() and not self.closed.is_set():
            self.start()
        return taken

    def start(self) -> None:
        """Starts the thread unless it runs. Taking the lock is one step, also for signal handlers."""
        if not self._running.acquire(blocking=False):
            return
        try:
            thread = threading.Thread(target=self._run, name="fairlead-client", daemon=False)
            thread.start()
            self._thread = thread
        except RuntimeError:  # an exit handler emits: Python starts no threads any more
            self._running.release()
            raise

    def close(self, timeout: float) -> bool:
        """Sends what is there, at most `timeout` seconds; True when nothing was lost."""
        with self.buffer.lock:
            self._exit_timeout = timeout
            self.closed.set()
            self.buffer.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout + 1)
        return len(self.buffer) == 0 and not self.complaints.counts["lost"]

    def abandon(self) -> None:
        """In a forked child: the parent sends what is here."""
        if self._transport is not None:
            self._transport.abandon()

    def _run(self) -> None:
        while not self._finished():
            self.buffer.wait(self._linger, IDLE_SECONDS, self._ending)
            if self._failed_rounds:
                self._spill_all()
            self._pause(ok=self._round() and self._replay())

    def _finished(self) -> bool:
        """True when the process ends or the emitter is closed, and nothing is left or time is up."""
        if not self._ending():
            return False
        with self.buffer.lock:
            if len(self.buffer) and self._left() > 0:
                return False
            self._give_up()
            self._disconnect()
            # Threads that outlive the main one may emit again: they start another thread.
            self._deadline = math.inf
            self._running.release()
        return True

    def _ending(self) -> bool:
        return self.closed.is_set() or not threading.main_thread().is_alive()

    def _left(self) -> float:
        """The seconds that are left: at the end, what the exit timeout leaves."""
        now = time.monotonic()
        if self._ending():
            self._deadline = min(self._deadline, now + self._exit_timeout)
        return self._deadline - now

    def _give_up(self) -> None:
        self._spill_all()
        lost = len(self.buffer.take(len(self.buffer)))
        if lost:
            self.complaints.say("lost", f"{lost} events were not sent before the end", lost)
        self.buffer.settle(failed=[])

    def _pause(self, *, ok: bool) -> None:
        """After a failure waits, longer each time; once in a while connects anew."""
        if ok:
            self._failed_rounds = 0
            return
        backoff = BACKOFF_SECONDS[min(self._failed_rounds, len(BACKOFF_SECONDS) - 1)]
        self._failed_rounds += 1
        if self._failed_rounds % RECONNECT_AFTER == 0:
            self._disconnect()
        if self.closed.wait(backoff):
            time.sleep(BACKOFF_SECONDS[0])

    def _round(self) -> bool:
        """Sends the oldest events; True unless some failed."""
        events = self.buffer.take(ROUND_EVENTS)
        if not events:
            return True
        failed = self._send(events)
        self.buffer.settle(self._to_disk(failed))
        if not failed:
            self.complaints.over("kafka", "full", "spill")
        return not failed

    def _send(self, events: Sequence[Event]) -> Sequence[Event]:
        """Sends, waits for the acknowledgements and returns what is to be tried again, in order."""
        try:
            self._transport = self._transport or self._connect()
            return self._deliver(self._transport, events)
        except Exception as error:
            self._complain(error)
            return events

    def _deliver(self, transport: Transport, events: Sequence[Event]) -> Sequence[Event]:
        partitions = self._partitions(transport, {event.topic for event in events})
        known = [event for event in events if event.topic in partitions]
        batches = list(messages(known, partitions, self._max_bytes))
        failures = transport.deliver(batches, self._left)
        again = [event for event in events if event.topic not in partitions]
        for failure in failures:
            again += self._retriable(failure)
        self.sent += len(known) - sum(len(failure.message.events) for failure in failures)
        return sorted(again)

    def _partitions(self, transport: Transport, topics: Iterable[str]) -> dict[str, int]:
        """The number of partitions of each topic that can be reached: one missing topic stops no other."""
        counts = {topic: self._count(transport, topic) for topic in topics}
        return {topic: count for topic, count in counts.items() if count}

    def _count(self, transport: Transport, topic: str) -> int:
        try:
            return transport.partitions(topic)
        except Exception as error:
            self._complain(error)
            return 0

    def _retriable(self, failure: Failure) -> Sequence[Event]:
        """All events of the message, unless Kafka takes not even a single one of this size."""
        message, error, too_large = failure
        if not too_large:
            self._complain(error)
            return message.events
        if len(message.events) > 1:
            self._max_bytes = len(message.value) // 2
            return message.events
        self.complaints.say("refused", f"an event of {len(message.value)} bytes is too large for Kafka")
        return []

    def _complain(self, error: Exception) -> None:
        name, text = type(error).__name__, str(error)
        self.complaints.say("kafka", text if text.startswith(name) else f"{name}: {text}")

    def _disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            try:
                transport.close()
            except Exception as error:
                self._complain(error)

    def _spill_all(self) -> None:
        """Kafka is down: what is queued goes to disk, round by round, until the disk refuses."""
        left: Sequence[Event] = []
        while self._spill is not None and not left and (events := self.buffer.take(ROUND_EVENTS)):
            left = self._to_disk(events)
            self.buffer.settle(left)

    def _to_disk(self, events: Sequence[Event]) -> Sequence[Event]:
        """Returns the events when there is no disk or it refuses them."""
        if self._spill is None or not events:
            return events
        try:
            self._spill.write(events)
        except OSError as error:
            self.complaints.say("spill", str(error))
            return events
        self.spilled += len(events)
        return []

    def _replay(self) -> bool:
        """Sends one file of spilled events; True unless that failed."""
        if self._spill is None or self.closed.is_set():
            return True
        try:
            path = self._spill.claim()
            return path is None or self._replay_file(self._spill, path)
        except OSError as error:
            self.complaints.say("spill", str(error))
            return True

    def _replay_file(self, spill: Spill, path: Path) -> bool:
        events, unreadable = spill.read(path)
        if unreadable:
            self.complaints.say("unreadable", f"{unreadable} lines of {path.name} are no events", unreadable)
        failed = self._send(events)
        if events and len(failed) == len(events):
            spill.release(path)
            return False
        if failed:
            spill.write(failed)
        path.unlink()
        self.replayed += len(events) - len(failed)
        return True
