"""Of which types the values of a column are: most columns have one, and whole-array calls do for it."""

from collections.abc import Iterable

from monitor.arrays.texts import Texts


def types(values: Iterable[object]) -> set[type]:
    """What the values are.

    >>> from types import NoneType
    >>> types(["F", "M", None]) == {str, NoneType}
    True
    """
    return values.types if isinstance(values, Texts) else {*map(type, values)}
