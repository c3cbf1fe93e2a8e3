"""Questions answered: gaps between groups with their intervals, not judged yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.fairness import comparisons, reference
from monitor.fairness.estimates import Matrix
from monitor.fairness.intervals import Estimates
from monitor.fairness.questions import Question
from monitor.fairness.verdicts import Gaps
from monitor.panes.table import UNKNOWN, Floats, Ints, Table


@dataclass(frozen=True)
class Sides:
    """The groups of a question's comparisons (as indices), what each is held against, and the gaps."""

    groups: list[int]
    names: Sequence[str | None]
    rates: Floats
    n: Ints
    gaps: Estimates


@dataclass(frozen=True)
class Answer:
    """The gaps, not judged yet, of questions about the same groups, which have so many `decisions`.

    `gaps` and `rates` hold the groups of the first question, then those of the next. `rates` are what the
    gaps are between, NaN where they are not between two values. `numbers` are the questions' among all.
    """

    questions: Sequence[Question]
    gaps: Gaps
    groups: Sequence[str]
    references: Sequence[str | None]
    rates: tuple[Floats, Floats]
    decisions: Ints
    numbers: Sequence[int] = (0,)


class Answers:
    """Answers questions about one attribute's table and the estimates made of it.

    `then` holds estimates of the same groups in the baseline period, `population` their shares of the people
    concerned, for questions that refer to these.
    """

    def __init__(
        self,
        matrix: Matrix,
        table: Table,
        then: Matrix | None = None,
        population: Mapping[str, float] | None = None,
    ) -> None:
        self._matrix, self._then = matrix, then
        self._shares = np.array([(population or {}).get(group, np.nan) for group in table.groups])
        self._names = table.groups
        self._decisions = table.decisions
        self._known = [index for index, group in enumerate(table.groups) if group != UNKNOWN]
        self._row = {metric: row for row, metric in enumerate(matrix.metrics)}
        self._names_of: dict[str, str | None] = {}  # the reference group of each word

    def to(self, questions: Sequence[Question]) -> list[Answer]:
        """Each question's gaps, in the order of the groups."""
        found: list[Answer] = []
        shared: dict[tuple[str, str], list[int]] = {}
        for number, question in enumerate(questions):
            if self._fixed(question) is None:
                sides = self._sides(question, self._row[question.metric])
                found.append(self._answer(question, sides, number))
            else:
                shared.setdefault((question.reference, question.compare), []).append(number)
        alike = ([questions[number] for number in numbers] for numbers in shared.values())
        return [*found, *map(self._to_fixed, alike, shared.values())]

    def _fixed(self, question: Question) -> str | None:
        """The reference group of a comparison that is the same whatever the metric."""
        if question.compare == "value":
            return None
        word = question.reference
        if word not in self._names_of:
            self._names_of[word] = reference.name(word, self._names, self._decisions)
        return self._names_of[word]

    def _to_fixed(self, questions: Sequence[Question], numbers: Sequence[int]) -> Answer:
        """The answer to questions that compare alike with the same group."""
        fixed = self._fixed(questions[0]) or ""
        other = self._names.index(fixed)
        groups = np.array([place for place in range(len(self._names)) if place != other], int)
        rows = np.array([self._row[question.metric] for question in questions])
        ours, theirs = self._matrix.groups[np.ix_(rows, groups)], self._matrix.groups[rows][:, [other]]
        gaps = comparisons.of(questions[0].compare, ours, theirs)
        names, others = [self._names[place] for place in groups.tolist()], [fixed] * len(groups)
        rates = np.broadcast_to(theirs.value, ours.value.shape)
        n = np.broadcast_to(theirs.n, ours.n.shape)
        flat = Gaps(gaps.value.ravel(), gaps.low.ravel(), gaps.high.ravel(), ours.n.ravel(), n.ravel())
        return Answer(
            questions,
            flat,
            names,
            others,
            (ours.value.ravel(), rates.ravel()),
            self._decisions[groups],
            numbers,
        )

    def _answer(self, question: Question, sides: Sides, number: int) -> Answer:
        ours, gaps = self._matrix.groups[self._row[question.metric]][sides.groups], sides.gaps
        return Answer(
            [question],
            Gaps(gaps.value, gaps.low, gaps.high, ours.n, sides.n),
            [self._names[group] for group in sides.groups],
            sides.names,
            (ours.value, sides.rates),
            self._decisions[sides.groups],
            [number],
        )

    def _sides(self, question: Question, row: int) -> Sides:
        groups, everyone = self._matrix.groups[row], list(range(len(self._names)))
        if question.compare == "value":
            nobody = [None] * len(everyone)
            return Sides(everyone, nobody, np.full(len(everyone), np.nan), groups.n, groups)
        if question.reference == reference.OVERALL:
            value, n = comparisons.overall(self._matrix, row)
            gaps = comparisons.to_overall(question.compare, self._matrix, row)
            everybody: list[str | None] = [reference.OVERALL] * len(everyone)
            return Sides(everyone, everybody, np.full(len(everyone), value), np.full(len(everyone), n), gaps)
        if question.reference == reference.BASELINE and self._then is not None:
            then = self._then.groups[self._then.metrics.index(question.metric)]
            gaps = comparisons.of(question.compare, groups, then)
            return Sides(everyone, [reference.BASELINE] * len(everyone), then.value, then.n, gaps)
        if question.reference == reference.POPULATION:
            known = Estimates(self._shares, self._shares, self._shares, groups.n)  # a census: no error
            gaps = comparisons.of(question.compare, groups, known)
            return Sides(everyone, [reference.POPULATION] * len(everyone), known.value, known.n, gaps)
        return self._pairs(question, groups)

    def _pairs(self, question: Question, groups: Estimates) -> Sides:
        """Pairs that each metric chooses for itself."""
        pairs = reference.pairs(question.reference, groups, self._known, question.compare)
        others = [other for _, other in pairs]
        gaps = comparisons.between(question.compare, groups, pairs)
        names = [self._names[other] for other in others]
        return Sides([group for group, _ in pairs], names, groups.value[others], groups.n[others], gaps)
