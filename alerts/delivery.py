"""How a notification reaches people: an outbox that is durable first, then a visible chain of stages.

At least once: a crash between sending and recording repeats one message, and none is ever lost. What a
thread (one alert at one destination) has to tell is told in order.
"""

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from alerts import outbox, silences
from alerts.alert import Alert, State
from alerts.message import Message
from alerts.notifier import Refused, Retry, Sender
from alerts.outbox import Delivery, Progress, Skip
from alerts.silences import Silence

log = logging.getLogger(__name__)

KEPT = 20  # finished deliveries that a thread remembers, for the history
DEADLINE_S = 60.0  # the most that a notifier may take, whatever it does

Thread = dict[int, Delivery]  # by sequence


class Store(Protocol):
    """Where the outbox is kept: once `put` returns, the value survives a crash. None deletes."""

    async def put(self, key: bytes, value: bytes | None, /) -> None: ...


class Outbox:
    """The deliveries of one partition. `now` is the wall clock in ms."""

    def __init__(
        self,
        *,
        notifiers: Mapping[str, Sender],
        route: Callable[[Alert], Sequence[str]],
        render: Callable[[Alert], Message],
        store: Store,
        now: Callable[[], int],
        silences: Callable[[], Sequence[Silence]] = tuple,
    ) -> None:
        self._notifiers, self._route, self._render = notifiers, route, render
        self._store, self._now, self._silences = store, now, silences
        self._threads: dict[str, dict[str, Thread]] = {}  # by alert id and destination
        self._paused: dict[str, int] = {}  # destination → until when it asked to be left alone
        self._busy: set[str] = set()  # destinations that are being worked off
        self._again: set[str] = set()  # of these, for which something came meanwhile

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Takes up the deliveries that an earlier run stored. Raises ValueError for damaged ones."""
        for key, value in items.items():
            if key.startswith(outbox.PREFIX):
                self._keep(outbox.decode(value))

    def deliveries(self) -> list[Delivery]:
        """All that the outbox remembers, in the order of alerts, destinations and sequences."""
        threads = (thread for _, told in sorted(self._threads.items()) for _, thread in sorted(told.items()))
        return [thread[sequence] for thread in threads for sequence in sorted(thread)]

    async def accept(self, alert: Alert) -> list[Delivery]:
        """Queues what the alert's state asks to be told, durably when it returns. Twice is as once."""
        now = self._now()
        queued = [
            Delivery(alert=alert, destination=destination, created=now, next_attempt=now)
            for destination in self._destinations(alert)
        ]
        await asyncio.gather(*map(self._record, queued))
        return queued

    async def deliver(self) -> list[Delivery]:
        """Sends what is due, and returns what was settled or postponed.

        It may be called again while it runs: a destination that is slow then holds up no other, and what has
        come for it is sent by the call that is at it.
        """
        due = self._due()
        self._again |= due.keys() & self._busy
        mine = sorted(due.keys() - self._busy)
        self._busy.update(mine)  # before anything is awaited: another call must not send the same
        rounds = [self._round(destination, due[destination]) for destination in mine]
        return [delivery for settled in await asyncio.gather(*rounds) for delivery in settled]

    def _destinations(self, alert: Alert) -> list[str]:
        """Where the alert's state is news. A new destination hears of what fires, not of what is past."""
        if not alert.fired:
            return []
        threads = self._threads.get(alert.id, {})
        last = {to: max(thread) for to, thread in threads.items()}
        routed = [to for to in self._route(alert) if last.get(to, 0) < alert.sequence]
        if alert.state is State.FIRING:
            return routed if max(last.values(), default=0) <= alert.sequence else []
        heard = [to for to, n in last.items() if n < alert.sequence and _fires(threads[to][n])]
        known = any(sequence >= alert.sequence for sequence in last.values())
        return heard if known else list(dict.fromkeys([*heard, *routed]))

    def _due(self) -> dict[str, list[Delivery]]:
        """By destination, the oldest open delivery of each thread whose time has come."""
        now, due = self._now(), dict[str, list[Delivery]]()
        for told in self._threads.values():
            for destination, thread in told.items():
                first = _first_open(thread)
                if first is not None and (first.next_attempt <= now or _is_replaced(first, thread)):
                    due.setdefault(destination, []).append(first)
        paused = {to for to, until in self._paused.items() if until > now}
        return {to: sorted(found, key=_order) for to, found in due.items() if to not in paused}

    async def _round(self, destination: str, due: list[Delivery]) -> list[Delivery]:
        """Works off one destination, and once more if something came for it meanwhile."""
        settled = []
        try:
            while due:
                self._again.discard(destination)
                settled += await self._work_off(destination, due)
                due = self._due().get(destination, []) if destination in self._again else []
            return settled
        finally:
            self._busy.discard(destination)

    async def _work_off(self, destination: str, due: list[Delivery]) -> list[Delivery]:
        """Sends one by one, until the destination stops answering."""
        settled = []
        for delivery in due:
            told = await self._tell(delivery)
            if told != delivery:
                settled.append(told)
            if told.state is Progress.DUE and told.attempts > delivery.attempts:
                log.warning("%s: %s; trying again later", destination, told.reason)
                break
        return settled

    async def _tell(self, delivery: Delivery) -> Delivery:
        """One notification, stage by stage: the first stage that settles it ends the chain."""
        settled = self._silence(delivery) or self._dedup(delivery) or await self._send(delivery)
        if settled != delivery:
            await self._record(settled)
        return settled

    def _silence(self, delivery: Delivery) -> Delivery | None:
        """Holds back what is silenced; what ends meanwhile need not be told at all."""
        if silences.muting(self._silences(), delivery.alert, self._now()) is None:
            return None
        over = _has_successor(delivery, self._thread(delivery)) and delivery.told is None
        return outbox.skipped(delivery, Skip.OVER_WHILE_SILENCED) if over else delivery

    def _dedup(self, delivery: Delivery) -> Delivery | None:
        """Ends what another delivery of the thread has made needless."""
        thread = self._thread(delivery)
        if _is_replaced(delivery, thread):
            return outbox.settled(delivery)
        if delivery.alert.state is State.RESOLVED and _was_not_told(_before(delivery, thread)):
            return outbox.skipped(delivery, Skip.NEVER_TOLD)
        return None

    async def _send(self, delivery: Delivery) -> Delivery:
        notifier = self._notifiers.get(delivery.destination)
        if notifier is None:
            return outbox.failed(delivery, "the configuration no longer has this destination")
        try:
            async with asyncio.timeout(DEADLINE_S):
                await notifier.send(self._render(delivery.alert))
        except Refused as refused:
            return outbox.failed(delivery, refused.reason)
        except Retry as retry:
            return self._postpone(delivery, retry)
        except TimeoutError:
            return self._postpone(delivery, Retry("no answer in time"))
        except Exception as error:
            # One broken notifier must not stop the others. The text of the error may hold a secret.
            return self._postpone(delivery, Retry(f"unexpected {type(error).__name__} ({_place(error)})"))
        return self._sent(delivery, notifier)

    def _sent(self, delivery: Delivery, notifier: Sender) -> Delivery:
        if notifier.repeat_ms is not None and delivery.alert.state is State.FIRING:
            return outbox.repeated(delivery, self._now(), notifier.repeat_ms)
        return outbox.sent(delivery, self._now())

    def _postpone(self, delivery: Delivery, retry: Retry) -> Delivery:
        now = self._now()
        if retry.after is not None:
            self._paused[delivery.destination] = now + retry.after
        return outbox.postponed(delivery, retry.reason, retry.after, now)

    async def _record(self, delivery: Delivery) -> None:
        if delivery.state is Progress.FAILED:
            subject = f"{delivery.alert.model}: {delivery.alert.rule}"
            log.error("%s was not told of %s: %s", delivery.destination, subject, delivery.reason)
        await self._store.put(outbox.key(delivery), outbox.encode(delivery))
        self._keep(delivery)
        await self._forget(self._thread(delivery))

    async def _forget(self, thread: Thread) -> None:
        finished = [n for n in sorted(thread) if thread[n].state is not Progress.DUE]
        for sequence in finished[:-KEPT]:
            if old := thread.pop(sequence, None):  # else another one was quicker
                await self._store.put(outbox.key(old), None)

    def _keep(self, delivery: Delivery) -> None:
        threads = self._threads.setdefault(delivery.alert.id, {})
        threads.setdefault(delivery.destination, {})[delivery.alert.sequence] = delivery

    def _thread(self, delivery: Delivery) -> Thread:
        return self._threads[delivery.alert.id][delivery.destination]


def _place(error: Exception) -> str:
    """Where an error was raised: "posting.py:57"."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _first_open(thread: Thread) -> Delivery | None:
    return next((thread[n] for n in sorted(thread) if thread[n].state is Progress.DUE), None)


def _has_successor(delivery: Delivery, thread: Thread) -> bool:
    """Whether the alert has moved on since."""
    return max(thread) > delivery.alert.sequence


def _is_replaced(delivery: Delivery, thread: Thread) -> bool:
    """Whether the delivery has been told and need not be repeated."""
    return delivery.told is not None and _has_successor(delivery, thread)


def _before(delivery: Delivery, thread: Thread) -> Delivery | None:
    earlier = max((n for n in thread if n < delivery.alert.sequence), default=None)
    return None if earlier is None else thread[earlier]


def _was_not_told(delivery: Delivery | None) -> bool:
    return delivery is not None and _fires(delivery) and delivery.state in (Progress.SKIPPED, Progress.FAILED)


def _fires(delivery: Delivery) -> bool:
    return delivery.alert.state is State.FIRING


def _order(delivery: Delivery) -> tuple[int, int]:
    return delivery.created, delivery.alert.sequence
