"""How many more events a verdict will take: asked for many pairs at once, when something was fed."""

from collections.abc import Iterable, Mapping

import numpy as np

from monitor.sequential.blocks import events
from monitor.sequential.bounded import Gap
from monitor.sequential.nulls import Null
from monitor.sequential.plan import decisions_left
from monitor.sequential.state import Cellwise
from monitor.trials.running import Pair, Running

FEWEST = 30  # of each of the two groups: with fewer, their rates and means are not known well enough to say

Place = tuple[str, str, Pair]  # fingerprint, rule, pair


class Left:
    """Events left by pair of groups, for the tests of one model."""

    def __init__(self) -> None:
        self._alike: dict[Null | Gap, list[Running]] = {}
        self._fed: dict[Null | Gap, int] = {}
        self._held: dict[Null | Gap, Mapping[Place, float]] = {}

    def renew(self, tests: Iterable[Running]) -> None:
        """Forgets what is no longer so. `tests` are all of the model's."""
        self._alike = {}
        for test in tests:
            self._alike.setdefault(test.family.side.null, []).append(test)
        fed = {null: sum(int(t.found.events.sum()) for t in alike) for null, alike in self._alike.items()}
        self._held = {null: held for null, held in self._held.items() if fed.get(null) == self._fed[null]}
        self._fed = fed

    def events(self, running: Running, pair: int) -> float:
        """About how many more events of both groups, inf for out of reach or not known yet.

        Tests with the same limit are asked for together.
        """
        null = running.family.side.null
        if null not in self._held:
            self._held[null] = _ask(self._alike[null])
        return self._held[null].get(_place(running, pair), np.inf)


def _ask(tests: list[Running]) -> dict[Place, float]:
    chosen = [(test, pair) for test in tests for pair in range(len(test)) if _is_open(test, pair)]
    if not chosen:
        return {}
    cells = Cellwise.gathered([(test.cells, pair) for test, pair in chosen])
    alpha = min(test.terms.alpha for test, _ in chosen)
    left = decisions_left(cells, alpha).tolist()
    return {_place(*which): events for which, events in zip(chosen, left, strict=True)}


def _is_open(running: Running, pair: int) -> bool:
    past, found = running.cells.state["past"][:, pair], running.found
    return bool(events(past).min() >= FEWEST and not found.within[pair] and np.isnan(found.proved[0, pair]))


def _place(running: Running, pair: int) -> Place:
    return running.family.fingerprint, running.family.rule, running.pairs[pair]
