"""Change detectors in the line: which streams a model has, what feeds their detectors, and what is kept.

Every finished slice is fed once, in order, as it is then; what comes late is not fed. So the detectors are
no function of the panes, and their state is kept: rebuilt from panes, they would have seen what came late.
"""

import hashlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version

import cramjam
import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from monitor.config import Model, Rule, attribute_name
from monitor.drift import detectors
from monitor.drift.detectors import Detector, Kept, Slice
from monitor.events import scalar
from monitor.panes import ALL, DECISION, OUTCOME, Panes, Window, measures

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
FORMAT = 1


class _Head(Struct, array_like=True):
    format: int


class _State(Struct, array_like=True):
    """All of a model's detectors. `made` says by what: another river, or other classes, replay the panes."""

    format: int
    made: str
    fed: int
    streams: dict[str, list[Kept]]


class Detecting:
    """The change detectors of one model. `rules` are its rules; `fed` is the first slice not seen yet."""

    def __init__(self, model: Model, panes: Panes, rules: Sequence[Rule]) -> None:
        self.streams: dict[str, list[Detector]] = {}
        self.fed = 0
        self._model, self._panes, self._rules = model, panes, rules
        self._saved = True

    def advance(self, end: int) -> None:
        """Feeds the slices before `end` that were not fed yet."""
        if end <= self.fed:
            return
        for stream, slices in self._slices(self.fed, end):
            if slices and stream not in self.streams:
                self.streams[stream] = [Detector(name) for name in self._wanted(stream)]
            for detector in self.streams.get(stream, []):
                detector.replay(slices)
        self.fed, self._saved = end, False

    def unsaved(self) -> bytes | None:
        """The state to be made durable; None if nothing was fed since it was asked for."""
        if self._saved:
            return None
        self._saved = True
        kept = {stream: [each.keep() for each in found] for stream, found in self.streams.items()}
        state = _State(FORMAT, self._made(), self.fed, kept)
        return bytes(cramjam.zstd.compress(msgspec.msgpack.encode(state), 1))

    def restore(self, record: bytes) -> None:
        """Takes up where a record left off. Detectors that it lacks replay the slices that are held.

        Raises ValueError for a record of a newer Fairlead.
        """
        data = bytes(cramjam.zstd.decompress(record))
        newer = msgspec.msgpack.decode(data, type=_Head).format
        if newer > FORMAT:
            raise ValueError(f"detectors: format = {newer}: allowed is up to {FORMAT}: upgrade Fairlead")
        state = msgspec.msgpack.decode(data, type=_State)
        if state.made != self._made():
            return
        self.fed = state.fed
        kept = {stream: {each.name: each for each in found} for stream, found in state.streams.items()}
        lacking: dict[str, list[Detector]] = {}
        for stream in filter(self._is_ours, kept):
            names = self._wanted(stream)
            lacking[stream] = [Detector(name) for name in names if name not in kept[stream]]
            known = [Detector.of(kept[stream][name]) for name in names if name in kept[stream]]
            self.streams[stream] = sorted([*known, *lacking[stream]], key=lambda each: each.name)
        if any(lacking.values()):
            for stream, slices in self._slices(0, self.fed):
                for detector in lacking.get(stream, []):
                    detector.replay(slices)

    def _wanted(self, stream: str) -> list[str]:
        return detectors.wanted(self._rules, stream)

    def _is_ours(self, stream: str) -> bool:
        """Whether the configuration still has the stream."""
        ours = tuple(f"selection.{attribute}." for attribute in self._attributes)
        return stream in ("error", "selection") or stream.startswith(ours)

    @property
    def _attributes(self) -> list[str]:
        return [attribute_name(attribute) for attribute in self._model.attributes]

    def _made(self) -> str:
        """What the state depends on besides the slices."""
        said = [version("river"), self._model.positive, self._model.positive_outcome, self._panes.width]
        return hashlib.blake2b(msgspec.json.encode(said), digest_size=8).hexdigest()

    # what they are fed

    def _slices(self, start: int, end: int) -> Iterator[tuple[str, list[Slice]]]:
        """Each stream's slices of [start, end), as far as they are not summed up."""
        start = max(start, self._panes.rolled)
        slices, window = self._panes.series(DECISION, start, end)
        for attribute in ["", *self._attributes]:
            for row, (name, group) in enumerate(window.groups):
                if name == attribute:
                    stream = f"selection.{name}.{group}" if name else "selection"
                    yield stream, self._stream(slices, window, row, errors=False)
        slices, window = self._panes.series(OUTCOME, start, end)
        if ALL in window.groups:
            yield "error", self._stream(slices, window, window.groups.index(ALL), errors=True)

    def _stream(self, slices: I64, window: Window, row: int, *, errors: bool) -> list[Slice]:
        """The slices of one group's 0/1 stream: errors among outcomes, or positives among decisions."""
        n, k = self._marks(window, errors)
        ours = (window.pairs[:, 0] == row) & n[window.pairs[:, 1]]
        distinct, inverse = np.unique(slices[ours], return_inverse=True)
        sums = np.zeros((2, len(distinct)), np.int64)
        np.add.at(sums[0], inverse, window.counts[ours])
        np.add.at(sums[1], inverse, np.where(k[window.pairs[ours, 1]], window.counts[ours], 0))
        width = self._panes.width
        return [
            Slice(s * width, n, k) for s, n, k in zip(distinct.tolist(), *sums.tolist(), strict=True) if n
        ]

    def _marks(self, window: Window, errors: bool) -> tuple[Mask, Mask]:
        """By measure: whether it counts in a stream, and whether it counts as a one."""
        core = measures.family(window.measures) == measures.CORE
        decision, outcome = (self._texts(window, place, core) for place in (0, 1))
        positive = _among(decision, self._model.positive)
        if not errors:
            return core, positive
        labelled = np.array([text is not None for text in outcome], np.bool_)
        return labelled, labelled & (positive != _among(outcome, self._model.positive_outcome))

    def _texts(self, window: Window, place: int, core: Mask) -> list[str | None]:
        """The texts of one field of the core measures; None for others."""
        codes = np.where(core, measures.field(window.measures, place), 0)
        texts = self._panes.codes.texts
        return [texts[code] for code in codes.tolist()]


def _among(texts: Sequence[str | None], values: Sequence[bool | int | float | str]) -> Mask:
    wanted = {scalar(value) for value in values}
    return np.array([text in wanted for text in texts], np.bool_)
