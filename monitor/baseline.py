"""What drift is measured against: the first N decisions of a model, or a file that was made of others.

Only finished slices of event time enter, whole and in order, so that any replay finds the same baseline.
The file is JSON with a version: a histogram for every stream and the atoms (monitor/panes/table.py) of
every group.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct

from monitor.panes.bins import LARGEST, ZERO
from monitor.panes.histogram import Histogram, majority, slices

VERSION = 1
VOLUME = "volume"  # the stream of decisions a slice
Groups = dict[str, dict[str, dict[str, int]]]  # attribute → group → atom → count


class BaselineError(ValueError):
    """One line: the key, the value, and what is allowed."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"baseline: {key}: {value!r} is not allowed; allowed: {allowed}")


class Part(Struct, frozen=True, kw_only=True):
    """What one finished slice adds: `start` and `width` are its event time in ms, `decisions` its size."""

    start: int
    decisions: int
    width: int = 0  # 0: not known, so that nothing can be said of decisions a slice
    streams: dict[str, Histogram] = {}
    groups: Groups = {}


class Baseline(Struct, frozen=True, kw_only=True):
    """The histograms and group counts of `decisions` decisions, from slices that start in [since, until].

    `width` is that of the slices (ms), in which the stream "volume" counts; 0 where there is no such stream.
    """

    model: str
    since: int
    until: int
    decisions: int
    width: int = 0
    streams: dict[str, Histogram] = {}
    groups: Groups = {}


def first(model: str, parts: Iterable[Part], wanted: int) -> Baseline | None:
    """The baseline of the first finished slices that hold `wanted` decisions; None while there are fewer.

    `parts` come in the order of their time. The last slice enters whole.

    >>> hours = [Part(start=hour, decisions=400) for hour in range(5)]
    >>> first("credit", hours[:2], 1000), first("credit", hours, 1000).decisions
    (None, 1200)
    """
    taken, decisions = [], 0
    for part in parts:
        taken.append(part)
        decisions += part.decisions
        if decisions >= wanted:
            return of(model, taken)
    return None


def of(model: str, parts: Iterable[Part]) -> Baseline:
    """The baseline of all of `parts`, in the order of their time. Raises BaselineError for none."""
    taken = list(parts)
    if not taken:
        raise BaselineError("decisions", 0, "at least one decision")
    groups: Groups = {}
    for part in taken:
        _add(groups, part.groups)
    decisions, width = sum(part.decisions for part in taken), taken[0].width
    sizes = {part.start: part.decisions for part in taken}
    volumes = {VOLUME: slices(sizes, width)} if width else {}
    return Baseline(
        model=model,
        since=taken[0].start,
        until=taken[-1].start,
        decisions=decisions,
        width=width,
        streams=_merged(taken) | volumes,
        groups=groups,
    )


def _merged(parts: Iterable[Part]) -> dict[str, Histogram]:
    """Each stream's histogram, of the kind that most of its values are of."""
    kinds: dict[str, tuple[Histogram, Histogram]] = {}
    for part in parts:
        for stream, histogram in part.streams.items():
            numbers, categories = kinds.get(stream, (Histogram(), Histogram()))
            if histogram.numeric:
                kinds[stream] = numbers.merge(histogram), categories
            else:
                kinds[stream] = numbers, categories.merge(histogram)
    return {stream: majority(*both) for stream, both in kinds.items()}


def _add(groups: Groups, more: Groups) -> None:
    for attribute, by_group in more.items():
        for group, atoms in by_group.items():
            counts = groups.setdefault(attribute, {}).setdefault(group, {})
            for atom, count in atoms.items():
                counts[atom] = counts.get(atom, 0) + count


class _Stream(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    counts: list[int]
    codes: list[int] | None = None
    names: list[str] | None = None
    missing: int = 0


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fairlead_baseline: int
    model: str
    since: int
    until: int
    decisions: int
    width: int = 0
    streams: dict[str, _Stream] = {}
    groups: Groups = {}


_PLAIN = ("model", "since", "until", "decisions", "width")


class _Head(Struct):
    fairlead_baseline: int


def to_json(baseline: Baseline) -> bytes:
    """The file's content, the same bytes for the same baseline."""
    streams = {stream: _packed(histogram) for stream, histogram in baseline.streams.items()}
    fields = {name: getattr(baseline, name) for name in (*_PLAIN, "groups")}
    return msgspec.json.encode(_File(fairlead_baseline=VERSION, streams=streams, **fields), order="sorted")


def from_json(data: bytes) -> Baseline:
    """The baseline that a file holds. Raises BaselineError for anything else.

    >>> from_json(b'{"fairlead_baseline": 2}')
    Traceback (most recent call last):
    monitor.baseline.BaselineError: baseline: fairlead_baseline: 2 is not allowed; allowed: 1
    """
    try:
        version = msgspec.json.decode(data, type=_Head).fairlead_baseline
        if version != VERSION:
            raise BaselineError("fairlead_baseline", version, str(VERSION))
        file = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError as error:
        raise BaselineError("file", _shown(data), f"what `fairlead baseline` writes ({error})") from None
    streams = {stream: _unpacked(f"streams.{stream}", packed) for stream, packed in file.streams.items()}
    fields: dict[str, Any] = {name: getattr(file, name) for name in _PLAIN}
    return Baseline(**fields, streams=streams, groups=_checked(file.groups))


def _shown(data: bytes) -> str:
    text = data[:40].decode(errors="replace")
    return text if len(data) <= 40 else text + "…"


def _packed(histogram: Histogram) -> _Stream:
    field: Literal["codes", "names"] = "codes" if histogram.numeric else "names"
    keys: Any = {field: histogram.keys.tolist()}
    return _Stream(counts=histogram.counts.tolist(), missing=histogram.missing, **keys)


def _unpacked(key: str, packed: _Stream) -> Histogram:
    if (packed.codes is None) == (packed.names is None):
        raise BaselineError(key, list(packed.__struct_fields__), "one of codes and names")
    _expect_counts(key, [packed.missing, *packed.counts])
    keys = _keys(key, packed)
    if len(keys) != len(packed.counts):
        raise BaselineError(f"{key}.counts", len(packed.counts), f"as many as keys, {len(keys)}")
    return Histogram(keys, np.array(packed.counts, np.int64), packed.missing)


def _keys(key: str, packed: _Stream) -> np.ndarray[Any, Any]:
    keys: list[Any] = packed.names if packed.codes is None else packed.codes  # type: ignore[assignment]
    if keys != sorted(set(keys)):
        raise BaselineError(f"{key}.keys", keys[:5], "different keys in ascending order")
    if packed.codes is None:
        return np.array(keys, object)
    if keys and not ZERO - LARGEST <= keys[0] <= keys[-1] <= ZERO + LARGEST:
        raise BaselineError(f"{key}.codes", [keys[0], keys[-1]], f"{ZERO - LARGEST} to {ZERO + LARGEST}")
    return np.array(keys, np.uint16)


def _checked(groups: Groups) -> Groups:
    for attribute, by_group in groups.items():
        for group, atoms in by_group.items():
            _expect_counts(f"groups.{attribute}.{group}", atoms.values())
    return groups


def _expect_counts(key: str, counts: Iterable[int]) -> None:
    for count in counts:
        if not 0 <= count < 2**53:
            raise BaselineError(f"{key}.counts", count, "a count from 0 to 2^53 - 1")
