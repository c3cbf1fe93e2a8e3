"""When counts are judged: in blocks of about a hundred events, small enough to be of one regime.

The closing of a block may depend on who came, never on what was decided about them: so it looks at
``n`` alone.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]

SIZE = 100  # events from which a block closes, if both groups are in it
CAP = 250  # events at which it closes in any case: it must not mix two regimes
OPEN = np.uint16  # what an open block's counts fit in, being less than CAP


def counts(n_a: ArrayLike, k_a: ArrayLike, n_b: ArrayLike, k_b: ArrayLike, cells: int) -> Counts:
    """The counts of one slice as an array (4, cells). Raises ValueError where 0 <= k <= n fails.

    Shards of one slice are merged by adding their counts: whole numbers, so in any order the same.
    """
    rows = np.empty((4, cells), np.int64)
    for row, given in zip(rows, (n_a, k_a, n_b, k_b), strict=True):
        values = np.asarray(given)
        if values.dtype.kind not in "iu":
            raise ValueError(f"counts = {values.dtype} numbers: whole numbers are needed")
        row[:] = values
    n, k = rows[0::2], rows[1::2]
    if (wrong := (k < 0) | (k > n)).any():
        group, cell = np.argwhere(wrong)[0]
        allowed = f"0 to n_{'ab'[group]} = {n[group, cell]}"
        raise ValueError(f"k_{'ab'[group]} = {k[group, cell]} in cell {cell}: allowed is {allowed}")
    return rows


def events(sums: NDArray[Any]) -> NDArray[Any]:
    """How many events of groups a and b there are in sums as :func:`close_due` has them: (2, cells)."""
    found: NDArray[Any] = sums[:: len(sums) // 2]
    return found


def close_due(open_: NDArray[Any], slice_: NDArray[Any]) -> list[tuple[NDArray[np.intp], NDArray[Any]]]:
    """Add a slice's sums to the open blocks, in place, and close those that are due.

    Both have shape (rows, cells); the first half of the rows is group a, the second group b, and the first
    row of each half its number of events. Returns the closed blocks in order: (cells, sums of shape
    (rows, len(cells))).

    Where a slice would carry an open block over :data:`CAP`, that block is closed first, as it is; so
    a block is larger than the cap only if a single slice is. Such a slice is one block: cut
    slices so finely that base rates cannot move within one, or the guarantee is lost.
    """
    half = len(slice_) // 2
    events = slice_[0] + slice_[half]
    waiting = open_[0].astype(np.int64) + open_[half]
    early = (waiting > 0) & (events > 0) & (waiting + events > CAP)
    total = open_ * ~early + slice_
    n = total[0] + total[half]
    due = (n >= CAP) | ((n >= SIZE) & (total[0] > 0) & (total[half] > 0))
    closed = [(np.flatnonzero(early), open_[:, early].astype(slice_.dtype))] if early.any() else []
    if due.any():
        closed.append((np.flatnonzero(due), total[:, due]))
    open_[:] = total * ~due
    return closed
