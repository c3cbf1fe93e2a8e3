"""When each model is read again: all readings together take a third of a core, and none waits needlessly.

A model whose reading takes c seconds has its turn every 3 · √c · Σ√c seconds. Of all ways to spend a third
of the time that one makes the sum of the waits least. Where all cost the same they take turns; one that costs
much, as when somebody invents groups for it, waits longer itself, and the others hardly do.
"""

from collections.abc import Iterable
from math import inf, sqrt

SHARE = 3  # in one second out of so many somebody reads


class Turns:
    """Whose turn it is; times are seconds of any clock.

    >>> turns = Turns()
    >>> turns.took("credit", 0.5, now=10.0)
    >>> turns.is_due("credit", 10.9), turns.is_due("credit", 11.0), turns.is_due("hiring", 10.0)
    (False, True, True)
    """

    def __init__(self) -> None:
        self._costs: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def is_due(self, model: str, now: float) -> bool:
        """Whether a model may be read."""
        return now >= self._due.get(model, now)

    def next(self, models: Iterable[str], now: float) -> str | None:
        """The model whose turn has been for longest; None where it is nobody's."""
        due = (model for model in models if self.is_due(model, now))
        return min(due, key=lambda model: self._due.get(model, -inf), default=None)

    def took(self, model: str, seconds: float, now: float) -> None:
        """A model's reading, or finding that nothing had changed, took so long until now."""
        self._costs[model] = seconds
        self._due[model] = now - seconds + SHARE * sqrt(seconds) * sum(map(sqrt, self._costs.values()))

    def forget(self, models: Iterable[str]) -> None:
        """Models that others read from now on."""
        for model in models:
            self._costs.pop(model, None)
            self._due.pop(model, None)
