"""A worker with a short session, whose wall clock jumps: `python -m tests.faults.worker TOML`.

SIGUSR1 sets the clock forward by ten days, SIGUSR2 back by twenty. Only Python's `time.time` and
`time.time_ns` jump: what Fairlead and its clients know of the wall clock comes from there. Facts are dropped
though they are few.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.app import Worker

SESSION_SECONDS = 3.0
FEWEST_DEAD = 20
FORWARD, BACK = 10 * 86_400, -20 * 86_400


class Wall:
    """The wall clock, shifted."""

    def __init__(self) -> None:
        self._time, self._time_ns, self.shift = time.time, time.time_ns, 0

    def time(self) -> float:
        return self._time() + self.shift

    def time_ns(self) -> int:
        return self._time_ns() + self.shift * 1_000_000_000

    def jump(self, seconds: int) -> None:
        self.shift += seconds


def main() -> None:
    wall = Wall()
    time.time, time.time_ns = wall.time, wall.time_ns
    signal.signal(signal.SIGUSR1, lambda *_: wall.jump(FORWARD))
    signal.signal(signal.SIGUSR2, lambda *_: wall.jump(BACK))
    from monitor.config import ConfigError
    from monitor.facts import facts
    from streams import settings, worker  # after the clock was exchanged
    from streams.cli import BAD_INPUT

    facts.FEWEST_DEAD = FEWEST_DEAD
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("streams.worker").setLevel("INFO")  # which tells the page's address
    for chatty in ("aiokafka", "faust", "mode", "kafka"):
        logging.getLogger(chatty).setLevel("CRITICAL")
    patience = {"broker_session_timeout": SESSION_SECONDS, "broker_heartbeat_interval": 0.5}
    try:
        made = worker.make(settings.load(Path(sys.argv[1])), broker_commit_interval=0.5, **patience)
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(BAD_INPUT) from None
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        signal.signal(signal.SIGABRT, lambda *_: abort(loop, made))
        runner.run(worker._serve(made))


def abort(loop: asyncio.AbstractEventLoop, worker: "Worker") -> None:
    """Says what it knows of time and where all its tasks stand, and ends."""
    print(f"at {time.monotonic()}: {sorted(worker.app.consumer._ends.items())}", file=sys.stderr)
    for number, desk in worker.evaluate.desks.items():
        heard = desk._listener
        print(f"desk {number}: {desk.clock}, {heard._latest}, {heard._looked}", file=sys.stderr)
    from streams.guard import _place

    for place in sorted(_place(task.get_coro()) for task in asyncio.all_tasks(loop)):
        print(place, file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
