"""`fairlead init`: a commented configuration to start from, out of a CSV's columns and a preset."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import ceil
from pathlib import Path

from msgspec import Struct

from monitor.config import ConfigError, Model, Preset, Rule
from monitor.config.durations import UNITS_MS
from monitor.config.presets import RULES
from monitor.events import milliseconds
from streams import settings
from streams.commands.init.explained import (
    ADVERSE,
    ASK,
    CLOSING,
    FACTS,
    GENERAL,
    IDEAS,
    NOTHING,
    OPENING,
    PROTECTED,
    RULES_OPENING,
    STAND_INS,
    TIMELESS,
    explained,
    lacks,
)
from streams.commands.init.guess import FLAGS, LATEST, RATING, Column, Guess, bands, called, guess, prefix
from streams.commands.init.positive import of_outcome, positive
from streams.commands.init.toml import comment, key, toml
from streams.files import reader
from streams.files.mapping import MISSING, ROW

ROWS = 2_000  # are looked at
FEATURES = 8  # at most so many are proposed
AGES: Mapping[Preset | None, Sequence[float]] = {
    "credit": [25, 62],  # US credit law protects from 62 on (12 CFR 1002.2 o)
    "hiring": [40],  # US employment law from 40 on (29 USC 631)
    "support": [30, 60],
    "recommendation": [30, 60],
    None: [25, 45, 65],
}
_PLAIN = Rule(metric="")


class Draft(Struct, frozen=True):
    """A configuration as text, and what was understood, for people: (what, how)."""

    text: str
    understood: list[tuple[str, str]]


def draft(path: Path | None, preset: Preset | None, name: str | None = None) -> Draft:
    """A configuration for a CSV, or without one for events to come. Raises ConfigError."""
    if path is None and preset is None:
        raise ConfigError("FILE", None, "a CSV file, or --preset")
    found = None if path is None else _read(path)
    stem = path.name.partition(".")[0] if path is not None else ""
    writer = _Writer(found, preset, name or stem or preset or "model", path)
    text = "\n".join(writer.lines()) + "\n"
    settings.build(tomllib.loads(text), Path())
    return Draft(text, list(writer.understood()))


def write(path: Path, text: str, force: bool) -> None:
    """Writes the configuration; over another one only by force. Raises ConfigError."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError("--output", str(path), "a file that does not exist yet, or --force") from None
    except OSError as error:
        raise ConfigError("--output", str(path), f"a file that can be written ({error.strerror})") from None


def _read(path: Path) -> Guess:
    header, rows = reader.sample(path, ROWS)
    if any(not name.isprintable() for name in header):
        raise ConfigError("FILE", str(path), "a header in UTF-8, without control characters")
    if len(set(header)) < len(header):
        raise ConfigError("FILE", str(path), "a header that names each column once")
    found = guess(header, rows)
    if found.decision is None:
        raise ConfigError("FILE", str(path), "a CSV with decisions: a column of 2 to 20 different values")
    return found


class _Writer:
    """Writes one model's configuration, section by section."""

    def __init__(self, found: Guess | None, preset: Preset | None, name: str, path: Path | None) -> None:
        self._found, self._preset, self._name, self._path = found, preset, name, path
        self._table = f"models.{key(name)}"
        self._positive = positive(found.decision) if found and found.decision else None
        self._adverse = self._positive is not None and not self._positive.favourable
        self._attributes = {self._attribute(c): c for c in found.attributes} if found else {}

    def lines(self) -> Iterator[str]:
        yield from self._opening()
        yield f"[{self._table}]"
        yield from self._facts()
        yield from self._groups()
        yield from self._time()
        yield from self._columns()
        yield from self._rules()
        yield from CLOSING.splitlines()

    def understood(self) -> Iterator[tuple[str, str]]:
        """What each column was taken for."""
        if self._found is None or self._positive is None or self._found.decision is None:
            return
        good = "good" if self._positive.favourable else "bad"
        values = ", ".join(self._positive.values)
        yield "decision", f"{self._found.decision.name}: positive is {values}, {good} for the person"
        for role in ("id", "time", "score", "outcome", "final"):
            column = getattr(self._found, role)
            yield role, column.name if column else "none found"
        yield "attributes", ", ".join(self._attributes) or "none found"

    def _opening(self) -> Iterator[str]:
        source = "" if self._path is None else f" from the header and the first rows of {self._path.name}"
        yield from comment(OPENING.format(source=source))
        yield ""

    def _facts(self) -> Iterator[str]:
        for field, meaning in FACTS.items():
            yield f'{field} = ""  # {meaning}'
        if self._positive is None:
            yield 'positive = ["approved"]  # the values of `decision` that count as positive: CHECK'
            yield "favourable = true  # whether that is good for the person"
            return
        yield f"positive = {toml(self._positive.values)}  # {self._positive.why}"
        yield f"favourable = {toml(self._positive.favourable)}  # whether that is good for the person"
        if self._found and self._found.outcome:
            values = of_outcome(self._found.outcome, self._positive.favourable)
            yield f"positive_outcome = {toml(values)}  # what a positive decision foretells"

    def _groups(self) -> Iterator[str]:
        """The attributes, with a word on what they are."""
        yield ""
        if not self._attributes:
            yield from self._ideas()
            return
        protected = self._found is not None and bool(self._found.protected)
        yield from comment(PROTECTED if protected else STAND_INS)
        names: list[str | list[str]] = [*self._attributes, *self._intersection()]
        yield f"attributes = {toml(names)}"
        yield 'reference = "largest"  # whom groups are compared with: or "highest", or { sex = "male" }'

    def _ideas(self) -> Iterator[str]:
        if self._found is None:
            yield from comment(ASK)
            yield 'attributes = ["sex", "age_band", ["sex", "age_band"]]'
        else:
            yield from comment(NOTHING)
            yield "attributes = []"
        for name, why in IDEAS.items():
            yield f"#   {name}: {why}"

    def _intersection(self) -> list[list[str]]:
        """Two attributes of few groups, whose combinations are looked at too."""
        few = [name for name, column in self._attributes.items() if self._size(name, column) <= 6]
        return [list(pair) for pair in combinations(few, 2)][:1]

    def _size(self, name: str, column: Column) -> int:
        cuts = self._bands().get(name)
        return len(cuts) + 1 if cuts else len(column.distinct)

    def _time(self) -> Iterator[str]:
        yield ""
        if self._found is not None and self._found.time is None:
            yield from comment(TIMELESS)
            if self._found.undated:
                names = ", ".join(column.name for column in self._found.undated)
                yield from comment(
                    f"Dates are read in ISO 8601 alone, such as 2026-01-31, unlike those of {names}."
                )
            yield 'windows = ["all"]'
        else:
            yield 'windows = ["24h", "30d", "all"]  # the sliding windows in which everything is measured'
        yield f'feedback_within = "{self._delay()}"  # for how long outcomes are awaited'

    def _delay(self) -> str:
        """How long outcomes took, rounded up, and a quarter more."""
        found = self._found
        if found is None or found.time is None or found.outcome_time is None:
            return Model(positive=[]).feedback_within
        pairs = zip(found.time.cells, found.outcome_time.cells, strict=True)
        whole = [pair for pair in pairs if not MISSING.intersection(map(str.lower, pair))]
        longest = max((_moment(known) - _moment(decided) for decided, known in whole), default=0)
        days = max(1, ceil(1.25 * longest / UNITS_MS["d"]))
        return f"{days}d" if days <= 365 else f"{ceil(days / 365)}y"

    def _columns(self) -> Iterator[str]:
        """Which column is what, and the features that are named among them."""
        if self._found is None:
            return
        features = self._found.features[:FEATURES]
        slices = self._found.slices
        yield from _listed("slices", slices, "metrics can be asked within each of these")
        yield from _listed("features", features, "watched for drift; the others are not kept")
        left = ", ".join(column.name for column in self._found.features[FEATURES:])
        yield from comment(f"Not taken as features: {left}.") if left else ()
        yield ""
        yield from comment("Which column is what. The column # is the row's number.")
        yield f"[{self._table}.columns]"
        for role in (
            "id",
            "time",
            "decision",
            "final",
            "outcome",
            "outcome_time",
            "score",
            "entity",
            "version",
        ):
            column = getattr(self._found, role)
            if column is not None or role in ("id", "time"):
                yield f"{role} = {toml(column.name if column else ROW)}"
        maps = {
            "attributes": self._attributes,
            "flags": called(self._found.flags, FLAGS),
            "values": called(self._found.values, RATING),
        }
        named = {field: {name: c.name for name, c in columns.items()} for field, columns in maps.items()}
        yield from (f"{field} = {toml(value)}" for field, value in {**named, **self._made()}.items() if value)

    def _made(self) -> dict[str, dict[str, list[float]] | dict[str, int]]:
        """Groups that are made of what the columns hold."""
        lengths = {name: prefix(column) for name, column in self._attributes.items()}
        return {"bands": self._bands(), "prefixes": {name: n for name, n in lengths.items() if n}}

    def _bands(self) -> dict[str, list[float]]:
        cuts = {name: bands(column, AGES[self._preset]) for name, column in self._attributes.items()}
        return {name: found for name, found in cuts.items() if found}

    def _attribute(self, column: Column) -> str:
        """What an attribute is called: its column's name, and what is made of it."""
        made = "_band" if bands(column, [0]) else "_area" if prefix(column) else ""
        return column.name + made

    def _rules(self) -> Iterator[str]:
        yield ""
        yield from comment(RULES_OPENING)
        for rule in RULES[self._preset] if self._preset else GENERAL:
            missing = lacks(rule, self._found) if self._found else None
            yield ""
            yield from comment(explained(rule))
            yield from comment(ADVERSE) if rule.reference == "highest" and self._adverse else ()
            yield from comment(f"It waits for what no column holds: {missing}.") if missing else ()
            yield from (f"# {line}" if missing else line for line in self._rule(rule))

    def _rule(self, rule: Rule) -> Iterator[str]:
        yield f"[[{self._table}.rules]]"
        for field in ("metric", "stream", "compare", "reference", "min", "max", "severity"):
            value = getattr(rule, field)
            if value != getattr(_PLAIN, field):
                yield f"{field} = {toml(value)}"


def _listed(field: str, columns: Sequence[Column], meaning: str) -> Iterator[str]:
    if columns:
        yield f"{field} = {toml([column.name for column in columns])}  # {meaning}"


def _moment(cell: str) -> int:
    try:
        return milliseconds(float(cell), LATEST * 1000)
    except ValueError:
        return milliseconds(cell, LATEST * 1000)
