"""The background thread: takes events from the buffer, batches them, sends them, keeps what failed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fairlead_client.batch import Event, messages
from fairlead_client.buffer import Buffer
from fairlead_client.complaints import Complaints, place
from fairlead_client.events import Row
from fairlead_client.rests import Rests
from fairlead_client.spill import Spill
from fairlead_client.transport import Failure, Transport

ROUND_EVENTS = 10_000  # encoded at a time, so that the messages' bytes are bounded, too
IDLE_SECONDS = 0.25  # how often an idle thread looks whether the process is ending
MAX_MESSAGE_BYTES = 500_000
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.4, 1.0)
RECONNECT_AFTER = 5  # failed rounds: then the connection itself may be what is wrong
AGAIN_SECONDS = 1.0  # for a topic that was asked for in vain: the others wait meanwhile


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
        self._rests = Rests()
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

    def flush(self, timeout: float) -> bool:
        """Waits until what was taken in is settled; True when it is, and nothing was given up."""
        return self.buffer.flush(timeout) and not self._given_up()

    def close(self, timeout: float) -> bool:
        """Sends what is there, at most `timeout` seconds; True when nothing was given up."""
        with self.buffer.lock:
            self._exit_timeout = timeout
            self.closed.set()
            self.buffer.close()
        if self._thread is not threading.current_thread():
            self._await_end(timeout)
        return len(self.buffer) == 0 and not self._given_up()

    def _await_end(self, timeout: float) -> None:
        if len(self.buffer):
            try:
                self.start()  # whoever put the first event may not have come to it
            except RuntimeError:
                self._give_up()
        if self._running.acquire(timeout=timeout + 1):
            self._running.release()
            if self._thread is not None:
                self._thread.join()

    def _given_up(self) -> bool:
        return bool(self.complaints.counts["lost"] or self.complaints.counts["refused"])

    def abandon(self) -> None:
        """In a forked child: the parent sends what is here."""
        if self._transport is not None:
            self._transport.abandon()

    def _run(self) -> None:
        while not self._finished():
            self._step()

    def _finished(self) -> bool:
        """True when the process ends or the emitter is closed, and nothing is left or time is up."""
        if not self._ending():
            return False
        with self.buffer.lock:
            if len(self.buffer) and self._left() > 0:
                return False
            try:
                self._give_up()
                self._disconnect()
            finally:
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
        self._spill_queues()
        for topic in self.buffer.topics():
            lost = len(self.buffer.take(topic, len(self.buffer)))
            self.buffer.settle(topic, failed=[])
            self.complaints.say("lost", f"{lost} events were not sent before the end", lost)

    def _step(self) -> None:
        try:
            self._work()
        except Exception as error:  # without this thread nothing would ever be sent again
            self.complaints.say("unexpected", place(error))
            self._sleep(BACKOFF_SECONDS[-1])

    def _work(self) -> None:
        """A round for each topic, and a file from the disk."""
        self.buffer.wait(self._linger, min(IDLE_SECONDS, self._rests.soonest()), self._ending, self._rests)
        if all(self._turn(topic) for topic in self._topics()):
            self._replay()
        else:
            self._spill_queues()
        if self._failed_rounds and (self._transport is None or self._ending()):
            self._sleep(BACKOFF_SECONDS[min(self._failed_rounds, len(BACKOFF_SECONDS)) - 1])

    def _topics(self) -> Sequence[str]:
        """Those that can be reached come first: they shall not wait for the others when time is short."""
        return sorted(self.buffer.topics(), key=self._rests.failures)

    def _turn(self, topic: str) -> bool:
        """Sends the topic's oldest events, unless it rests; False when there is no connection."""
        if topic in self._rests and not self._ending():
            if self.buffer.pressing(topic):
                self._spill_queue(topic)
            return True
        self._round(topic)
        return self._transport is not None

    def _round(self, topic: str) -> None:
        left = events = self.buffer.take(topic, ROUND_EVENTS)
        try:
            failed = self._send(topic, events)
            left = self._to_disk(topic, failed)
        finally:
            self.buffer.settle(topic, left)
        if failed and not left:
            self._spill_queue(topic)

    def _send(self, topic: str, events: Sequence[Event]) -> Sequence[Event]:
        """Sends, waits for the acknowledgements and returns what is to be tried again, in order."""
        try:
            failed = self._deliver(self._connected(), topic, events)
        except Exception as error:
            self._complain("kafka", error)
            failed = events
        if failed:
            self._failed(topic)
        else:
            self._reached(topic)
        return failed

    def _connected(self) -> Transport:
        if self._transport is None:
            self._transport = self._connect()
            self._rests.end()
        return self._transport

    def _deliver(self, transport: Transport, topic: str, events: Sequence[Event]) -> Sequence[Event]:
        partitions = transport.partitions(topic, self._patience(topic))
        batches = list(messages(events, {topic: partitions}, self._max_bytes))
        failures = transport.deliver(batches, self._left)
        self.sent += len(events) - sum(len(failure.message.events) for failure in failures)
        return sorted(event for failure in failures for event in self._retriable(failure))

    def _patience(self, topic: str) -> float:
        """The seconds for which to ask for a topic: at the end half of them, so that others have some."""
        half = max(0.0, self._left() / 2)
        return min(half, AGAIN_SECONDS) if self._rests.failures(topic) else half

    def _failed(self, topic: str) -> None:
        """The topic rests; after a few failures without a success the connection is made anew."""
        self._failed_rounds += 1
        if self._transport is not None:
            self._rests.failed(topic)
        if self._failed_rounds % RECONNECT_AFTER == 0:
            self._disconnect()

    def _reached(self, topic: str) -> None:
        self._failed_rounds = 0
        self._rests.reached(topic)
        if not self._rests:
            self.complaints.over("kafka", "full", "spill")

    def _retriable(self, failure: Failure) -> Sequence[Event]:
        """All events of the message, unless Kafka takes not even a single one of this size."""
        message, error, too_large = failure
        if not too_large:
            self._complain("kafka", error)
            return message.events
        if len(message.events) > 1:
            self._max_bytes = len(message.value) // 2
            return message.events
        self.complaints.say("refused", f"an event of {len(message.value)} bytes is too large for Kafka")
        return []

    def _complain(self, kind: str, error: Exception) -> None:
        name, text = type(error).__name__, str(error)
        self.complaints.say(kind, text if text.startswith(name) else f"{name}: {text}")

    def _disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            try:
                transport.close()
            except Exception as error:
                self._complain("kafka", error)

    def _sleep(self, seconds: float) -> None:
        if self.closed.wait(seconds):
            time.sleep(BACKOFF_SECONDS[0])

    def _spill_queues(self) -> None:
        for topic in self.buffer.topics():
            self._spill_queue(topic)

    def _spill_queue(self, topic: str) -> None:
        """What is queued goes to disk, round by round, until the disk refuses."""
        left: Sequence[Event] = []
        while self._spill is not None and not left and (events := self.buffer.take(topic, ROUND_EVENTS)):
            left = self._to_disk(topic, events)
            self.buffer.settle(topic, left)

    def _to_disk(self, topic: str, events: Sequence[Event]) -> Sequence[Event]:
        """Returns the events when there is no disk or it refuses them."""
        if self._spill is None or not events:
            return events
        try:
            self._spill.write(topic, events)
        except Exception as error:  # whatever it is: the events are still in hand
            self._complain("spill", error)
            return events
        self.spilled += len(events)
        return []

    def _replay(self) -> None:
        """Sends one file of spilled events."""
        if self._spill is None or self.closed.is_set():
            return
        try:
            path = self._spill.claim(self._rests.topics())
            if path is not None:
                self._replay_file(self._spill, path)
        except OSError as error:
            self._complain("spill", error)

    def _replay_file(self, spill: Spill, path: Path) -> None:
        events, unreadable = spill.read(path)
        by_topic: dict[str, list[Event]] = {}
        for event in events:
            by_topic.setdefault(event.topic, []).append(event)
        before = self.sent
        failed = {topic: self._send(topic, part) for topic, part in by_topic.items()}
        if events and sum(map(len, failed.values())) == len(events):
            spill.release(path)
            return
        for topic, part in failed.items():
            if part:
                spill.write(topic, part)
        path.unlink()
        if unreadable:
            self.complaints.say("unreadable", f"{unreadable} lines of {path.name} are no events", unreadable)
        self.replayed += self.sent - before
