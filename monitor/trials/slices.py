"""From panes to what tests are fed: of each finished slice, how many events and positives of each group; of
a number how many values, and their sums."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from monitor import rates
from monitor.config import Model
from monitor.panes import DECISION, OUTCOME, REPEATED, Panes, Window, measures, moments
from monitor.panes.meanings import Meanings
from monitor.panes.tally import Tally
from monitor.rates import Definition
from monitor.trials.asked import OUTCOMES

Ints = NDArray[np.int64]
Question = tuple[str, str]  # attribute, metric
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Counts:
    """Of one metric by one attribute: `sums` of shape (rows, slices, groups). Of a rate the rows are events
    and positives; of a mean the parts of monitor/panes/moments.py."""

    groups: list[str]
    sums: Ints

    @property
    def n(self) -> Ints:
        """How many events, or values."""
        return np.asarray(self.sums[0])

    @property
    def k(self) -> Ints:
        """How many positives; of values the sum of their steps."""
        return np.asarray(self.sums[1])


@dataclass(frozen=True)
class Slices:
    """The slices in which something came, in order, and what of each question."""

    numbers: list[int]
    counts: dict[Question, Counts]


def sliced(
    panes: Panes,
    model: Model,
    source: str,
    span: tuple[int, int],
    *,
    asked: Collection[Question],
    only: Collection[int] | None = None,
) -> Slices:
    """The slices from span[0] to before span[1] of a source: of the outcome's time, or the decision's.

    `only`: those of them that are wanted; None for all.
    """
    slices, found = _series(panes, source, span)
    window = once(found)
    family = measures.family(window.measures)[window.pairs[:, 1]]
    attributes = {attribute for attribute, _ in asked}
    wanted = np.array([name in attributes for name, _ in window.groups], np.bool_)
    kept = np.isin(family, list(measures.OF_TESTS)) & wanted[window.pairs[:, 0]]
    if only is not None:
        kept &= np.isin(slices, np.array(sorted(only), np.int64))
    if not kept.any():
        return Slices([], {})
    numbers, slice_of = np.unique(slices[kept], return_inverse=True)
    window = replace(window, pairs=window.pairs[kept], counts=window.counts[kept])
    cells = _Cells(window, slice_of, panes.codes.texts, model)
    return Slices(numbers.tolist(), {question: cells.counts(*question) for question in asked})


def once(window: Window) -> Window:
    """The window with each entity counted once: what repeats added is taken off."""
    repeated = np.array([name.startswith(REPEATED) for name, _ in window.groups], np.bool_)
    if not repeated.any():
        return window
    rows: dict[tuple[str, str], int] = {}
    named = [(name.removeprefix(REPEATED), group) for name, group in window.groups]
    whole = np.array([rows.setdefault(group, row) for row, group in enumerate(named)], np.int64)
    group = window.pairs[:, 0]
    pairs = np.stack([whole[group], window.pairs[:, 1]], axis=1)
    return replace(window, pairs=pairs, counts=np.where(repeated[group], -1, 1) * window.counts)


def fingerprints(panes: Panes, source: str, span: tuple[int, int]) -> dict[int, int]:
    """A number for each slice that changes, but for one chance in 2⁶⁴, when any count in it does."""
    slices, window = _series(panes, source, span)
    keys = window.pairs.astype(np.uint64)
    mixed = (keys[:, 0] << np.uint64(32) | keys[:, 1]) * _ODD + _ODD
    mixed = (mixed ^ mixed >> np.uint64(29)) * _ODD
    numbers, place = np.unique(slices, return_inverse=True)
    sums = np.zeros(len(numbers), np.uint64)
    np.add.at(sums, place, (mixed ^ mixed >> np.uint64(32)) * window.counts.astype(np.uint64))
    return dict(zip(numbers.tolist(), sums.tolist(), strict=True))


def _series(panes: Panes, source: str, span: tuple[int, int]) -> tuple[Ints, Window]:
    axis = OUTCOME if source == OUTCOMES else DECISION
    return panes.series(axis, max(span[0], panes.rolled), span[1])


class _Cells:
    """A window in which every group of every slice is tallied as a group of its own."""

    def __init__(self, window: Window, slice_of: Ints, texts: list[str | None], model: Model) -> None:
        self._window, self._texts, self._model = window, texts, model
        self._shape = int(slice_of.max()) + 1, len(window.groups)
        self._split = slice_of * len(window.groups) + window.pairs[:, 0]
        distinct, row = np.unique(self._split, return_inverse=True)
        names = [("", str(number)) for number in distinct.tolist()]
        pairs = np.stack([row, window.pairs[:, 1]], axis=1)
        self._table = Tally(replace(window, groups=names, pairs=pairs), Meanings(texts, model)).table("")
        self._sums: dict[str, Ints] = {}

    def counts(self, attribute: str, metric: str) -> Counts:
        groups = self._window.groups
        columns = sorted((name, i) for i, (given, name) in enumerate(groups) if given == attribute)
        if metric not in self._sums:
            self._sums[metric] = self._dense(metric)
        return Counts([name for name, _ in columns], self._sums[metric][:, :, [i for _, i in columns]])

    def _dense(self, metric: str) -> Ints:
        """The sums of all groups of the window, (rows, slices, groups)."""
        declared = moments.bounds(metric, self._model)
        if declared is not None:
            return self._moments(moments.measure(moments.number(metric) or "", declared))
        k, n = rates.parts(rates.definition(metric) or Definition((), ()), self._table)
        places = np.array([int(name) for name in self._table.groups], np.int64)
        return np.stack([self._spread(places, n), self._spread(places, k)])

    def _moments(self, name: str) -> Ints:
        keys = self._window.measures
        code = self._texts.index(name) if name in self._texts else -1
        ours = (measures.family(keys) == measures.MOMENT) & (measures.field(keys, 0) == code)
        part = np.where(ours, measures.field(keys, 1), -1)[self._window.pairs[:, 1]]
        parts = [part == number for number in moments.PARTS]
        return np.stack([self._spread(self._split[at], self._window.counts[at]) for at in parts])

    def _spread(self, places: Ints, sums: Ints) -> Ints:
        dense = np.zeros(self._shape[0] * self._shape[1], np.int64)
        np.add.at(dense, places, sums)
        return dense.reshape(self._shape)
