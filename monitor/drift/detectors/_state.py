"""The state of an algorithm as plain data, and back: what must survive a restart.

A fresh object takes the state up, attribute by attribute, so that no class is ever looked up by a name in
the data, as pickle does: whoever can write the data can change numbers, and run nothing.
"""

from collections import deque
from random import Random
from typing import Any


def state_of(value: Any) -> Any:
    """What `value` holds, as None, bools, numbers, texts, bytes, lists and dictionaries.

    >>> from monitor.drift.detectors.cusum import make
    >>> state_of(make())["_n"]
    0
    """
    if isinstance(value, float):
        return float(value)  # numpy's, too
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return value
    if isinstance(value, (list, tuple, deque)):
        return [state_of(each) for each in value]
    if isinstance(value, Random):
        return state_of(value.getstate())
    if hasattr(value, "__dict__"):
        return {name: state_of(each) for name, each in vars(value).items() if not callable(each)}
    return value.__getstate__()  # what river wrote in Rust: bytes


def take_up(fresh: Any, state: Any) -> Any:
    """A fresh object of the same make, with that state."""
    if isinstance(fresh, Random):
        version, numbers, gauss = state
        fresh.setstate((version, tuple(numbers), gauss))
        return fresh
    if isinstance(fresh, deque):
        return deque(state, fresh.maxlen)
    if isinstance(state, dict):
        for name, each in state.items():
            setattr(fresh, name, take_up(getattr(fresh, name), each))
        return fresh
    if isinstance(state, bytes):
        fresh.__setstate__(state)
        return fresh
    return state
