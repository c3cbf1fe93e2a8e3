"""Tables made of lists, as the tests spell them."""

from collections.abc import Iterable, Mapping

import numpy as np

from monitor.panes.table import DECISION, Table


def table(groups: Mapping[str, Mapping[str, int | float]]) -> Table:
    """A table from group → atom → count."""
    atoms = dict.fromkeys(atom for counts in groups.values() for atom in counts)
    return Table(
        list(groups), {atom: np.array([counts.get(atom, 0) for counts in groups.values()]) for atom in atoms}
    )


def counted(rows: Iterable[tuple[str, bool, bool | None]]) -> Table:
    """A table from rows (group, decided positive, outcome positive or None)."""
    groups: dict[str, dict[str, int | float]] = {}
    for group, decided, outcome in rows:
        counts = groups.setdefault(group, dict.fromkeys(DECISION, 0))
        counts[atom(decided, outcome)] += 1
    return table(groups)


def atom(decided: bool, outcome: bool | None) -> str:
    if outcome is None:
        return "up" if decided else "un"
    return {(True, True): "tp", (True, False): "fp", (False, True): "fn", (False, False): "tn"}[
        decided, outcome
    ]
