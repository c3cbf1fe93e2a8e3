"""What goes wrong, and when: made from a seed, printed, and done to a line of workers and their broker."""

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.faults.worker import SESSION_SECONDS

if TYPE_CHECKING:
    from tests.faults.line import Line

FIRST, MOST, FEWEST = 2, 3, 1  # workers: to begin with, and at any time
LONGER = SESSION_SECONDS + 2  # seconds, after which the group has given a worker up


@dataclass(frozen=True)
class Action:
    """What happens `after` seconds of a part: to the worker at a place, or to the broker."""

    part: int
    after: float
    what: str
    place: int

    def __str__(self) -> str:
        return f"part {self.part}, {self.after:.1f} s: {self.what} {self.place}"


def schedule(seed: int, parts: int, count: int, only: Sequence[str] = ()) -> list[Action]:
    """So many actions, of all kinds or `only` some, spread over the parts.

    No clock is set forward in the last: without an event since, every verdict is stale, and rightly so.
    Nobody is added where there are enough workers, nor removed where there is but one.
    """
    chance = random.Random(seed)
    kinds = list(only or ACTIONS)
    chosen = [chance.choice(kinds) for _ in range(count)]
    made = [
        Action(
            chance.randrange(parts - (what == "clock_forward")),
            chance.choice((0.0, 0.3, 1.0, 2.5)),
            what,
            chance.randrange(3),
        )
        for what in chosen
    ]
    return [*_possible(sorted(made, key=lambda action: (action.part, action.after)))]


def _possible(actions: Sequence[Action]) -> Iterator[Action]:
    workers = FIRST
    for action in actions:
        what = action.what
        if what == "add" and workers == MOST:
            what = "remove"
        elif what == "remove" and workers == FEWEST:
            what = "add"
        workers += {"add": 1, "remove": -1}.get(what, 0)
        yield replace(action, what=what)


def kill(line: "Line", place: int) -> None:
    """Its supervisor starts it again."""
    line.worker(place).kill()


def zombie(line: "Line", place: int) -> None:
    """A worker stands still until the group has given it up; then it wakes, and knows nothing of it."""
    worker = line.worker(place)
    worker.send(signal.SIGSTOP)
    line.later(LONGER, lambda: worker.send(signal.SIGCONT))


def add(line: "Line", _: int) -> None:
    line.add()


def remove(line: "Line", place: int) -> None:
    line.remove(place)


def restart_broker(line: "Line", place: int) -> None:
    """Killed, and started again on its data some time later."""
    line.broker.kill()
    time.sleep(place)
    line.broker.start()


def stop_broker(line: "Line", place: int) -> None:
    """It stands still, and goes on also while the line itself waits for it."""
    line.broker.send(signal.SIGSTOP)
    threading.Timer(1 + 2 * place, line.broker.send, [signal.SIGCONT]).start()


def slow_broker(line: "Line", place: int) -> None:
    """For some seconds it has a fifth of the time, in small pieces."""

    def crawl() -> None:
        end = time.monotonic() + 3 + 2 * place
        while time.monotonic() < end:
            line.broker.send(signal.SIGSTOP)
            time.sleep(0.2)
            line.broker.send(signal.SIGCONT)
            time.sleep(0.05)

    threading.Thread(target=crawl, daemon=True).start()


def clock_forward(line: "Line", place: int) -> None:
    line.jump(line.worker(place), signal.SIGUSR1)


def clock_back(line: "Line", place: int) -> None:
    line.jump(line.worker(place), signal.SIGUSR2)


ACTIONS: dict[str, Callable[["Line", int], None]] = {
    act.__name__: act
    for act in (
        kill,
        zombie,
        add,
        remove,
        restart_broker,
        stop_broker,
        slow_broker,
        clock_forward,
        clock_back,
    )
}
