"""What a CSV's columns mean, guessed from their names and a sample of their values.

A guess is only where to begin: `fairlead init` writes it down with what it rests on, for people to check.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from monitor.events import InvalidEventError, milliseconds, scalar
from streams.files import mapping

CLASSES, GROUPS = 20, 50  # at most so many decisions, groups of an attribute
EARLIEST, LATEST = 631_152_000, 4_102_444_800  # Unix seconds of 1990 and 2100: other numbers are no times

# The words of a column's name that speak for a meaning.
ID = {"id", "uuid", "guid", "key", "row", "index", "case", "number", "reference"}
DECIDED = {"decision", "decided", "prediction", "predicted", "pred", "approved", "approval", "accepted"}
DECIDED |= {"granted", "hired", "shown", "selected", "verdict", "recommendation", "recommended", "routed"}
DECIDED |= {"result", "status", "action", "offer", "offered"}
HUMAN = {"final", "human", "officer", "reviewer", "override", "manual"}
OUTCOME = {"outcome", "label", "target", "actual", "truth", "repaid", "paid", "default", "defaulted", "recid"}
OUTCOME |= {"recidivism", "churn", "churned", "converted", "success", "successful", "performed", "fraud", "y"}
CLOSED = OUTCOME | {"closed", "ended", "resolved", "returned", "feedback", "known"}
SCORE = {"score", "probability", "proba", "prob", "confidence", "likelihood", "pd"}
TIME = {"time", "timestamp", "date", "datetime", "at", "day", "when"}
BIRTH = {"birth", "birthday", "birthdate", "dob", "born"}
PERSON = {"customer", "user", "person", "applicant", "client", "member", "patient", "entity", "account"}
VERSION = {"version"}
SLICE = {"region", "product", "channel", "branch", "store", "department", "team", "stage", "category"}
RATING = {"csat", "nps", "rating", "stars", "satisfaction"}
FLAGS = {"explained", "disclosed", "consented", "helpful", "escalated", "appealed", "upheld", "clicked"}
FLAGS |= {"complained", "overridden"}
PROTECTED = {"sex", "gender", "race", "ethnicity", "ethnic", "religion", "disability", "disabled", "age"}
PROTECTED |= {"nationality", "national", "native", "foreign", "citizenship", "marital", "veteran", "pregnant"}
POSTCODE = {"postcode", "postal", "zip", "zipcode", "plz"}
USABLE = POSTCODE | {
    "language",
    "lang",
    "locale",
    "country",
    "region",
    "borough",
    "district",
    "neighbourhood",
}
USABLE |= {"neighborhood", "returning", "new", "tenure", "device"}


class Column(Struct, frozen=True, dict=True):
    """A column, and its cells in a sample of rows."""

    name: str
    cells: list[str]

    @cached_property
    def values(self) -> list[str]:
        """The cells that hold something."""
        return [cell for cell in self.cells if cell.lower() not in mapping.MISSING]

    @cached_property
    def words(self) -> set[str]:
        """The words of its name, in small letters.

        >>> sorted(Column("ApplicantAge_at_decision", []).words)
        ['age', 'applicant', 'at', 'decision']
        """
        return {w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+", self.name)}

    @cached_property
    def distinct(self) -> list[str]:
        """The values as events would spell them, each once, in order."""
        return sorted({spelled(value) for value in self.values})

    @cached_property
    def numeric(self) -> bool:
        return bool(self.values) and all(_number(value) is not None for value in self.values)

    @cached_property
    def moments(self) -> bool:
        """Whether all of its values are times that an event may carry."""
        return bool(self.values) and all(_is_moment(value) for value in self.values)

    @property
    def unique(self) -> bool:
        return bool(self.values) and len(set(self.values)) == len(self.values)

    def says(self, words: Collection[str]) -> bool:
        return not self.words.isdisjoint(words)


class Guess(Struct, frozen=True):
    """Which column means what; None where none seems to."""

    id: Column | None
    time: Column | None
    decision: Column | None
    final: Column | None
    outcome: Column | None
    outcome_time: Column | None
    score: Column | None
    entity: Column | None
    version: Column | None
    flags: list[Column]
    values: list[Column]
    protected: list[Column]
    usable: list[Column]  # stand-ins where nothing is protected
    slices: list[Column]
    features: list[Column]
    undated: list[Column]  # called a time, but not written as one

    @property
    def attributes(self) -> list[Column]:
        return self.protected or self.usable


def guess(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Guess:
    """What each column of a CSV means; a column means one thing at most, the first that fits."""
    left = _Left([Column(name, [row[place] for row in rows]) for place, name in enumerate(header) if name])
    times = left.all(lambda c: c.moments and not c.says(BIRTH) and (c.says(TIME) or not c.numeric))
    closing = [column for column in times if column.says(CLOSED)]
    undated = left.all(_is_foreign_date)
    id_ = left.first(lambda c: c.unique and c.says(ID) and not c.says(PERSON))
    id_ = id_ or left.first(lambda c: c.unique and c.says(ID))
    protected = left.all(lambda c: c.says(PROTECTED) and _makes_groups(c))
    flags = left.all(lambda c: c.says(FLAGS) and _is_truth(c))
    values = left.all(lambda c: c.says(RATING) and c.numeric)
    score = left.first(lambda c: c.says(SCORE) and c.numeric and len(c.distinct) > 2)
    final = left.first(lambda c: c.says(HUMAN) and c.says(DECIDED | OUTCOME | {"override"}) and _classes(c))
    decision, outcome = _decision(left)
    return Guess(
        id=id_,
        time=next((column for column in times if column not in closing), None),
        decision=decision,
        final=final,
        outcome=outcome,
        outcome_time=closing[0] if closing and outcome else None,
        score=score,
        entity=left.first(lambda c: c.says(PERSON) and c.says(ID)),
        version=left.first(lambda c: c.says(VERSION)),
        flags=flags,
        values=values,
        protected=protected,
        usable=[] if protected else left.all(lambda c: c.says(USABLE) and _makes_groups(c)),
        slices=left.all(lambda c: c.says(SLICE) and 1 < len(c.distinct) <= GROUPS),
        features=left.all(lambda c: len(c.distinct) > 1 and (c.numeric or len(c.distinct) <= GROUPS)),
        undated=undated,
    )


def _decision(left: "_Left") -> tuple[Column | None, Column | None]:
    """The columns of decision and outcome. Where only an outcome is there, it plays the decision."""
    decision = left.first(lambda c: c.says(DECIDED) and _classes(c))
    outcome = left.first(lambda c: c.says(OUTCOME) and _classes(c))
    decision = decision or left.first(lambda c: c.says(SCORE) and not c.numeric and _classes(c))
    if decision is not None:
        return decision, outcome
    return outcome or left.last(lambda c: len(c.distinct) == 2) or left.last(_classes), None


class _Left:
    """The columns that nothing has claimed yet."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [column for column in columns if column.values]

    def all(self, fits: Callable[[Column], object]) -> list[Column]:
        found = [column for column in self._columns if fits(column)]
        self._columns = [column for column in self._columns if column not in found]
        return found

    def first(self, fits: Callable[[Column], object]) -> Column | None:
        return self._take(column for column in self._columns if fits(column))

    def last(self, fits: Callable[[Column], object]) -> Column | None:
        return self._take(column for column in reversed(self._columns) if fits(column))

    def _take(self, found: Iterator[Column]) -> Column | None:
        column = next(found, None)
        if column is not None:
            self._columns.remove(column)
        return column


def bands(column: Column, cuts: Sequence[float]) -> list[float] | None:
    """Where to cut an age, if the column holds many of them."""
    many = column.numeric and len(column.distinct) > 10
    return list(cuts) if many and column.says({"age"}) else None


def prefix(column: Column) -> int | None:
    """How many first characters of a postcode make an area: 3 of digits, else 2."""
    if not column.says(POSTCODE) or all(len(value) <= 3 for value in column.distinct):
        return None
    return 3 if all(value[:3].isdigit() for value in column.values) else 2


def _makes_groups(column: Column) -> bool:
    length = prefix(column)
    found = {value[:length] for value in column.values} if length else column.distinct
    return bool(bands(column, [0])) or 1 < len(found) <= GROUPS


def _classes(column: Column) -> bool:
    return 1 < len(column.distinct) <= CLASSES


def _is_foreign_date(column: Column) -> bool:
    """Whether it holds dates that are not written in ISO 8601."""
    return bool(column.values) and all(re.match(r"\d{1,4}[/.]\d{1,2}[/.]\d{1,4}\b", v) for v in column.values)


def _is_truth(column: Column) -> bool:
    return all(value.lower() in mapping.TRUTH for value in column.distinct)


def called(columns: Sequence[Column], words: Collection[str]) -> dict[str, Column]:
    """Columns by the word of theirs that counts, which rules know them by; by their name if that is taken.

    >>> list(called([Column("was_helpful", []), Column("helpful?", [])], FLAGS))
    ['helpful', 'helpful?']
    """
    found: dict[str, Column] = {}
    for column in columns:
        word = min(column.words & set(words))
        found[column.name if word in found else word] = column
    return found


def spelled(cell: str) -> str:
    """A cell's value as classes and groups are spelled.

    >>> spelled("True"), spelled("1.0"), spelled("Low")
    ('true', '1', 'Low')
    """
    found = mapping.class_of(cell)
    return scalar(found) if isinstance(found, bool | float) else cell


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _is_moment(cell: str) -> bool:
    number = _number(cell)
    if number is not None and not re.fullmatch(r"(19|20)\d{6}", cell):
        return EARLIEST <= number <= LATEST
    try:
        milliseconds(cell, LATEST * 1000)
    except InvalidEventError:
        return False
    return True
