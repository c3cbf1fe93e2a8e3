"""The part of a message that depends on what the evidence is: a gap between groups, or drift."""

from msgspec import Struct


class Story(Struct, frozen=True, kw_only=True):
    """What happened, in words, each string a sentence or a line."""

    headline: str
    summary: list[str]
    facts: list[tuple[str, str]]
    meaning: list[str]
    advice: list[str]
    labels: dict[str, str]
    numbers: dict[str, float | None]


SMALL = "a small group"
