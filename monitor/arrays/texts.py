"""Many strings in one piece of bytes: they are hashed, compared and numbered by columns, no object is made.

Strings of JSON arrays stay where they lie.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from types import NoneType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from monitor.arrays.distinct import distinct

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_FIRST = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)  # the first bytes of a word
_SPARE = bytes(8)  # behind the last string, so that a word begins at each byte
_QUOTE, _COMMA = ord('"'), ord(",")


class Texts(Sequence[str | None]):
    """Strings; None is a string that is not there.

    >>> texts = Texts(["F", None, "M", "F"])
    >>> texts.distinct[0], texts.distinct[1].tolist(), texts.take(np.array([2, 3]))[0]
    (['F', None, 'M'], [0, 1, 2, 0], 'M')
    >>> texts[::2]
    ['F', 'M']
    """

    def __init__(self, texts: Sequence[str | None]) -> None:
        absent = None in texts
        present = [text or "" for text in texts] if absent else texts
        joined = "".join(present)  # type: ignore[arg-type]
        if joined.isascii():  # characters are bytes: all are encoded and measured at once
            data, sizes = joined.encode(), map(len, present)  # type: ignore[arg-type]
        else:
            encoded = [text.encode() for text in present]  # type: ignore[union-attr]
            data, sizes = b"".join(encoded), map(len, encoded)
        lengths = np.fromiter(sizes, np.int64, len(present))
        starts = np.cumsum(lengths) - lengths
        if absent:
            lengths[[text is None for text in texts]] = -1
        self._lie(data + _SPARE, starts, lengths)

    def _lie(self, data: bytes, starts: I64, lengths: I64) -> None:
        """Strings of these lengths in bytes, -1 where there is none, in UTF-8 with some bytes to spare."""
        self._data, self._starts, self.lengths = data, starts, lengths

    @classmethod
    def lying(cls, data: bytes, starts: I64, lengths: I64) -> Self:
        """See `_lie`."""
        texts = cls.__new__(cls)
        texts._lie(data, starts, lengths)
        return texts

    @classmethod
    def of_json(cls, arrays: Sequence[bytes | memoryview]) -> tuple[Self, I64] | None:
        """The strings of several JSON arrays, which must be valid, and how many are in each.

        None where there is anything else in an array, or none, or a string is not plain ASCII.

        >>> texts, counts = Texts.of_json([b'["F","M"]', b'["F"]'])
        >>> list(texts), counts.tolist()
        (['F', 'M', 'F'], [2, 1])
        >>> Texts.of_json([b'["F",null]'])
        """
        data = b",".join([*(array[1:-1] for array in arrays), _SPARE])
        if b"\\" in data or not data.isascii():
            return None
        sizes = np.fromiter(map(len, arrays), np.int64, len(arrays)) - 1  # with the comma
        begin = np.cumsum(sizes) - sizes
        code = np.frombuffer(data, np.uint8)
        if (code[begin] != _QUOTE).any():
            return None
        quotes = np.flatnonzero(code == _QUOTE)
        starts, ends = quotes[::2] + 1, quotes[1::2]
        if not _only_commas(code, ends[:-1], starts[1:]) or ends[-1] + 1 != sizes.sum() - 1:
            return None
        places = np.append(np.searchsorted(starts, begin), len(starts))
        return cls.lying(data, starts, ends - starts), np.diff(places)

    @classmethod
    def repeated(cls, texts: Sequence[str], counts: I64) -> Self:
        """Each text so many times."""
        once = cls([text for text, count in zip(texts, counts.tolist(), strict=True) if count])
        each = np.repeat(np.arange(len(once)), counts[counts > 0])
        names, which = once.distinct
        found = once.take(each)
        found.distinct = names, which[each]  # known without looking at all of them
        return found

    def spread(self, there: npt.NDArray[np.bool_]) -> Self:
        """As many as `there` says, in order, where it says so; between them none."""
        starts, lengths = np.zeros(len(there), np.int64), np.full(len(there), -1)
        starts[there], lengths[there] = self._starts, self.lengths
        return self.lying(self._data, starts, lengths)

    def take(self, places: I64) -> Self:
        """Those at some places."""
        return self.lying(self._data, self._starts[places], self.lengths[places])

    @property
    def types(self) -> set[type]:
        """What they are, as kinds.types says it."""
        absent = self.lengths < 0
        return ({NoneType} if absent.any() else set()) | (set() if absent.all() else {str})

    @cached_property
    def words(self) -> U64:
        """The bytes of each as whole words, padded with zeros, one byte to spare; shape (words, strings)."""
        count = int(self.lengths.max(initial=0)) // 8 + 1
        anywhere = np.ndarray(len(self._data) - 7, "<u8", self._data, strides=(1,))
        last = len(anywhere) - 1
        found = np.empty((count, len(self)), np.uint64)
        for i, word in enumerate(found):
            starts = np.minimum(self._starts + 8 * i, last) if i else self._starts
            np.bitwise_and(anywhere[starts], _FIRST[np.clip(self.lengths - 8 * i, 0, 8)], out=word)
        return found

    @cached_property
    def distinct(self) -> tuple[list[str | None], I64]:
        """The distinct strings in the order in which they come, and which of them each one is."""
        some, which = distinct(self.lengths, *self.words)
        return list(self.take(some)), which

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[str | None]:
        for start, size in zip(self._starts.tolist(), self.lengths.tolist(), strict=True):
            yield None if size < 0 else self._data[start : start + size].decode()

    def __getitem__(self, place: Any) -> Any:
        """One of them, or a list of some: only these are made strings."""
        if isinstance(place, slice):
            return list(self.take(np.arange(len(self))[place]))
        size, start = int(self.lengths[place]), int(self._starts[place])
        return None if size < 0 else self._data[start : start + size].decode()


def _only_commas(code: npt.NDArray[np.uint8], ends: I64, starts: I64) -> bool:
    """Whether nothing but a comma, and at most a blank behind it, is between the strings of JSON arrays.

    A single character between two strings is a comma: to come to a colon takes a brace before.
    """
    widest = int((starts - ends).max(initial=3))
    return widest == 3 or (
        widest == 4 and bool((code[ends + 1] == _COMMA).all() and (code[starts - 2] <= _COMMA).all())
    )
