"""Answers judged: comparisons with their verdicts, those of all attributes and windows at once.

They are judged together, as an array costs hardly more than a number.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.fairness import reference, verdicts
from monitor.fairness.answers import Answer
from monitor.fairness.intervals import ENOUGH, FEWEST
from monitor.fairness.questions import Place, Question
from monitor.fairness.verdicts import Gaps
from monitor.panes.table import Floats
from monitor.readings import Comparison, all_known

Array = NDArray[Any]


def judged(found: Mapping[Place, Sequence[Answer]]) -> dict[Place, list[Comparison]]:
    """The answers of each place as comparisons with verdicts, in the order of their questions."""
    if not any(found.values()):
        return {place: [] for place in found}
    lines = _Lines(found)
    comparisons = list(map(Comparison, *_columns(lines)))
    ends = np.searchsorted(lines.places, np.arange(len(found) + 1)).tolist()
    return {place: comparisons[low:high] for place, (low, high) in zip(found, pairwise(ends), strict=True)}


class _Lines:
    """A line for each comparison: by place, within it by the question's number, then by group."""

    def __init__(self, found: Mapping[Place, Sequence[Answer]]) -> None:
        self._answers = [answer for some in found.values() for answer in some]
        self._questions = [question for answer in self._answers for question in answer.questions]
        numbers = np.array([number for answer in self._answers for number in answer.numbers])
        places = np.array([i for i, some in enumerate(found.values()) for a in some for _ in a.numbers])
        sizes = [len(answer.groups) for answer in self._answers for _ in answer.questions]
        each = np.repeat(np.arange(len(self._questions)), sizes)
        self._order = np.lexsort((numbers[each], places[each]))
        self._each = each[self._order]
        self.places = places[self._each]
        self.attributes, self.windows = np.array([*found], object).T[:, self.places]

    def of_questions(self, value: Callable[[Question], object], kind: type = object) -> Array:
        """What each line's question has."""
        return np.array([value(question) for question in self._questions], kind)[self._each]

    def of_groups(self, value: Callable[[Answer], Sequence[object] | Array], kind: type = object) -> Array:
        """What each line's group has, where all questions of an answer have it alike."""
        parts: list[Array] = [np.tile(np.array(value(a), kind), len(a.questions)) for a in self._answers]
        return np.concatenate(parts)[self._order]

    def of_lines(self, value: Callable[[Answer], Array]) -> Array:
        """What each line has of its own."""
        return np.concatenate([value(answer) for answer in self._answers])[self._order]

    def gaps(self) -> Gaps:
        parts = ((g.value, g.low, g.high, g.n, g.reference_n) for g in (a.gaps for a in self._answers))
        return Gaps(*(np.concatenate(some)[self._order] for some in zip(*parts, strict=True)))

    def limits(self) -> tuple[Floats, Floats]:
        """The least and the most that are allowed; infinite where nothing is said."""
        return (
            self.of_questions(lambda q: -np.inf if q.limits[0] is None else q.limits[0], float),
            self.of_questions(lambda q: np.inf if q.limits[1] is None else q.limits[1], float),
        )


def _columns(lines: _Lines) -> Iterable[Iterable[Any]]:
    """The fields of all comparisons, in the order of Comparison."""
    gaps, limits = lines.gaps(), lines.limits()
    shown = (gaps.least >= FEWEST) & ~np.isnan(gaps.low)
    proved, needed = _verdicts(lines, gaps, limits)
    nothing = repeat(None)
    return (
        lines.of_questions(lambda q: q.metric).tolist(),
        lines.of_questions(lambda q: q.compare).tolist(),
        lines.attributes.tolist(),
        lines.of_groups(lambda answer: answer.groups).tolist(),
        lines.of_groups(lambda answer: answer.references).tolist(),
        all_known(gaps.value),
        all_known(np.where(shown, gaps.low, np.nan)),
        all_known(np.where(shown, gaps.high, np.nan)),
        gaps.n.tolist(),
        gaps.reference_n.tolist(),
        all_known(lines.of_lines(lambda answer: answer.rates[0])),
        all_known(lines.of_lines(lambda answer: answer.rates[1])),
        lines.of_questions(lambda q: q.limits[0]).tolist(),
        lines.of_questions(lambda q: q.limits[1]).tolist(),
        verdicts.VERDICTS[proved].tolist(),
        lines.windows.tolist(),
        lines.of_questions(lambda q: q.rule).tolist(),
        needed,
        nothing,  # e_value
        (shown & (gaps.least < ENOUGH)).tolist(),
        nothing,  # due
        all_known(np.where(shown, verdicts.detectable(gaps, limits), np.nan)),
    )


def _verdicts(lines: _Lines, gaps: Gaps, limits: tuple[Floats, Floats]) -> tuple[Array, list[int | None]]:
    """Each line's verdict, as its place among all, and how many decisions an undecided one still needs."""
    fewest = lines.of_questions(lambda q: q.fewest, int)
    decisions = lines.of_groups(lambda answer: answer.decisions, int)
    past = lines.of_questions(lambda q: q.reference == reference.BASELINE and q.compare != "value", bool)
    proved = verdicts.places(gaps, limits, fewest)
    undecided = proved == verdicts.UNDECIDED
    return proved, verdicts.needed(gaps, limits, fewest, decisions, past=past, undecided=undecided)
