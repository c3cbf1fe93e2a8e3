"""A worker of the deployment without one of our remedies: `python -m tests.kafka.lacking WORD TOML`.

WORD is `clock`, `desks`, `newest`, or `nothing` of them. Each of these workers lets the feedback of the first
two partitions lie until SIGUSR1 comes, as one does that catches up and has read another topic first. They
wait less than a second for producers, and look once for what is on its way: the tests' producers are done
before, and nothing is sent on.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from faust.types import TP

from monitor.panes.packed import Pane
from monitor.panes.panes import Panes
from streams import clocks, evaluate, partition, settings, worker
from streams.consumer import Consumer
from streams.evaluate import Evaluate
from streams.partition import Partition

SECONDS = 0.5
PATIENCE = {"broker_session_timeout": 3.0, "broker_heartbeat_interval": 0.5, "broker_commit_interval": 0.5}


class Reading(Consumer):
    """Reads some of the topics later."""

    later: frozenset[TP] = frozenset()

    async def _getmany(self, active: frozenset[TP], timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
        if found := active - self.later:
            return await super()._getmany(found, timeout)
        await self.sleep(timeout)
        return {}


def latest(self: Partition, ends: Mapping[str, float | None]) -> tuple[int | None, bool, float]:
    """A clock that goes by the latest event of all."""
    _, idle, as_of = clock(self, ends)
    return max(self._times.values(), default=None), idle, as_of


def kept(*_: object) -> None:
    """What has left is kept."""


def lay(held: dict[tuple[str, int, int], Pane], panes: Iterable[Pane]) -> None:
    """Of a bundle's panes the last of each place."""
    held.update({(pane.model, pane.partition, pane.slot): pane for pane in panes})


def replace(self: Panes, pane: Pane) -> bool:
    """A pane for the one of its place, whichever is newer."""
    held = self._held.get(name := (pane.partition, pane.slot))
    if held is not None:
        self._held[name] = (-1, *held[1:])
    return put(self, pane)


clock, put = Partition.clock, Panes.put


def main() -> None:
    word, configuration = sys.argv[1:]
    if word == "clock":
        Partition.clock = latest  # type: ignore[method-assign]
    if word == "desks":
        Evaluate._revoked = kept  # type: ignore[method-assign]
    if word == "newest":
        evaluate.newest, Panes.put = lay, replace  # type: ignore[method-assign]
    clocks.LOOKS, clocks.SETTLE_SECONDS, partition.IDLE_SECONDS = 1, SECONDS, SECONDS
    config = settings.load(Path(configuration))
    Reading.later = frozenset(TP(config.broker.feedback, partition) for partition in (0, 1))
    signal.signal(signal.SIGUSR1, lambda *_: setattr(Reading, "later", frozenset()))
    logging.basicConfig(level="WARNING")
    logging.getLogger("streams.worker").setLevel("INFO")  # which tells the page's address
    made = worker.make(config, **PATIENCE)
    made.app.transport.Consumer = Reading
    asyncio.run(worker._serve(made))


if __name__ == "__main__":
    main()
