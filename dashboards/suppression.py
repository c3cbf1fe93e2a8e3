"""Takes small groups out of what is public, with all that would show one; which these are says hiding.py."""

import operator
from collections.abc import Iterable, Sequence, Set

from msgspec import Struct
from msgspec.structs import replace

from dashboards.hiding import Cell, hidden
from dashboards.view import AlertView, Health, View
from monitor.config import Model
from monitor.events.exposed import Exposure
from monitor.fairness.reference import BASELINE
from monitor.readings import Attribute, Caution, Comparison, Drift, Reading, Restart

STREAM = "selection."  # a drift stream of a group begins with it
MIN_GROUP = 10  # for a model that the configuration no longer has


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
    evidence: Comparison | Drift | Exposure | None


class Seen(Struct, frozen=True):
    """What everybody may see at one moment."""

    readings: list[Reading]
    alerts: list[PublicAlert]
    health: Health


class PublicView:
    """A view as everybody may see it: without what would show a small group.

    What must be hidden is found once for all who ask, and again when the model is read anew.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._known: dict[str, _Shown] = {}

    def models(self) -> dict[str, Model]:
        return self._view.models()

    def health(self) -> Health:
        return self._view.health()

    def readings(self) -> list[Reading]:
        return [reading for shown in self._shown().values() for reading in shown.readings]

    def alerts(self) -> list[PublicAlert]:
        shown = self._shown()
        return [
            _alert(alert, shown.get(alert.model), self._least(alert.model)) for alert in self._view.alerts()
        ]

    def see(self) -> Seen:
        """All of it, as it is now: may be read in another thread."""
        return Seen(self.readings(), self.alerts(), self.health())

    def _least(self, model: str) -> int:
        models = self._view.models()
        return models[model].min_group if model in models else MIN_GROUP

    def _shown(self) -> "dict[str, _Shown]":
        """What is shown of each model that has readings now."""
        readings: dict[str, list[Reading]] = {}
        for reading in self._view.readings():
            readings.setdefault(reading.model, []).append(reading)
        self._known = {model: self._renewed(model, found) for model, found in readings.items()}
        return self._known

    def _renewed(self, model: str, readings: list[Reading]) -> "_Shown":
        known, least = self._known.get(model), self._least(model)
        if known is not None and known.is_of(readings, least):
            return known
        return _Shown(readings, least)


class _Shown:
    """One model's readings, and as everybody may see them; `hidden` is by window."""

    def __init__(self, private: Sequence[Reading], least: int) -> None:
        self._private, self._least = private, least
        self.hidden = hidden_groups(private, least)
        self.readings = [_without(reading, self.hidden[reading.window], least) for reading in private]

    def is_of(self, readings: list[Reading], least: int) -> bool:
        """Whether these are the very same readings: they never change, new ones take their place."""
        same = len(readings) == len(self._private) and all(map(operator.is_, readings, self._private))
        return same and least == self._least


def suppress(readings: Sequence[Reading], least: int) -> list[Reading]:
    """One model's readings without the groups of fewer than `least`, and those that give them away."""
    return _Shown(readings, least).readings


def hidden_groups(readings: Iterable[Reading], least: int) -> dict[str, set[Cell]]:
    """By window, the groups that must not be public in one model's readings.

    What is hidden in a window is hidden in those with fewer decisions: a group has no more there, so that
    its size here would be bounded.
    """
    found: dict[str, set[Cell]] = {}
    before: set[Cell] = set()
    for reading in sorted(readings, key=lambda reading: reading.decisions, reverse=True):
        sizes = {a: {g: group.n for g, group in at.groups.items()} for a, at in reading.attributes.items()}
        before = found[reading.window] = before | hidden(sizes, least)
    return found


def _without(reading: Reading, gone: Set[Cell], least: int) -> Reading:
    """`reading` without the groups that are gone, nor the comparisons and drift streams that show one."""
    streams = gone | hidden(_stream_sizes(reading), least)
    shown = {(name, group) for name, a in reading.attributes.items() for group in a.groups} - gone
    told = reading.restarts or any(_few_then(c, least) or c.restart for c in _compared(reading))
    if not streams and not told:
        return reading
    names = {f"{STREAM}{attribute}.{group}" for attribute, group in streams}
    return replace(
        reading,
        attributes={name: _attribute(name, a, gone, shown, least) for name, a in reading.attributes.items()},
        cautions=[c for c in reading.cautions if not _names(c, gone)],
        composites=[c for c in reading.composites if not _names(c, gone) and not _small(c, least)],
        drift=[d for d in reading.drift if d.stream not in names],
        restarts=[_unnamed(found, shown) for found in reading.restarts],
    )


def _compared(reading: Reading) -> Iterable[Comparison]:
    return (c for attribute in reading.attributes.values() for c in attribute.comparisons)


def _few_then(c: Comparison, least: int) -> bool:
    """Whether it shows a group that was small in the baseline period."""
    return c.reference == BASELINE and 0 < c.reference_n < least


def _alert(alert: AlertView, shown: _Shown | None, least: int) -> PublicAlert:
    """`alert` for everybody: without its evidence where that is about what its model hides now."""
    secret = not isinstance(alert.evidence, Exposure) and _is_secret(alert.evidence, shown, least)
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
        evidence=None if secret else _shown_evidence(alert.evidence, shown),
    )


def _is_secret(evidence: Comparison | Drift, shown: _Shown | None, least: int) -> bool:
    gone = shown.hidden.get(evidence.window, set()) if shown else set()
    return _small(evidence, least) or _names(evidence, gone)


def _shown_evidence(
    about: Comparison | Drift | Exposure, shown: _Shown | None
) -> Comparison | Drift | Exposure:
    if not isinstance(about, Comparison):
        return about
    readings = [] if shown is None else [r for r in shown.readings if r.window == about.window]
    visible = {(name, group) for r in readings for name, a in r.attributes.items() for group in a.groups}
    return _without_names(about, visible)


def _stream_sizes(reading: Reading) -> dict[str, dict[str, int]]:
    """The groups that drift streams are of: detectors remember more decisions than a window holds."""
    streams = {d.stream: d.n for d in reading.drift if d.stream.startswith(STREAM)}
    found: dict[str, dict[str, int]] = {}
    for stream, n in streams.items():
        own = (name for name in reading.attributes if stream.startswith(f"{STREAM}{name}."))
        attribute = max(own, key=len, default=stream.removeprefix(STREAM).partition(".")[0])
        found.setdefault(attribute, {})[stream.removeprefix(f"{STREAM}{attribute}.")] = n
    return found


def _attribute(name: str, attribute: Attribute, gone: Set[Cell], shown: Set[Cell], least: int) -> Attribute:
    public = (c for c in attribute.comparisons if not _names(c, gone) and not _few_then(c, least))
    return Attribute(
        reference=None if (name, attribute.reference) in gone else attribute.reference,
        groups={g: group for g, group in attribute.groups.items() if (name, g) not in gone},
        comparisons=[_without_names(c, shown) for c in public],
    )


def _without_names(c: Comparison, shown: Set[Cell]) -> Comparison:
    """The comparison; why its test began anew may be about a group that is not shown."""
    if c.restart is None:
        return c
    return replace(c, restart=_unnamed(c.restart, shown))


def _unnamed(found: Restart, shown: Set[Cell]) -> Restart:
    """Without the groups that it is about and how many events they had, unless these are shown, too."""
    names = {(found.attribute, name) for name in (found.group, found.reference) if name is not None}
    if names <= shown:
        return found
    return replace(found, group=None, reference=None, events=None, fed=None)


def _names(about: Comparison | Caution | Drift, gone: Set[Cell]) -> bool:
    if isinstance(about, Drift):
        return any(about.stream == f"{STREAM}{attribute}.{group}" for attribute, group in gone)
    return (about.attribute, about.group) in gone or (about.attribute, about.reference) in gone


def _small(about: Comparison | Drift, least: int) -> bool:
    """Whether it was found on so few that its own numbers give a small group away."""
    if isinstance(about, Drift):
        return about.stream.startswith(STREAM) and 0 < about.n < least
    return 0 < about.n < least or 0 < about.reference_n < least
