"""The distances there are: every file here and in quality/ whose name has no underscore in front."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

from msgspec import Struct

from monitor.drift._sampling import Limits
from monitor.panes.histogram import Histogram

FOLDERS = (__package__, f"{__package__}.quality")


class Measure(Struct, frozen=True):
    """A distance between a baseline and what is current.

    `kinds` are the streams it makes sense for: "numeric", "categorical", "volume". `sample` counts what a
    histogram contributes to it. `interval` bounds the distance of the two distributions.
    """

    name: str
    kinds: tuple[str, ...]
    distance: Callable[[Histogram, Histogram], float | None]
    interval: Callable[[Histogram, Histogram], Limits | None]
    sample: Callable[[Histogram], int]


@cache
def measures() -> Mapping[str, Measure]:
    """Every measure by its name, the word of the configuration.

    >>> measures()["ks"].kinds
    ('numeric',)
    """
    found = (measure for folder in FOLDERS for measure in _in(folder))
    return MappingProxyType({measure.name: measure for measure in sorted(found, key=lambda each: each.name)})


def _in(folder: str) -> list[Measure]:
    path = importlib.import_module(folder).__path__
    names = [each.name for each in pkgutil.iter_modules(path) if each.name[0] != "_" and not each.ispkg]
    return [_measure(name, f"{folder}.{name}") for name in names]


def _measure(name: str, path: str) -> Measure:
    module = importlib.import_module(path)
    sample = getattr(module, "sample", _values)
    return Measure(name, module.KINDS, module.distance, module.interval, sample)


def _values(histogram: Histogram) -> int:
    return histogram.total
