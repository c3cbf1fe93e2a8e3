"""How many more events a verdict will take: asked for many pairs at once, when something was fed."""

from collections.abc import Mapping

import numpy as np

from monitor.sequential.eprocess import Cells
from monitor.sequential.nulls import Null
from monitor.sequential.plan import decisions_left
from monitor.trials.running import Pair, Running

FEWEST = 30  # of each of the two groups: with fewer, their rates are not known well enough to say

Place = tuple[str, str, Pair]  # fingerprint, rule, pair


class Left:
    """Events left by pair of groups, for the tests of one model."""

    def __init__(self) -> None:
        self._held: dict[Null, tuple[int, Mapping[Place, float]]] = {}

    def events(self, running: Running, pair: int, tests: list[Running]) -> float:
        """About how many more events of both groups, inf for out of reach or not known yet.

        `tests` are all of the model's: those with the same limit are asked for together.
        """
        null = running.family.side.null
        alike = [test for test in tests if test.family.side.null == null]
        fed = sum(int(test.found.events.sum()) for test in alike)
        if null not in self._held or fed != self._held[null][0]:
            self._held[null] = fed, _ask(null, alike)
        return self._held[null][1].get(_place(running, pair), np.inf)


def _ask(null: Null, tests: list[Running]) -> dict[Place, float]:
    chosen = [(test, pair) for test in tests for pair in range(len(test)) if _is_open(test, pair)]
    if not chosen:
        return {}
    cells = Cells(len(chosen), null.kind, null.limit)
    cells.state = {
        name: np.stack([test.cells.state[name][..., pair] for test, pair in chosen], axis=-1)
        for name in cells.state
    }
    alpha = min(test.terms.alpha for test, _ in chosen)
    left = decisions_left(cells, alpha).tolist()
    return {_place(*which): events for which, events in zip(chosen, left, strict=True)}


def _is_open(running: Running, pair: int) -> bool:
    past, found = running.cells.state["past"][:, pair], running.found
    return bool(
        min(past[0], past[2]) >= FEWEST and not found.within[pair] and np.isnan(found.proved[0, pair])
    )


def _place(running: Running, pair: int) -> Place:
    return running.family.fingerprint, running.family.rule, running.pairs[pair]
