"""Hides small groups from what is public, and as much beside them as keeps them hidden.

A group of fewer than `min_group` decisions is removed (one of none is not: there is nobody to
protect). Where the published totals would give it away, since all groups of an attribute add up to
the reading's decisions and the groups of an intersection to those of its parts, further groups are
removed, the smallest first: complementary suppression. A group counts as given away when the published
sums have only one solution for its size (L. Willenborg and T. de Waal, Elements of Statistical
Disclosure Control, 2001, chapter 6); and the groups removed from an attribute must together hold at
least `min_group` decisions.
"""

from collections.abc import Iterator, Mapping, Set

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from dashboards.view import AlertView, View
from monitor.config import SEPARATOR
from monitor.readings import Attribute, Comparison, Drift, Reading

MIN_GROUP = 10  # for a model that the configuration no longer has
Cell = tuple[str, str]  # attribute, group
Sum = dict[Cell, int]  # groups with their signs: together they make what is published


class PublicAlert(Struct, frozen=True, kw_only=True):
    """An alert as everybody may see it: `id` and `evidence` are None where it is about a small group."""

    id: str | None
    sequence: int
    state: str
    model: str
    rule: str
    severity: str
    since: int
    changed: int
    episode: int
    evidence: Comparison | Drift | None


class Public(Struct, frozen=True):
    """What everybody may see of a view."""

    readings: list[Reading]
    alerts: list[PublicAlert]


def public(view: View) -> Public:
    """The view's readings and alerts without what would show a small group."""
    models, readings = view.models(), view.readings()
    least = {name: model.min_group for name, model in models.items()}
    hidden = {(r.model, r.window): hidden_groups(r, least.get(r.model, MIN_GROUP)) for r in readings}
    return Public(
        readings=[without(r, hidden[r.model, r.window]) for r in readings],
        alerts=[suppress_alert(a, _of(a, hidden), least.get(a.model, MIN_GROUP)) for a in view.alerts()],
    )


def suppress(reading: Reading, min_group: int) -> Reading:
    """`reading` without its groups below `min_group`, and without those that would give them away."""
    return without(reading, hidden_groups(reading, min_group))


def without(reading: Reading, hidden: Set[Cell]) -> Reading:
    """`reading` without the hidden groups, nor the comparisons and drift streams that name one."""
    if not hidden:
        return reading
    return replace(
        reading,
        attributes={name: _attribute(name, a, hidden) for name, a in reading.attributes.items()},
        composites=[c for c in reading.composites if not _names(c, hidden)],
        drift=[d for d in reading.drift if not _names(d, hidden)],
    )


def suppress_alert(alert: AlertView, hidden: Set[Cell], min_group: int) -> PublicAlert:
    """`alert` for everybody; `hidden` are the groups that its model's reading hides now."""
    secret = _small(alert.evidence, min_group) or _names(alert.evidence, hidden)
    return PublicAlert(
        id=None if secret else alert.id,  # a hash of names, which could be searched for
        sequence=alert.sequence,
        state=str(alert.state),
        model=alert.model,
        rule=alert.rule,
        severity=alert.severity,
        since=alert.since,
        changed=alert.changed,
        episode=alert.episode,
        evidence=None if secret else alert.evidence,
    )


def hidden_groups(reading: Reading, min_group: int) -> set[Cell]:
    """The groups of `reading` that must not be public, as (attribute, group)."""
    sizes = {(a, g): group.n for a, at in reading.attributes.items() for g, group in at.groups.items()}
    small = frozenset(cell for cell, n in sizes.items() if 0 < n < min_group)
    hidden = set(small)
    sums = list(_sums(reading)) if small else []
    while beside := _beside(_exposed(small, hidden, sums), hidden, sums, sizes) or _beside(
        _scanty(hidden, sizes, min_group), hidden, sums, sizes
    ):
        hidden.add(beside)
    return hidden


def _sums(reading: Reading) -> Iterator[Sum]:
    """What is published adds up: an attribute's groups, and an intersection's within each part's group."""
    for name, attribute in reading.attributes.items():
        yield {(name, group): 1 for group in attribute.groups}
        parts = _split(name)
        for place, part in enumerate(parts if len(parts) > 1 else []):
            for group in reading.attributes[part].groups if part in reading.attributes else ():
                within = {(name, g): -1 for g in attribute.groups if _split(g)[place : place + 1] == [group]}
                yield {(part, group): 1, **within}


def _split(name: str) -> list[str]:
    r"""The parts of an intersection's name.

    >>> _split(r"R \& D & sex")
    ['R & D', 'sex']
    """
    masked = name.replace("\\\\", "\0").replace("\\&", "\1")
    return [part.replace("\1", "&").replace("\0", "\\") for part in masked.split(SEPARATOR)]


def _exposed(small: Set[Cell], hidden: Set[Cell], sums: list[Sum]) -> set[Cell]:
    """The small groups for whose sizes the published sums have one solution only.

    An unknown has one solution where its unit vector lies in the space of the sums' rows, that is,
    where its leverage is 1.
    """
    unknown = sorted(hidden)
    if not small:
        return set()
    rows = np.array([[terms.get(cell, 0) for cell in unknown] for terms in sums], dtype=float)
    _, singular, basis = np.linalg.svd(rows, full_matrices=False)
    leverage = (basis[singular > 1e-9] ** 2).sum(axis=0)
    return {cell for cell, share in zip(unknown, leverage, strict=True) if share > 1 - 1e-9} & small


def _scanty(hidden: Set[Cell], sizes: dict[Cell, int], min_group: int) -> set[Cell]:
    """The hidden groups of the attributes in which these, together, are still below `min_group`."""
    together = {name: sum(sizes[cell] for cell in hidden if cell[0] == name) for name, _ in hidden}
    return {cell for cell in hidden if 0 < together[cell[0]] < min_group}


def _beside(exposed: Set[Cell], hidden: Set[Cell], sums: list[Sum], sizes: dict[Cell, int]) -> Cell | None:
    """The smallest group that shares a sum with an exposed one: of the same attribute if there is one."""
    attributes = {name for name, _ in exposed}
    shown = {cell for terms in sums if exposed & terms.keys() for cell in terms.keys() - hidden}
    candidates = (cell for cell in shown if sizes[cell] > 0)
    return min(candidates, key=lambda cell: (cell[0] not in attributes, sizes[cell], cell), default=None)


def _attribute(name: str, attribute: Attribute, hidden: Set[Cell]) -> Attribute:
    return Attribute(
        reference=None if (name, attribute.reference) in hidden else attribute.reference,
        groups={g: group for g, group in attribute.groups.items() if (name, g) not in hidden},
        comparisons=[c for c in attribute.comparisons if not _names(c, hidden)],
    )


def _names(about: Comparison | Drift, hidden: Set[Cell]) -> bool:
    if isinstance(about, Drift):
        return any(about.stream == f"selection.{attribute}.{group}" for attribute, group in hidden)
    return (about.attribute, about.group) in hidden or (about.attribute, about.reference) in hidden


def _small(about: Comparison | Drift, min_group: int) -> bool:
    """Whether it was found on so few that its own numbers give a small group away."""
    if isinstance(about, Drift):
        return about.stream.startswith("selection.") and 0 < about.n < min_group
    return 0 < about.n < min_group or 0 < about.reference_n < min_group


def _of(alert: AlertView, hidden: Mapping[tuple[str, str], set[Cell]]) -> set[Cell]:
    return hidden.get((alert.model, alert.evidence.window), set())
