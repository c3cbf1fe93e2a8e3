"""What a reading costs a worker: beside a stream that flows, and with nothing kept from the one before.

What has not changed since the last reading is not computed again (monitor/kept.py), so that a reading of
nothing new says little: here each comes after news, as in a worker.
"""

from collections.abc import Iterator, Sequence
from statistics import median
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks.stream import events
from monitor.config import Model
from monitor.events import Decision
from monitor.facts import Facts
from monitor.panes.packed import Pane
from monitor.readings import Reading
from streams.partition import shape
from streams.watched import Watched

TIMES = 7  # readings, of which the one in the middle counts


class Cost(NamedTuple):
    """Seconds of CPU of a reading of all windows, with intervals, tests and drift."""

    live: float  # after one more decision in the newest slice
    anew: float  # the first one of panes that are there


def cost(name: str, model: Model, partitions: Sequence[Facts], clock: int) -> Cost:
    """Of one model, as of `clock` (event time, ms), which its decisions have reached; its panes are taken."""
    panes = list(_panes(name, model, partitions))
    anew = [_seconds(_watched(name, model, panes), [], clock) for _ in range(TIMES)]
    live = [seconds for seconds, _ in following(name, model, partitions, panes, clock)]
    return Cost(median(live), median(anew))


def following(
    name: str, model: Model, partitions: Sequence[Facts], panes: Sequence[Pane], clock: int
) -> Iterator[tuple[float, list[Reading]]]:
    """Readings after the first, and their seconds: each takes the pane that one more decision changed."""
    watched = _watched(name, model, panes)
    watched.read(clock, 0.0)
    for number in range(TIMES):
        facts = partitions[number % len(partitions)]
        facts.observe([_news(name, number, clock)], np.array([clock]))
        yield _seconds(watched, list(_panes(name, model, partitions)), clock), watched.readings


def _watched(name: str, model: Model, panes: Sequence[Pane]) -> Watched:
    watched = Watched(name, model)
    for pane in panes:
        watched.panes.put(pane)
    return watched


def _panes(name: str, model: Model, partitions: Sequence[Facts]) -> Iterator[Pane]:
    """Those that changed since they were taken."""
    for number, facts in enumerate(partitions):
        yield from facts.panes[name].take(name, number, shape(model))


def _seconds(watched: Watched, news: Sequence[Pane], clock: int) -> float:
    begun = process_time()
    for pane in news:
        watched.panes.put(pane)
    watched.read(clock, 0.0)
    return process_time() - begun


def _news(model: str, number: int, clock: int) -> Decision:
    """A decision about somebody of groups that are known."""
    groups: dict[str, Any] = {name: names[number % len(names)] for name, names in events.GROUPS.items()}
    made = events.DECISIONS[number % 2]
    return Decision(
        id=f"{model} news {number}", model=model, time=clock / 1000, decision=made, attributes=groups
    )
