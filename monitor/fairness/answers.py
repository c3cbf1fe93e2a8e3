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


class Answers:
    """Answers questions about one attribute's table and the estimates made of it."""

    def __init__(self, matrix: Matrix, table: Table, attribute: str, window: str) -> None:
        self._matrix = matrix
        self._names = table.groups
        self._decisions = table.decisions
        self._attribute, self._window = attribute, window
        self._known = [index for index, group in enumerate(table.groups) if group != UNKNOWN]

    def to(self, question: Question) -> list[Comparison]:
        """The question's comparisons, in the order of the groups."""
        row = self._matrix.metrics.index(question.metric)
        sides = self._sides(question, row)
        ours, gaps = self._matrix.groups[row][sides.groups], sides.gaps
        return answers(
            question,
            Gaps(gaps.value, gaps.low, gaps.high, ours.n, sides.n),
            attribute=self._attribute,
            window=self._window,
            groups=[self._names[group] for group in sides.groups],
            references=sides.names,
            rates=(ours.value, sides.rates),
            decisions=self._decisions[sides.groups],
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
        name = reference.name(question.reference, self._names, self._decisions)
        fixed = None if name is None else self._names.index(name)
        pairs = reference.pairs(question.reference, fixed, groups, self._known, question.compare)
        others = [other for _, other in pairs]
        gaps = comparisons.between(question.compare, groups, pairs)
        names = [self._names[other] for other in others]
        return Sides([group for group, _ in pairs], names, groups.value[others], groups.n[others], gaps)


def answers(
    question: Question,
    gaps: Gaps,
    *,
    attribute: str,
    window: str,
    groups: Sequence[str],
    references: Sequence[str | None],
    rates: tuple[Floats, Floats] | None = None,
    decisions: Ints,
) -> list[Comparison]:
    """Gaps between groups and their references, with verdicts.

    `rates` are what the gaps are between, if they are between two values; `decisions` are the groups'.
    """
    nothing = np.full(len(gaps.value), np.nan)
    shown = (gaps.least >= FEWEST) & ~np.isnan(gaps.low)
    columns = zip(
        groups,
        references,
        all_known(gaps.value),
        all_known(np.where(shown, gaps.low, np.nan)),
        all_known(np.where(shown, gaps.high, np.nan)),
        gaps.n.tolist(),
        gaps.reference_n.tolist(),
        *(map(all_known, rates or (nothing, nothing))),
        verdicts.judge(gaps, question.limits, question.fewest),
        verdicts.needed(gaps, question.limits, question.fewest, decisions),
        (shown & (gaps.least < ENOUGH)).tolist(),
        all_known(np.where(shown, verdicts.detectable(gaps, question.limits), np.nan)),
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
            group, other, value, low, high, n, other_n, rate, other_rate, verdict, needed, rough, detectable
        ) in columns
    ]  # fmt: skip
