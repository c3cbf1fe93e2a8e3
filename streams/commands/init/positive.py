"""Which values of a decision or an outcome are the positive ones, and whether they are good: a guess."""

import re
from collections.abc import Collection

from msgspec import Struct

from streams.commands.init.guess import Column
from streams.files.mapping import TRUTH

GOOD = {
    "approved",
    "approve",
    "accept",
    "accepted",
    "granted",
    "grant",
    "hired",
    "hire",
    "pass",
    "passed",
    "yes",
}
GOOD |= {
    "offer",
    "offered",
    "good",
    "select",
    "selected",
    "shown",
    "show",
    "answered",
    "resolved",
    "eligible",
}
GOOD |= {
    "admit",
    "admitted",
    "invite",
    "invited",
    "interview",
    "paid",
    "repaid",
    "success",
    "positive",
    "won",
}
BAD = {"rejected", "reject", "refused", "refuse", "denied", "deny", "declined", "decline", "failed", "fail"}
BAD |= {"blocked", "block", "flagged", "flag", "fraud", "default", "defaulted", "risky", "bad", "late", "no"}
LEVELS = {"low", "medium", "moderate", "high", "very", "critical", "severe"}
# Words of a column's name that make its "yes" bad for the person.
ADVERSE = BAD | {"risk", "recid", "recidivism", "churn", "churned", "suspicious", "alert", "complained"}


class Positive(Struct, frozen=True):
    """The positive values, whether they are good for the person, and what the guess rests on."""

    values: list[str]
    favourable: bool
    why: str


def positive(column: Column) -> Positive:
    """The positive values of a column of classes.

    >>> positive(Column("score_text", ["Low", "High", "Medium"])).values
    ['High', 'Medium']
    >>> positive(Column("defaulted", ["0", "1"])).favourable
    False
    """
    found = column.distinct
    if all(_words(value) <= LEVELS for value in found) and "low" in map(str.lower, found):
        return Positive(_others(found, ["low"]), False, "levels of a risk: all but low")
    yes = [value for value in found if TRUTH.get(value.lower())]
    if 0 < len(yes) < len(found) and all(value.lower() in TRUTH for value in found):
        return Positive(yes, not column.says(ADVERSE), f"the yes of {column.name!r}")
    good = [value for value in found if _is(value, GOOD)]
    bad = [value for value in found if _is(value, BAD)]
    if good and len(good) < len(found):
        return Positive(good, True, "its word")
    if bad and len(bad) < len(found):
        return Positive(bad, False, "its word")
    above = [value for value in found if value.startswith(">")]
    return Positive(above or found[:1], True, "a mere guess: CHECK IT, and whether it is good for the person")


def of_outcome(column: Column, favourable: bool) -> list[str]:
    """The outcomes that a positive decision foretells: good ones if it is favourable, else bad ones.

    >>> of_outcome(Column("defaulted", ["0", "1"]), favourable=True)
    ['0']
    """
    found = positive(column)
    return found.values if found.favourable == favourable else _others(column.distinct, found.values)


def _others(found: Collection[str], but: Collection[str]) -> list[str]:
    return [value for value in found if value not in but and value.lower() not in but]


def _is(value: str, words: Collection[str]) -> bool:
    """Whether a value says one of the words, and not the contrary."""
    said = _words(value)
    return not said.isdisjoint(words) and said.isdisjoint({"not", "un", "non"})


def _words(value: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", value.lower()))
