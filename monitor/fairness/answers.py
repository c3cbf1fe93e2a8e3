"""Questions answered: comparisons with their values, intervals and verdicts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitor.fairness import comparisons, reference, verdicts
from monitor.fairness.estimates import Matrix
from monitor.fairness.intervals import ENOUGH, FEWEST, Estimates
from monitor.fairness.questions import Question
from monitor.fairness.verdicts import Gap
from monitor.readings import Comparison, Verdict, known
from monitor.table import UNKNOWN, Table


@dataclass(frozen=True)
class Sides:
    """The groups of a question's comparisons (as indices), what each is held against, and the gaps."""

    groups: list[int]
    names: Sequence[str | None]
    rates: Sequence[float]
    n: Sequence[int]
    gaps: Estimates


class Answers:
    """Answers questions about one attribute's table and the estimates made of it."""

    def __init__(self, matrix: Matrix, table: Table, attribute: str, window: str) -> None:
        self._matrix = matrix
        self._names = table.groups
        self._decisions = table.decisions
        self._attribute, self._window = attribute, window
        self._known = [index for index, group in enumerate(table.groups) if group != UNKNOWN]

    def to(self, question: Question) -> Iterator[Comparison]:
        """The question's comparisons, in the order of the groups."""
        row = self._matrix.metrics.index(question.metric)
        sizes = self._matrix.groups.n[row].tolist()
        sides = self._sides(question, row)
        rates = zip(self._matrix.groups.value[row][sides.groups].tolist(), sides.rates, strict=True)
        gaps = zip(
            *(part.tolist() for part in (sides.gaps.value, sides.gaps.low, sides.gaps.high)), strict=True
        )
        for group, name, n, pair, gap in zip(sides.groups, sides.names, sides.n, rates, gaps, strict=True):
            value, low, high = gap
            yield comparison(
                question,
                Gap(value, low, high, sizes[group], n),
                attribute=self._attribute,
                window=self._window,
                sides=(self._names[group], name),
                rates=pair,
                decisions=int(self._decisions[group]),
            )

    def _sides(self, question: Question, row: int) -> Sides:
        groups, everyone = self._matrix.groups[row], list(range(len(self._names)))
        if question.compare == "value":
            nobody = [None] * len(everyone)
            return Sides(everyone, nobody, [float("nan")] * len(everyone), groups.n.tolist(), groups)
        if question.reference == reference.OVERALL and reference.OVERALL not in self._names:
            value, n = comparisons.overall(self._matrix, row)
            gaps = comparisons.to_overall(question.compare, self._matrix, row)
            everybody: list[str | None] = [reference.OVERALL] * len(everyone)
            return Sides(everyone, everybody, [value] * len(everyone), [n] * len(everyone), gaps)
        return self._pairs(question, groups)

    def _pairs(self, question: Question, groups: Estimates) -> Sides:
        name = reference.name(question.reference, self._names, self._decisions)
        fixed = None if name is None else self._names.index(name)
        pairs = reference.pairs(question.reference, fixed, groups, self._known, question.compare)
        others = [other for _, other in pairs]
        gaps = comparisons.between(question.compare, groups, pairs)
        names = [self._names[other] for other in others]
        return Sides(
            [group for group, _ in pairs],
            names,
            groups.value[others].tolist(),
            groups.n[others].tolist(),
            gaps,
        )


def comparison(
    question: Question,
    gap: Gap,
    *,
    attribute: str,
    window: str,
    sides: tuple[str, str | None],
    rates: tuple[float, float] = (math.nan, math.nan),
    decisions: int,
) -> Comparison:
    """A gap between two sides, the group and its reference, with its verdict.

    `rates` are what the gap is between, if it is between two values; `decisions` are the group's.
    """
    verdict = verdicts.judge(gap, question.limits, question.fewest)
    undecided = verdict is Verdict.UNDECIDED
    shown = gap.least >= FEWEST and not math.isnan(gap.low)
    return Comparison(
        metric=question.metric,
        compare=question.compare,
        attribute=attribute,
        group=sides[0],
        reference=sides[1],
        value=known(gap.value),
        low=known(gap.low) if shown else None,
        high=known(gap.high) if shown else None,
        n=gap.n,
        reference_n=gap.reference_n,
        group_rate=known(rates[0]),
        reference_rate=known(rates[1]),
        min=question.limits[0],
        max=question.limits[1],
        verdict=verdict,
        window=window,
        rule=question.rule,
        needed=verdicts.needed(gap, question.limits, question.fewest, decisions) if undecided else None,
        rough=shown and gap.least < ENOUGH,
        detectable=verdicts.detectable(gap, question.limits) if shown else None,
    )
