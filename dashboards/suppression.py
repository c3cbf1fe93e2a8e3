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

STREAM = "selection."  # a drift stream of a group begins with it
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
    fired: bool
    note: str
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
        readings=[without(r, hidden[r.model, r.window], least.get(r.model, MIN_GROUP)) for r in readings],
        alerts=[suppress_alert(a, _of(a, hidden), least.get(a.model, MIN_GROUP)) for a in view.alerts()],
    )


def suppress(reading: Reading, min_group: int) -> Reading:
    """`reading` without its groups below `min_group`, and without those that would give them away."""
    return without(reading, hidden_groups(reading, min_group), min_group)


def without(reading: Reading, hidden: Set[Cell], min_group: int) -> Reading:
    """`reading` without the hidden groups, nor the comparisons and drift streams that show one."""
    streams = hidden | _hidden(_stream_sizes(reading), min_group)
    if not streams:
        return reading
    return replace(
        reading,
        attributes={name: _attribute(name, a, hidden) for name, a in reading.attributes.items()},
        composites=[c for c in reading.composites if not _names(c, hidden) and not _small(c, min_group)],
        drift=[d for d in reading.drift if not _names(d, streams)],
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
        fired=alert.fired,
        note=alert.note,
        evidence=None if secret else alert.evidence,
    )


def hidden_groups(reading: Reading, min_group: int) -> set[Cell]:
    """The groups of `reading` that must not be public, as (attribute, group)."""
    sizes = {(a, g): group.n for a, at in reading.attributes.items() for g, group in at.groups.items()}
    return _hidden(sizes, min_group)


def _stream_sizes(reading: Reading) -> dict[Cell, int]:
    """The groups that drift streams are of: detectors remember more decisions than a window holds."""
    streams = {d.stream: d.n for d in reading.drift if d.stream.startswith(STREAM)}
    found = {}
    for stream, n in streams.items():
        own = (name for name in reading.attributes if stream.startswith(f"{STREAM}{name}."))
        attribute = max(own, key=len, default=stream.removeprefix(STREAM).partition(".")[0])
        found[attribute, stream.removeprefix(f"{STREAM}{attribute}.")] = n
    return found


def _hidden(sizes: dict[Cell, int], min_group: int) -> set[Cell]:
    small = frozenset(cell for cell, n in sizes.items() if 0 < n < min_group)
    hidden = set(small)
    sums = list(_sums(sizes)) if small else []
    while beside := _beside(_exposed(small, hidden, sums), hidden, sums, sizes) or _beside(
        _scanty(hidden, sizes, min_group), hidden, sums, sizes
    ):
        hidden.add(beside)
    return hidden


def _sums(sizes: dict[Cell, int]) -> Iterator[Sum]:
    """What is published adds up: an attribute's groups, and an intersection's within each part's group."""
    for name in {attribute for attribute, _ in sizes}:
        groups = [group for attribute, group in sizes if attribute == name]
        yield {(name, group): 1 for group in groups}
        for place, part in enumerate(parts if len(parts := _split(name)) > 1 else []):
            for whole in (cell for cell in sizes if cell[0] == part):
                within = {(name, g): -1 for g in groups if _split(g)[place : place + 1] == [whole[1]]}
                yield {whole: 1, **within}


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
    """The group to hide next: in a sum with an exposed one, of its attribute, and small, if there is such."""
    if not exposed:
        return None
    near = {cell for terms in sums if exposed & terms.keys() for cell in terms}
    attributes = {name for name, _ in exposed}
    shown = (cell for cell in sizes.keys() - hidden if sizes[cell] > 0)
    return min(
        shown, key=lambda cell: (cell not in near, cell[0] not in attributes, sizes[cell], cell), default=None
    )


def _attribute(name: str, attribute: Attribute, hidden: Set[Cell]) -> Attribute:
    return Attribute(
        reference=None if (name, attribute.reference) in hidden else attribute.reference,
        groups={g: group for g, group in attribute.groups.items() if (name, g) not in hidden},
        comparisons=[c for c in attribute.comparisons if not _names(c, hidden)],
    )


def _names(about: Comparison | Drift, hidden: Set[Cell]) -> bool:
    if isinstance(about, Drift):
        return any(about.stream == f"{STREAM}{attribute}.{group}" for attribute, group in hidden)
    return (about.attribute, about.group) in hidden or (about.attribute, about.reference) in hidden


def _small(about: Comparison | Drift, min_group: int) -> bool:
    """Whether it was found on so few that its own numbers give a small group away."""
    if isinstance(about, Drift):
        return about.stream.startswith(STREAM) and 0 < about.n < min_group
    return 0 < about.n < min_group or 0 < about.reference_n < min_group


def _of(alert: AlertView, hidden: Mapping[tuple[str, str], set[Cell]]) -> set[Cell]:
    return hidden.get((alert.model, alert.evidence.window), set())
