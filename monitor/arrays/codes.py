"""Small numbers for the strings that come again and again: classes, groups, categories, names."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from monitor.arrays.personal import PERSONAL, looks
from monitor.arrays.texts import Texts

U16 = npt.NDArray[np.uint16]
MISSING = 0  # the code of "not there"
OTHER_CODE = 1
OTHER = "__other__"  # what a string counts as once its vocabulary is full
LIMIT = 65_535
NAMES = 16_384  # of them are kept for names: of attributes, numbers, flags, kinds of feedback
COMMON = (LIMIT - NAMES) // 2  # of values any model may take, the rest are a model's own


class Codes:
    """Numbers strings from 2 up, for all fields together; None is 0, OTHER is 1.

    Names, which must never stand for one another, always find a number: values, which events bring, leave
    them NAMES. The values of `models` have room that they share, and each model some of its own.

    >>> codes = Codes()
    >>> codes.encode(["F", None, "M", "F"]).tolist(), codes.texts[2]
    ([2, 0, 3, 2], 'F')
    """

    def __init__(self, models: int = 1) -> None:
        self.texts: list[str | None] = [None, OTHER]
        self.models = models
        self._codes: dict[str | None, int] = {None: MISSING, OTHER: OTHER_CODE}

    def __contains__(self, text: str) -> bool:
        return text in self._codes

    def __len__(self) -> int:
        return len(self.texts)

    def encode(self, texts: Iterable[str | None]) -> U16:
        """The code of each text; a new text gets the next number."""
        return np.fromiter(map(self.code, texts), np.uint16)

    def code(self, text: str | None) -> int:
        """The code of a name, or of a value that has one; OTHER where there are no numbers left."""
        code = self._codes.get(text)
        if code is None:
            if len(self.texts) > LIMIT:
                return OTHER_CODE
            code = self._codes[text] = len(self.texts)
            self.texts.append(text)
        return code

    def value(self, text: str) -> int:
        """The code of a value; OTHER for a new one where only names have room."""
        return self.code(text) if text in self or len(self) <= LIMIT - NAMES else OTHER_CODE


class Share:
    """The values of one model: whoever floods another one takes the common room, and not its own."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._own = (LIMIT - NAMES - COMMON) // codes.models

    def value(self, text: str) -> int:
        """The code of a value; OTHER for a new one that has no room."""
        if text not in self._codes and len(self._codes) > COMMON:
            if not self._own:
                return OTHER_CODE
            self._own -= 1
        return self._codes.value(text)

    def know(self, text: str) -> int:
        """The code of a value that had one before, which takes room as it did."""
        if len(self._codes) > COMMON and self._own:
            self._own -= 1
        return self._codes.code(text)


class Vocabulary:
    """The strings that one field may take: the first `limit` distinct ones; the rest are OTHER.

    Those that look like a person's are PERSONAL, unless they are not `checked`. They are looked at when they
    are new: what is known already costs nothing.

    >>> groups = Vocabulary(Codes(), limit=1)
    >>> groups.encode(["F", None, "M"]).tolist(), groups.refused
    ([2, 0, 1], 1)
    >>> groups.encode(["jane@example.com"]).tolist(), groups.personal
    ([3], Counter({'email': 1}))
    """

    def __init__(self, codes: Codes, limit: int, *, checked: bool = True, share: Share | None = None) -> None:
        self.refused = 0
        self.personal: Counter[str] = Counter()  # how many came, by what they look like
        self._codes = codes
        self._share = share or Share(codes)
        self._limit = limit
        self._checked = checked
        self._known: dict[str | None, int] = {None: MISSING, OTHER: OTHER_CODE}

    def encode(self, texts: Sequence[str | None]) -> U16:
        if isinstance(texts, Texts):
            return self._encode_few(*texts.distinct)
        try:
            return np.fromiter(map(self._known.__getitem__, texts), np.uint16, len(texts))
        except KeyError:  # a new text, or one too many
            return np.fromiter(map(self.code, texts), np.uint16, len(texts))

    def _encode_few(self, texts: list[str | None], which: npt.NDArray[np.int64]) -> U16:
        """The codes of a few texts that stand for many: text `which[i]` is the i-th."""
        counts = np.bincount(which, minlength=len(texts)).tolist()
        codes = [self.code(text, count) for text, count in zip(texts, counts, strict=True)]
        return np.array(codes, np.uint16)[which]

    def know(self, texts: Iterable[str | None]) -> None:
        """Takes strings that had names of their own before: they keep them, however many there are."""
        for text in texts:
            if text is not None and text not in self._known and self._look(text) is None:
                self._known[text] = self._share.know(text)

    def code(self, text: str | None, count: int = 1) -> int:
        """The code of a text that came so many times."""
        code = self._known.get(text)
        if code is None:
            assert text is not None  # None has a code
            if (found := self._look(text)) is not None:
                self.personal[found] += count
                return self._codes.code(PERSONAL)
            code = self._share.value(text) if len(self._known) - 2 < self._limit else OTHER_CODE
            if code == OTHER_CODE:
                self.refused += count
            else:
                self._known[text] = code
        return code

    def _look(self, text: str) -> str | None:
        return looks(text) if self._checked else None


class Vocabularies:
    """A vocabulary for each field of a model, made when first used.

    `checked`: of which fields texts may be personal.
    """

    def __init__(self, codes: Codes, checked: Callable[[str], bool] = lambda _: True) -> None:
        self._codes = codes
        self._share = Share(codes)
        self._checked = checked
        self._fields: dict[str, Vocabulary] = {}

    def encode(self, field: str, texts: Sequence[str | None], limit: int) -> U16:
        return self._field(field, limit).encode(texts)

    def know(self, field: str, texts: Iterable[str | None], limit: int) -> None:
        """Takes strings that had names of their own in a field before."""
        self._field(field, limit).know(texts)

    def _field(self, field: str, limit: int) -> Vocabulary:
        if field not in self._fields:
            checked = self._checked(field)
            self._fields[field] = Vocabulary(self._codes, limit, checked=checked, share=self._share)
        return self._fields[field]

    def personal(self) -> dict[str, Counter[str]]:
        """How many values looked personal since the last call: by field, by what they look like."""
        found = {field: v.personal for field, v in self._fields.items() if v.personal}
        for field in found:
            self._fields[field].personal = Counter()
        return found

    @property
    def refused(self) -> dict[str, int]:
        """How many values counted as OTHER because their field has too many, by field."""
        return {field: v.refused for field, v in self._fields.items() if v.refused}
