"""Questions answered: comparisons with their values, intervals and verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.fairness import comparisons, reference, verdicts
from monitor.fairness.estimates import Matrix
from monitor.fairness.intervals import ENOUGH, FEWEST, Estimates
from monitor.fairness.questions import Question
from monitor.fairness.verdicts import Gaps
from monitor.readings import Comparison, Verdict, all_known
from monitor.table import UNKNOWN, Floats, Ints, Table


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
    """A question's gaps, not judged yet: those of groups to their references.

    `rates` are what the gaps are between, NaN where they are not between two values; `decisions` are the
    groups'.
    """

    question: Question
    gaps: Gaps
    groups: Sequence[str]
    references: Sequence[str | None]
    rates: tuple[Floats, Floats]
    decisions: Ints


class Answers:
    """Answers questions about one attribute's table and the estimates made of it."""

    def __init__(self, matrix: Matrix, table: Table) -> None:
        self._matrix = matrix
        self._names = table.groups
        self._decisions = table.decisions
        self._known = [index for index, group in enumerate(table.groups) if group != UNKNOWN]
        self._fixed: dict[
            str, list[reference.Pair]
        ] = {}  # by the word of a reference, where metrics share it

    def to(self, question: Question) -> Answer:
        """The question's gaps, in the order of the groups."""
        row = self._matrix.metrics.index(question.metric)
        sides = self._sides(question, row)
        ours, gaps = self._matrix.groups[row][sides.groups], sides.gaps
        return Answer(
            question,
            Gaps(gaps.value, gaps.low, gaps.high, ours.n, sides.n),
            [self._names[group] for group in sides.groups],
            sides.names,
            (ours.value, sides.rates),
            self._decisions[sides.groups],
        )

    def _sides(self, question: Question, row: int) -> Sides:
        groups, everyone = self._matrix.groups[row], list(range(len(self._names)))
        if question.compare == "value":
            nobody = [None] * len(everyone)
            return Sides(everyone, nobody, np.full(len(everyone), np.nan), groups.n, groups)
        if question.reference == reference.OVERALL and reference.OVERALL not in self._names:
            value, n = comparisons.overall(self._matrix, row)
            gaps = comparisons.to_overall(question.compare, self._matrix, row)
            everybody: list[str | None] = [reference.OVERALL] * len(everyone)
            return Sides(everyone, everybody, np.full(len(everyone), value), np.full(len(everyone), n), gaps)
        return self._pairs(question, groups)

    def _pairs(self, question: Question, groups: Estimates) -> Sides:
        pairs = self._chosen(question, groups)
        others = [other for _, other in pairs]
        gaps = comparisons.between(question.compare, groups, pairs)
        names = [self._names[other] for other in others]
        return Sides([group for group, _ in pairs], names, groups.value[others], groups.n[others], gaps)

    def _chosen(self, question: Question, groups: Estimates) -> list[reference.Pair]:
        word = question.reference
        if word in self._fixed:
            return self._fixed[word]
        name = reference.name(word, self._names, self._decisions)
        fixed = None if name is None else self._names.index(name)
        pairs = reference.pairs(word, fixed, groups, self._known, question.compare)
        if name is not None:
            self._fixed[word] = pairs
        return pairs


def judged(answers: Sequence[Answer], attribute: str, window: str) -> list[Comparison]:
    """All answers as comparisons with verdicts, one after the other.

    They are judged together, as an array costs hardly more than a number.
    """
    if not answers:
        return []
    gaps = Gaps(*(np.concatenate(parts) for parts in zip(*map(_parts, answers), strict=True)))
    questions = [answer.question for answer in answers]
    each = np.repeat(np.arange(len(answers)), [len(answer.groups) for answer in answers])
    fewest = np.array([question.fewest for question in questions])[each]
    least = np.array([-np.inf if q.limits[0] is None else q.limits[0] for q in questions])
    most = np.array([np.inf if q.limits[1] is None else q.limits[1] for q in questions])
    limits = least[each], most[each]
    shown = (gaps.least >= FEWEST) & ~np.isnan(gaps.low)
    rates, other_rates = (np.concatenate([answer.rates[side] for answer in answers]) for side in (0, 1))
    columns = zip(
        [questions[place] for place in each.tolist()],
        [group for answer in answers for group in answer.groups],
        [reference for answer in answers for reference in answer.references],
        all_known(gaps.value),
        all_known(np.where(shown, gaps.low, np.nan)),
        all_known(np.where(shown, gaps.high, np.nan)),
        gaps.n.tolist(),
        gaps.reference_n.tolist(),
        all_known(rates),
        all_known(other_rates),
        verdicts.judge(gaps, limits, fewest),
        verdicts.needed(gaps, limits, fewest, np.concatenate([answer.decisions for answer in answers])),
        (shown & (gaps.least < ENOUGH)).tolist(),
        all_known(np.where(shown, verdicts.detectable(gaps, limits), np.nan)),
        strict=True,
    )
    return [
        Comparison(
            metric=question.metric,
            compare=question.compare,
            attribute=attribute,
            group=group,
            reference=other,
            value=value,
            low=low,
            high=high,
            n=n,
            reference_n=other_n,
            group_rate=rate,
            reference_rate=other_rate,
            min=question.limits[0],
            max=question.limits[1],
            verdict=verdict,
            window=window,
            rule=question.rule,
            needed=needed if verdict is Verdict.UNDECIDED else None,
            rough=rough,
            detectable=detectable,
        )
        for (
            question, group, other, value, low, high, n, other_n,
            rate, other_rate, verdict, needed, rough, detectable,
        ) in columns
    ]  # fmt: skip


def _parts(answer: Answer) -> tuple[Floats, Floats, Floats, Ints, Ints]:
    gaps = answer.gaps
    return gaps.value, gaps.low, gaps.high, gaps.n, gaps.reference_n
