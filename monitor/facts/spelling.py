"""Decisions as they were sent, as the columns of a block: classes and groups are codes, numbers bits."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.arrays import numbers
from monitor.arrays.codes import OTHER, OTHER_CODE, Codes, Vocabularies
from monitor.arrays.kinds import types
from monitor.arrays.personal import PERSONAL
from monitor.config import Model
from monitor.events import Decision, scalar
from monitor.events.batches import Batch
from monitor.facts.blocks import CODED, Array, stem
from monitor.panes import GROUPS, UNIT, proxies

U16 = npt.NDArray[np.uint16]
U64 = npt.NDArray[np.uint64]

CLASSES, FLAGS, REASONS = 50, 50, 100  # how many distinct ones count by name
LISTED = 2_000  # characters of all reasons of a decision together
_LIMITS = {  # the same of a decision's columns, by what comes before the dot; of reasons distinct lists
    "decision": CLASSES,
    "attributes": GROUPS,
    "slices": GROUPS,
    "categories": 100,
    "flags": FLAGS,
    "reason": REASONS,
    "reasons": 1_000,
}


class Spelling:
    """How the decisions of one model are spelled. Values beyond a field's limit count as `__other__`."""

    def __init__(self, model: Model, codes: Codes, vocabularies: Vocabularies) -> None:
        self.parts = sorted({p for a in model.attributes for p in ([a] if isinstance(a, str) else a)})
        self._model, self._codes, self._vocabularies = model, codes, vocabularies

    def columns(self, batch: Batch[Decision], ids: U64) -> dict[str, Array]:
        """The events as the columns of a block; what the configuration does not declare is left out."""
        columns: dict[str, Array] = {"id": ids, "time": batch.times}
        columns["decision"] = self._coded("decision", spelled(batch, "decision"))
        for name in ("score", "value"):
            if batch.holds(name):
                columns[name] = numbers.bits(batch.column(name))
        for part in self.parts:
            name = f"attributes.{part}"
            columns[name] = self._coded(name, spelled(batch, name))
            if dict in batch.types(name):
                columns |= self._proxies(part, batch.column(name))
        for condition in self._model.slices:
            name = f"slices.{condition}"
            columns[name] = self._coded(name, conditions(batch, condition))
        reasons = batch.column("reasons")
        if any(reasons):
            columns["reasons"] = self._coded("reasons", [*self._listed(reasons)])
        return columns | self._features(batch) | self._flags(batch)

    def _proxies(self, attribute: str, values: Sequence[object]) -> dict[str, Array]:
        """The weights of groups that are given as probabilities; of groups that are too many, together."""

        def named(group: str) -> str:
            code = self._coded(f"attributes.{attribute}", [group])[0]
            return self._codes.texts[code] or group

        return dict(proxies.columns(attribute, values, named))

    def _listed(self, reasons: Sequence[Sequence[str] | None]) -> Iterator[str | None]:
        """All reasons of each decision as one text."""
        codes = iter(self._coded("reason", [_plain(one) for each in reasons for one in each or ()]).tolist())
        for each in reasons:
            found = {self._codes.texts[code] or "" for code in islice(codes, len(each or ()))}
            joined = UNIT.join(sorted(found))
            yield None if not each else joined if len(joined) <= LISTED else OTHER

    def _coded(self, field: str, texts: Sequence[str | None]) -> U16:
        return self._vocabularies.encode(field, texts, _LIMITS[stem(field)])

    def know(self, columns: Mapping[str, Array]) -> None:
        """Takes the names in a block's columns: what counted by name goes on doing so."""
        for name, column in columns.items():
            field, texts = name, [self._codes.texts[code] for code in _codes(name, column)]
            if stem(name) == "flags":
                field, texts = "flags", [name.partition(".")[2]]
            elif proxy := proxies.group(name):
                field, texts = f"attributes.{proxy[0].removesuffix(proxies.MARK)}", [proxy[1]]
            if name == "reasons":
                each = {reason for text in texts for reason in (text or "").split(UNIT)}
                self._vocabularies.know("reason", sorted(each), REASONS)
            if texts:
                self._vocabularies.know(field, texts, _LIMITS[stem(field)])

    def _features(self, batch: Batch[Decision]) -> dict[str, Array]:
        columns: dict[str, Array] = {}
        for name in self._model.features:
            found = batch.column(f"features.{name}")
            if batch.types(f"features.{name}") <= {float, int, NoneType}:
                columns[f"features.{name}"] = numbers.bits(found)
                continue
            columns[f"features.{name}"] = numbers.bits([v if _is_number(v) else None for v in found])
            named = [None if v is None or _is_number(v) else scalar(v) for v in found]
            columns[f"categories.{name}"] = self._coded(f"categories.{name}", named)
        return columns

    def _flags(self, batch: Batch[Decision]) -> dict[str, Array]:
        columns = batch.names("flags")
        codes = self._coded("flags", [column.partition(".")[2] for column in columns]).tolist()
        nameless = (OTHER_CODE, self._codes.code(PERSONAL))
        known = [column for column, code in zip(columns, codes, strict=True) if code not in nameless]
        return {column: flags(batch.column(column)) for column in known}


def conditions(batch: Batch[Decision], name: str) -> Sequence[str | None]:
    """The events' values in a conditioning column; "version" and "stage" are fields of their own."""
    found = batch.column(f"slices.{name}")
    if name in ("version", "stage"):
        own = batch.column(name)
        found = [value if value is not None else other for value, other in zip(found, own, strict=True)]
    return [None if text is None else _plain(text) for text in texts(found, types(found))]


def _codes(name: str, column: Array) -> list[int]:
    """The codes of texts that a block's column holds, each once."""
    return np.unique(column).tolist() if stem(name) in CODED else []


def _plain(text: str) -> str:
    return text.replace(UNIT, " ")


def spelled(batch: Batch[Any], name: str) -> Sequence[str | None]:
    """A column's classes or groups as texts."""
    return texts(batch.column(name), batch.types(name))


def texts(values: Sequence[Any], found: set[type]) -> Sequence[str | None]:
    """The spelling of classes and groups of these types; a map of probabilities has none of its own.

    >>> texts(["F", True, 2.0, None, {"F": 0.5}], {str, bool, float, NoneType, dict})
    ['F', 'true', '2', None, None]
    """
    if found <= {str, NoneType}:
        return values
    return [scalar(value) if isinstance(value, (bool, int, float, str)) else None for value in values]


def flags(values: Sequence[bool | None]) -> npt.NDArray[np.uint8]:
    """0 none, 1 false, 2 true.

    >>> flags([None, False, True]).tolist()
    [0, 1, 2]
    """
    return np.fromiter(map(_FLAGS.__getitem__, values), np.uint8, len(values))


_FLAGS = {None: 0, False: 1, True: 2}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
