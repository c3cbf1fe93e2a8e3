"""Where two pieces of plain data differ."""

from collections.abc import Iterator
from typing import Any


class _Nothing:
    """What is not there; None may be."""

    def __repr__(self) -> str:
        return "there"


_NOTHING = _Nothing()


def differences(found: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Every place where they differ.

    >>> list(differences({"a": [1, 2], "b": 3}, {"a": [1, 4]}))
    ['/a/1: 2 is not 4', '/b: 3 is not there']
    """
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}, key=str):
            yield from differences(found.get(key, _NOTHING), wanted.get(key, _NOTHING), f"{path}/{key}")
    elif isinstance(found, list | tuple) and isinstance(wanted, list | tuple) and len(found) == len(wanted):
        for place, pair in enumerate(zip(found, wanted, strict=True)):
            yield from differences(*pair, f"{path}/{place}")
    elif found != wanted:
        yield f"{path}: {found} is not {wanted}"


def require_same(what: str, found: Any, wanted: Any) -> None:
    """Raises AssertionError with the first differences."""
    found = list(differences(found, wanted))
    assert not found, f"{what} differ in {len(found)} places: {'; '.join(found[:5])}"
