"""How many names count in the panes of all partitions together: each has other ones first.

What a partition names is bounded (monitor/facts/joined.py), what many of them name would be as many times as
much, and every name is a rate of every group.
"""

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from monitor.arrays.codes import MISSING, OTHER_CODE
from monitor.arrays.index import Index
from monitor.panes import measures

U64 = npt.NDArray[np.uint64]

NAMES = {  # by family and field of a measure
    (measures.CORE, 0): 50,
    (measures.CORE, 1): 50,
    (measures.CORE, 2): 50,
    (measures.FLAG, 0): 100,  # of decisions and of feedback
    (measures.REASON, 0): 100,
    (measures.CATEGORY, 1): 100,  # of each feature
}


class Caps:
    """Names in measures: the first ones keep theirs, the others are OTHER. Codes are of one `Codes`."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int], set[int]] = defaultdict(lambda: {MISSING, OTHER_CODE})
        self._kept = Index()  # measures all names of which are known: most come in every pane

    def capped(self, keys: U64) -> U64:
        """The measures, with OTHER in place of names that are too many.

        >>> caps, names = Caps(), measures.pack(measures.REASON, range(2, 200))
        >>> [int((measures.field(caps.capped(each), 0) == OTHER_CODE).sum()) for each in (names, names[:50])]
        [98, 0]
        """
        return keys if (self._kept.find(keys) >= 0).all() else self._looked_at(keys)

    def _looked_at(self, named: U64) -> U64:
        families, keys = measures.family(named), named.copy()
        for (family, place), most in NAMES.items():
            at = np.flatnonzero(families == family)
            of = measures.field(keys[at], 0) if family == measures.CATEGORY else np.zeros(len(at), np.uint16)
            for feature in np.unique(of).tolist():
                ours = at[of == feature]
                strange = self._strange(keys[ours], place, self._known[family, place, feature], most)
                keys[ours[strange]] = measures.renamed(keys[ours[strange]], place, OTHER_CODE)
        self._kept.put(named[named == keys])
        return keys

    def _strange(self, keys: U64, place: int, known: set[int], most: int) -> npt.NDArray[np.bool_]:
        """Which measures have a name that is not among the first."""
        codes = measures.field(keys, place)
        distinct = np.unique(codes).tolist()
        known.update([code for code in distinct if code not in known][: most + 2 - len(known)])
        return np.isin(codes, [code for code in distinct if code not in known])
