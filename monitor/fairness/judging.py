"""Answers judged: comparisons with their verdicts, those of all windows at once.

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
from monitor.fairness.questions import Question
from monitor.fairness.verdicts import Gaps
from monitor.panes.table import Floats
from monitor.readings import Comparison, all_known

Array = NDArray[Any]


def judged(found: Mapping[str, Sequence[Answer]], attribute: str) -> dict[str, list[Comparison]]:
    """The answers of each window as comparisons with verdicts, by their places, one after the other."""
    if not any(found.values()):
        return {window: [] for window in found}
    lines = _Lines(found)
    comparisons = list(map(Comparison, *_columns(lines, attribute)))
    ends = np.searchsorted(lines.windows, np.arange(len(found) + 1)).tolist()
    return {window: comparisons[low:high] for window, (low, high) in zip(found, pairwise(ends), strict=True)}


class _Lines:
    """A line for each comparison: by window, within it by the question's place, then by group."""

    def __init__(self, found: Mapping[str, Sequence[Answer]]) -> None:
        self._answers = [answer for some in found.values() for answer in some]
        self._questions = [question for answer in self._answers for question in answer.questions]
        places = np.array([place for answer in self._answers for place in answer.places])
        windows = np.array([i for i, some in enumerate(found.values()) for a in some for _ in a.places])
        sizes = [len(answer.groups) for answer in self._answers for _ in answer.questions]
        each = np.repeat(np.arange(len(self._questions)), sizes)
        self._order = np.lexsort((places[each], windows[each]))
        self._each = each[self._order]
        self.windows = windows[self._each]
        self.window_names = np.array([*found], object)[self.windows]

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


def _columns(lines: _Lines, attribute: str) -> Iterable[Iterable[Any]]:
    """The fields of all comparisons, in the order of Comparison."""
    gaps, limits = lines.gaps(), lines.limits()
    shown = (gaps.least >= FEWEST) & ~np.isnan(gaps.low)
    proved, needed = _verdicts(lines, gaps, limits)
    nothing = repeat(None)
    return (
        lines.of_questions(lambda q: q.metric).tolist(),
        lines.of_questions(lambda q: q.compare).tolist(),
        repeat(attribute),
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
        lines.window_names.tolist(),
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
