"""Events on their way to Kafka: bounded in number, and never given up for lost.

A request may stop waiting for its events; the producer goes on trying, and what it still holds counts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import Protocol

from streams.ingest.records import Record

MOST = 50_000
"""Events that Kafka may owe an acknowledgement for."""

PATIENCE_SECONDS = 10.0
"""For how long Kafka may owe an acknowledgement before it counts as away."""

AT_ONCE = 200  # events that are handed to the producer before others have their turn

log = logging.getLogger("fairlead.ingest")


class Send(Protocol):
    """`streams.tables.send` of one app."""

    def __call__(self, topic: str, value: bytes, *, key: bytes) -> Awaitable[object]: ...


class BusyError(Exception):
    """Kafka is slower than the events come."""


class AwayError(Exception):
    """Kafka has not acknowledged in time, or has refused. The events may have arrived."""


class Backlog:
    """Sends events and bounds how many are on their way.

    `most` is more than any call sends; `patience` is in seconds.
    """

    def __init__(self, send: Send, *, most: int = MOST, patience: float = PATIENCE_SECONDS) -> None:
        self.waiting = 0
        self._send, self._most, self._patience = send, most, patience
        self._since: dict[asyncio.Task[int], float] = {}  # the oldest first

    async def send(self, topic: str, records: Sequence[Record]) -> None:
        """Returns when all in-sync replicas have all records; raises BusyError or AwayError."""
        now = asyncio.get_running_loop().time()
        if now - next(iter(self._since.values()), now) >= self._patience:
            raise AwayError
        if self.waiting + len(records) > self._most:
            raise BusyError
        task = asyncio.create_task(self._pass_on(topic, records))
        self.waiting += len(records)
        self._since[task] = now
        task.add_done_callback(self._since.pop)
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if not done or task.result():
            raise AwayError

    async def _pass_on(self, topic: str, records: Sequence[Record]) -> int:
        """Sends the records in their order, side by side; how many Kafka did not take."""
        try:
            sent: list[asyncio.Future[object]] = []
            for number, (key, value) in enumerate(records, 1):
                sent.append(asyncio.ensure_future(self._send(topic, value, key=key)))
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
            answers = await asyncio.gather(*sent, return_exceptions=True)
        finally:
            self.waiting -= len(records)
        failed = [type(answer).__name__ for answer in answers if isinstance(answer, BaseException)]
        if failed:
            # their words may hold what was sent
            log.warning("Kafka did not take %d of %d events (%s)", len(failed), len(records), failed[0])
        return len(failed)
