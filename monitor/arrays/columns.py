"""A growing table of numpy columns, as narrow as what is really written to it."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Columns:
    """Rows of columns that all start as zeros. A column costs nothing until it is first written.

    >>> table = Columns({"id": np.uint64, "score": np.float32})
    >>> table.extend(2)
    >>> table.write("id", slice(0, 2), [7, 9])
    >>> table["id"].tolist(), table["score"].tolist(), table.nbytes < 1000
    ([7, 9], [0.0, 0.0], True)
    """

    def __init__(self, types: dict[str, Any]) -> None:
        self.types = types
        self._arrays: dict[str, Array] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> Array:
        """The column's rows so far: a view, or zeros where nothing was ever written."""
        if name not in self._arrays:
            return np.broadcast_to(self.types[name](0), (self._count,))
        return self._arrays[name][: self._count]

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays.values())

    def extend(self, count: int) -> None:
        """Adds `count` rows of zeros."""
        self._count += count
        for name, array in self._arrays.items():
            if len(array) < self._count:
                self._arrays[name] = self._grown(name, array)

    def write(self, name: str, rows: Any, values: Any) -> None:
        if name not in self._arrays:
            self._arrays[name] = self._grown(name, np.empty(0, self.types[name]))
        self._arrays[name][rows] = values

    def _grown(self, name: str, array: Array) -> Array:
        grown = np.zeros(max(self._count, len(array) * 5 // 4, 16), self.types[name])
        grown[: len(array)] = array
        return grown
