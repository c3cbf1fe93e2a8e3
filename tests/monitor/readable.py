"""Panes as plain mappings, to compare."""

from collections.abc import Iterable

import numpy as np

from monitor.facts import Facts
from monitor.panes import measures
from monitor.panes.packed import Pane, unpack

Cell = tuple[str, str, int, tuple[str | int | None, ...]]  # attribute, group, family, fields


def cells(pane: Pane) -> dict[Cell, int]:
    """What a pane counts, by attribute, group and measure."""
    found = unpack(pane.counted)
    return {
        (*found.groups[group], *_measure(found.measures[measure : measure + 1], found.texts)): count
        for (group, measure), count in zip(found.pairs.tolist(), found.counts.tolist(), strict=True)
    }


def _measure(key: "np.ndarray", texts: dict[int, str]) -> tuple[int, tuple[str | int | None, ...]]:
    family = int(measures.family(key)[0])
    fields = []
    for place, kind in enumerate(measures.FIELDS[family]):
        field = int(measures.field(key, place)[0])
        fields.append(field if kind == "r" else texts.get(field))
    return family, tuple(fields)


def everything(facts: Facts, model: str) -> dict[int, tuple[str, dict[Cell, int]]]:
    """All panes of a model by slot: Φ and the cells. For facts whose panes were not taken before."""
    return of(facts.panes[model].take(model, 0, ""))


def of(panes: Iterable[Pane]) -> dict[int, tuple[str, dict[Cell, int]]]:
    return {pane.slot: (pane.phi, cells(pane)) for pane in panes}
