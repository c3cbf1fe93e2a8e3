"""What events hold that they should not: fields that nobody declared, values that look like a person's.

They are told with model, field and number, never with a value. What is found is the largest of all that was
said of it, so that saying it twice, late or again after a crash changes nothing: "at least so many times".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from monitor import records
from monitor.arrays.codes import OTHER, Codes, Vocabulary
from monitor.arrays.personal import PERSONAL, looks
from monitor.config import Model

UNDECLARED = "undeclared"
FIELDS = 100  # fields that no event has that are counted by name
MAPS = ("attributes", "slices", "features", "flags", "values")
NAMES = 20  # how many fields of one kind are told by name
AGAIN_MS = 3_600_000  # how far event time goes on before what is known is told again

Key = tuple[str, str, str]  # event, kind, field


class Exposure(Struct, frozen=True, kw_only=True, tag="exposure"):
    """One field of a model's decisions or feedback (`event`), as "attributes.sex".

    `kind` is UNDECLARED, or what values of the field look like (personal.LOOKS). It came at least `times`
    times; `last` is the event time (ms) that had been reached when it last came.
    """

    event: str
    kind: str
    field: str
    times: int
    last: int

    @property
    def key(self) -> Key:
        return self.event, self.kind, self.field


class Exposed:
    """What one holder of a partition found in one model's events."""

    def __init__(self) -> None:
        self.undeclared = self.personal = 0  # how often anything was found
        self._found: dict[Key, Exposure] = {}
        self._names = Names()
        self._told: dict[Key, Exposure] = {}

    def note(self, event: str, kind: str, fields: Mapping[str, int], last: int) -> None:
        """Notes in which fields something was found how often, when event time (ms) had come to `last`."""
        found: Counter[Key] = Counter()
        for field, times in fields.items():
            found[self._names.told((event, kind, _harmless(field)))] += times
        for key, times in found.items():
            self._add(key, times, last)
        if kind == UNDECLARED:
            self.undeclared += found.total()
        else:
            self.personal += found.total()

    def _add(self, key: Key, times: int, last: int) -> None:
        before = self._found.get(key)
        if before is not None:
            times, last = times + before.times, max(last, before.last)
        self._found[key] = Exposure(event=key[0], kind=key[1], field=key[2], times=times, last=last)

    def news(self) -> list[Exposure]:
        """What is new since the last call, or has grown much: often is told seldom.

        >>> exposed = Exposed()
        >>> for number in range(100):
        ...     exposed.note("decision", "email", {"id": 1}, last=number)
        ...     told = exposed.news()
        >>> told, exposed.personal
        ([], 100)
        """
        fresh = [found for key, found in self._found.items() if _is_news(found, self._told.get(key))]
        self._told.update((found.key, found) for found in fresh)
        return fresh


class UnknownFields:
    """Counts fields that no event has, by name: the first FIELDS of them."""

    def __init__(self) -> None:
        self._codes = Codes()
        self._names = Vocabulary(self._codes, FIELDS)

    def counted(self, found: Mapping[str, int]) -> Counter[str]:
        """How often each came, as "unknown.colour".

        >>> UnknownFields().counted({"colour": 2, "of jane@example.com": 1})
        Counter({'unknown.colour': 2, 'unknown.__personal__': 1})
        """
        counts: Counter[str] = Counter()
        for name, times in found.items():
            counts[f"unknown.{self._codes.texts[self._names.code(name)]}"] += times
        return counts


class Register:
    """All that partitions said about one model: by field and partition the largest.

    >>> register, found = Register(), Exposure(event="decision", kind="email", field="id", times=3, last=9)
    >>> register.hear(0, [found]), register.hear(0, [found]), register.hear(1, [found])
    (True, False, True)
    >>> [each.times for each in register.all()]
    [6]
    """

    def __init__(self) -> None:
        self._said: dict[Key, dict[int, Exposure]] = {}
        self._names = Names()

    def hear(self, partition: int, told: Iterable[Exposure]) -> bool:
        """Takes what a partition tells; whether any of it is new."""
        changed = False
        for exposure in told:
            key = self._names.told(exposure.key)
            held = self._said.setdefault(key, {})
            larger = _larger(held.get(partition), exposure, key)
            changed |= held.get(partition) != larger
            held[partition] = larger
        return changed

    def all(self) -> list[Exposure]:
        """What was found, over all partitions."""
        return [_together([*held.values()]) for held in self._said.values()]

    def encode(self) -> bytes:
        """All of it as a record."""
        return records.encode([[p, e] for held in self._said.values() for p, e in held.items()])

    def load(self, record: bytes) -> None:
        """Takes what `encode` gave. Raises ValueError for what is damaged, or of a newer Fairlead."""
        for partition, exposure in records.decode(record, list[tuple[int, Exposure]], "found in events"):
            self.hear(partition, [exposure])


class Names:
    """The fields that are told by name: of each kind the first NAMES; those beyond are OTHER together."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], set[str]] = defaultdict(set)

    def told(self, key: Key) -> Key:
        """The key under which a field is told.

        >>> names = Names()
        >>> names.told(("decision", UNDECLARED, "colour"))
        ('decision', 'undeclared', 'colour')
        """
        event, kind, field = key
        known = self._known[event, kind]
        if field in known or field in (OTHER, PERSONAL):
            return key
        if len(known) >= NAMES:
            return event, kind, OTHER
        known.add(field)
        return key


def is_unexpected(model: Model, exposure: Exposure) -> bool:
    """Whether a model's configuration has somebody told of it now: not of what is declared since, nor of what
    `unchecked` names."""
    if is_unchecked(model, exposure.field):
        return False
    return exposure.kind != UNDECLARED or not is_declared(model, exposure.field)


def is_unchecked(model: Model, field: str) -> bool:
    """Whether `unchecked` names a field, or the map that it is in.

    >>> is_unchecked(Model(positive=[1], unchecked=["features"]), "features.income")
    True
    """
    return field in model.unchecked or field.partition(".")[0] in model.unchecked


def is_declared(model: Model, field: str) -> bool:
    """Whether a key of a map is one that the configuration names.

    >>> is_declared(Model(positive=[1], attributes=["sex"]), "attributes.sex")
    True
    """
    return field in declared(model)


def declared(model: Model) -> frozenset[str]:
    """The keys of maps that the configuration names.

    >>> sorted(declared(Model(positive=[1], attributes=["sex"], features=["income"])))
    ['attributes.sex', 'features.income']
    """
    parts = [p for a in model.attributes for p in ([a] if isinstance(a, str) else a)]
    maps = {"attributes": parts, "slices": model.slices, "features": model.features}
    return frozenset(f"{field}.{name}" for field, names in maps.items() for name in names)


def _harmless(field: str) -> str:
    """The field's name, unless that looks personal itself."""
    first, _, name = field.partition(".")
    if first in MAPS:  # then nothing personal begins with it
        return f"{first}.{PERSONAL}" if looks(name) else field
    return PERSONAL if looks(field) or looks(name) else field


def _is_news(found: Exposure, told: Exposure | None) -> bool:
    return told is None or found.times >= 2 * told.times or found.last >= told.last + AGAIN_MS


def _larger(held: Exposure | None, told: Exposure, key: Key) -> Exposure:
    times, last = (told.times, told.last) if held is None else (held.times, held.last)
    times, last = max(times, told.times), max(last, told.last)
    return Exposure(event=key[0], kind=key[1], field=key[2], times=times, last=last)


def _together(held: Sequence[Exposure]) -> Exposure:
    times, last = sum(each.times for each in held), max(each.last for each in held)
    return replace(held[0], times=times, last=last)
