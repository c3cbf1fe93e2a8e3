"""Where the decisions of a partition are: in which model's table, in which row."""

import numpy as np
import numpy.typing as npt

from monitor.arrays.columns import Columns

I64 = npt.NDArray[np.int64]

ROW = 40  # bits of a row; the number of its model is above
ROWS = (1 << ROW) - 1


class Places:
    """By the number of each id, in the order of their arrival.

    >>> places = Places()
    >>> places.append(0, np.array([0, 1]))
    >>> places.append(1, np.array([0]))
    >>> found = places[np.array([1, 2])]
    >>> (found >> ROW).tolist(), (found & ROWS).tolist()
    ([0, 1], [1, 0])
    """

    def __init__(self) -> None:
        self._table = Columns({"model": np.uint16, "row": np.uint32})

    @property
    def nbytes(self) -> int:
        return self._table.nbytes

    def append(self, model: int, rows: I64) -> None:
        """The next ids are those of decisions in these rows of a model's table."""
        at = slice(len(self._table), len(self._table) + len(rows))
        self._table.extend(len(rows))
        self._table.write("row", at, rows)
        if model:  # a single one costs nothing
            self._table.write("model", at, model)

    def __getitem__(self, ids: I64) -> I64:
        return (self._table["model"][ids].astype(np.int64) << ROW) | self._table["row"][ids]
