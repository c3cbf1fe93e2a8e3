"""What was made of a window is kept while the window has the same counts: a quiet model costs little."""

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import numpy as np
from msgspec.structs import replace

from monitor.panes import Window

T = TypeVar("T")


class Kept(Generic[T]):
    """Keeps what was made of each window at the last call; nobody may change what they are given."""

    def __init__(self) -> None:
        self._context: tuple[object, ...] = ()
        self._found: dict[str, tuple[Window, T]] = {}

    def of(
        self,
        windows: Mapping[str, Window],
        make: Callable[[list[str]], Mapping[str, T]],
        context: tuple[object, ...] = (),
    ) -> dict[str, T]:
        """What `make` gives for the windows of these names. It is asked only for those that have changed.

        `context` is whatever else it is made of: if any of it is another, all is made anew.
        """
        if self._context != context:
            self._context, self._found = context, {}
        changed = [name for name, window in windows.items() if not self._same(name, window)]
        made = make(changed) if changed else {}
        fresh = {name: (_own(windows[name]), made[name]) for name in changed}
        self._found = {name: fresh.get(name) or self._found[name] for name in windows}
        return {name: found for name, (_, found) in self._found.items()}

    def _same(self, name: str, window: Window) -> bool:
        if name not in self._found:
            return False
        before, _ = self._found[name]
        return (
            np.array_equal(before.counts, window.counts)
            and np.array_equal(before.pairs, window.pairs)
            and np.array_equal(before.measures, window.measures)
            and before.groups == window.groups
        )


def _own(window: Window) -> Window:
    """The window with measures of its own: those of panes go on growing in place."""
    return replace(window, measures=window.measures.copy())
