"""One face for every detector: slices of counts go in, event times of changes come out."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, Protocol, cast

from msgspec import Struct

from monitor.drift.detectors._state import state_of, take_up

MOST = 10_000  # changes that are remembered, the newest
LARGEST_SLICE = 256  # values fed for one slice; a larger one is scaled down to it


class Slice(Struct, frozen=True):
    """A finished slice of event time: `k` ones among `n` values. `start` is in milliseconds."""

    start: int
    n: int
    k: int


class Kept(Struct, array_like=True):
    """A detector as plain data, for the version of river that wrote it."""

    name: str
    n: int
    changes: list[int]
    left_over: float
    algorithm: Any


class Algorithm(Protocol):
    """What river's detectors offer, and ours: one value in, a flag that is true right after a change."""

    drift_detected: bool

    def update(self, x: int) -> object: ...


class _Module(Protocol):
    def make(self) -> Algorithm: ...


@cache
def names() -> tuple[str, ...]:
    """The detectors there are, by file name."""
    path = importlib.import_module(__package__).__path__
    return tuple(sorted(found.name for found in pkgutil.iter_modules(path) if found.name[0] != "_"))


class Detector:
    """A detector with its history. The same slices in the same order give the same changes, always.

    `changes` holds the starts of the slices in which the rate changed, `n` counts the values seen.
    `algorithm` replaces the file's own setting by another. Raises ValueError for a name that is no file's.

    >>> detector = Detector("adwin")
    >>> detector.replay(Slice(hour, 100, 10 if hour < 20 else 40) for hour in range(40))
    >>> detector.changes, detector.n
    ([20], 4000)
    """

    def __init__(self, name: str, algorithm: Algorithm | None = None) -> None:
        if name not in names():
            raise ValueError(f"detector: {name!r} is not allowed; allowed: {', '.join(names())}")
        self.name = name
        self.changes: list[int] = []
        self.n = 0
        self._algorithm = algorithm or _make(name)
        self._left_over = 0.0  # ones of scaled slices that are still to be fed

    @classmethod
    def of(cls, kept: Kept) -> "Detector":
        """The detector that was kept; it goes on as if nothing had been."""
        detector = cls(kept.name)
        detector.n, detector.changes, detector._left_over = kept.n, list(kept.changes), kept.left_over
        detector._algorithm = take_up(detector._algorithm, kept.algorithm)
        return detector

    def keep(self) -> Kept:
        """The detector as plain data."""
        return Kept(self.name, self.n, self.changes, self._left_over, state_of(self._algorithm))

    @property
    def last_change_at(self) -> int | None:
        """The start of the newest slice with a change."""
        return self.changes[-1] if self.changes else None

    def replay(self, slices: Iterable[Slice]) -> None:
        """Feeds finished slices, which must come in the order of their time."""
        for each in slices:
            self.update(self._scaled(each), each.start)
            self.n += each.n - min(each.n, LARGEST_SLICE)

    def update(self, values: Iterable[int], at: int) -> None:
        """Feeds single values of one slice that starts at `at`."""
        changed = False
        for value in values:
            self._algorithm.update(value)
            changed |= bool(self._algorithm.drift_detected)
            self.n += 1
        if changed:
            self.changes = [*self.changes, at][-MOST:]

    def _scaled(self, each: Slice) -> Iterator[int]:
        """The values of a slice, at most LARGEST_SLICE; what rounding leaves over goes to the next."""
        if each.n <= LARGEST_SLICE:
            return spread(each.n, each.k)
        wanted = each.k * LARGEST_SLICE / each.n + self._left_over
        ones = min(LARGEST_SLICE, int(wanted + 0.5))
        self._left_over = wanted - ones
        return spread(LARGEST_SLICE, ones)


def _make(name: str) -> Algorithm:
    return cast(_Module, importlib.import_module(f"{__package__}.{name}")).make()


def spread(n: int, k: int) -> Iterator[int]:
    """`k` ones among `n` values, as evenly as whole numbers allow (Bresenham's line).

    >>> list(spread(8, 3))
    [0, 1, 0, 1, 0, 0, 1, 0]
    """
    steps = ((i * k + n // 2) // n for i in range(n + 1)) if n else iter(())
    return (after - before for before, after in pairwise(steps))
