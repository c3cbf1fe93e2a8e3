"""State that survives a restart: arrays whose last axis is the cell, as versioned bytes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

FORMAT = 1

State = dict[str, NDArray[Any]]
T = TypeVar("T", bound="Cellwise")


class Cellwise:
    """A test of many hypotheses at once, a *cell* each. Its state is ``self.state``.

    A subclass says what the state of ``n`` fresh cells is, and passes on its settings.
    """

    def __init__(self, n: int, **settings: Any) -> None:
        self._settings = settings
        self.state = self.fresh(n)

    def fresh(self, n: int) -> State:
        """The state of ``n`` cells that have seen nothing."""
        raise NotImplementedError

    def __len__(self) -> int:
        return int(next(iter(self.state.values())).shape[-1])

    def grow(self, more: int) -> None:
        """Append fresh cells: a group was seen for the first time."""
        fresh = self.fresh(more)
        self.state = {k: np.concatenate([v, fresh[k]], axis=-1) for k, v in self.state.items()}

    def restart(self, cells: NDArray[np.intp] | list[int]) -> None:
        """Make cells fresh: what they were about has changed. A restarted test spends its alpha anew."""
        fresh = self.fresh(len(cells))
        for name, array in self.state.items():
            array[..., cells] = fresh[name]

    @staticmethod
    def gathered(chosen: Sequence[tuple[T, int]]) -> T:
        """Cells of one or several tests with the same settings, at least one, as a test of their own."""
        first, _ = chosen[0]
        test = type(first)(len(chosen), **first._settings)
        test.state = {
            name: np.stack([each.state[name][..., cell] for each, cell in chosen], axis=-1)
            for name in test.state
        }
        return test

    def to_bytes(self) -> bytes:
        """The settings and the state: one line of JSON, then the arrays, little-endian."""
        header = {"format": FORMAT, "test": type(self).__name__, "cells": len(self), **self._settings}
        arrays = (v.astype(v.dtype.newbyteorder("<")).tobytes() for v in self.state.values())
        return json.dumps(header).encode() + b"\n" + b"".join(arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What :meth:`to_bytes` wrote. Raises ValueError for another test, a newer format or a wrong
        length.
        """
        header, body = _header(data, cls.__name__)
        test = cls(header.pop("cells"), **header)
        if len(body) != (expected := sum(v.nbytes for v in test.state.values())):
            raise ValueError(f"state of {cls.__name__} = {len(body)} bytes: {expected} are expected")
        at = 0
        for name, fresh in test.state.items():
            stored = np.frombuffer(body, fresh.dtype.newbyteorder("<"), fresh.size, at)
            test.state[name] = stored.astype(fresh.dtype).reshape(fresh.shape)
            at += fresh.nbytes
        return test


def _header(data: bytes, name: str) -> tuple[dict[str, Any], bytes]:
    line, newline, body = data.partition(b"\n")
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not newline or not isinstance(header, Mapping) or "format" not in header:
        raise ValueError(f"state of {name} = {line[:20]!r}…: a line of JSON with its format is expected")
    header = dict(header)
    if (version := header.pop("format")) > FORMAT:
        raise ValueError(f"state of {name}: format = {version}: allowed is up to {FORMAT}: upgrade Fairlead")
    if (test := header.pop("test")) != name:
        raise ValueError(f"state of {name}: test = {test!r}: {name!r} is expected")
    return header, body
