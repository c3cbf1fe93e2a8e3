"""From a table to composites: metrics that put several rates, or several groups, into one number."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import permutations

import numpy as np

from monitor import rates
from monitor.config import Model, Rule, rule_name
from monitor.fairness import pairs, population, reference, strata
from monitor.fairness.answers import Answer, judged
from monitor.fairness.estimates import estimate, is_metric
from monitor.fairness.intervals import Estimates
from monitor.fairness.questions import Question, concerning
from monitor.fairness.verdicts import Gaps
from monitor.readings import Comparison
from monitor.table import UNKNOWN, Ints, Table

EVERYBODY = "all groups"  # the group of a composite of everybody
CONDITIONAL = ("conditional_demographic_disparity", "conditional_label_disparity")
DEFAULTS = (
    ("equalized_odds", "difference"),
    ("average_odds", "difference"),
    ("generalized_entropy", "value"),
    ("differential_fairness", "value"),
)


def is_composite(name: str) -> bool:
    """Whether there is such a composite, under our name for it.

    >>> [is_composite(name) for name in ("equalized_odds", "score.ks", "group_min.accuracy", "accuracy")]
    [True, True, True, False]
    """
    return (
        _whole(name)
        or _conditional(name)
        or _within(name) is not None
        or any(pairs.find(name, how) for how in ("difference", "ratio"))
    )


def _whole(name: str) -> bool:
    return name in population.WHOLE or population.extreme(name) is not None


def _conditional(name: str) -> bool:
    """Such a name ends with the slice: "conditional_demographic_disparity.region"."""
    return name.partition(".")[0] in CONDITIONAL


def _within(name: str) -> tuple[str, str] | None:
    """The slice and the metric of "within.region.selection_rate"; None for any other name."""
    word, _, rest = name.partition(".")
    column, _, metric = rest.partition(".")
    return (column, metric) if word == "within" and column and is_metric(metric) else None


def read(
    table: Table,
    *,
    attribute: str,
    model: Model,
    window: str,
    rules: Sequence[Rule] | None = None,
    slices: Mapping[str, Sequence[Table]] | None = None,
) -> list[Comparison]:
    """The composites of one attribute in one window: those that rules ask for, then DEFAULTS.

    `slices` holds for each conditioning column one table for each of its values. `rules` are as for
    `monitor.fairness.read`.
    """
    about = concerning(model.rules if rules is None else rules, model, attribute, window)
    asked = [_question(rule, model, attribute) for rule in about]
    asked = [question for question in asked if is_composite(question.metric)]
    named = {(question.metric, question.compare) for question in asked}
    word = reference.word(model, attribute)
    asked += [Question(*default, word) for default in DEFAULTS if default not in named]
    reader = _Reader(table, slices or {})
    answers = [answer for question in asked for answer in reader.answers(question)]
    return judged(answers, attribute, window)


def _question(rule: Rule, model: Model, attribute: str) -> Question:
    metric, compare = rates.resolve(rule.metric, rule.compare)
    if _whole(metric) or _conditional(metric):
        compare = "value"
    elif pairs.find(metric, compare) is None:
        compare = "difference"
    word = reference.word(model, attribute, rule)
    return Question(metric, compare, word, (rule.min, rule.max), rule.minimum_sample, rule_name(rule, model))


class _Reader:
    def __init__(self, table: Table, slices: Mapping[str, Sequence[Table]]) -> None:
        self._table, self._slices = table, slices

    def answers(self, question: Question) -> list[Answer]:
        name, _, column = question.metric.partition(".")
        if name in CONDITIONAL:
            return self._conditional(question, name, column)
        if _whole(question.metric):
            return self._whole(question)
        if within := _within(question.metric):
            return self._within(question, *within)
        return self._pairs(question)

    def _whole(self, question: Question) -> list[Answer]:
        if not len(self._table.groups):
            return []
        extreme = population.extreme(question.metric)
        if extreme is None:
            return [self._alone(question, EVERYBODY, population.WHOLE[question.metric](self._table))]
        found = population.worst(*extreme, self._table)
        return [self._alone(question, *found)] if found else []

    def _conditional(self, question: Question, name: str, column: str) -> list[Answer]:
        parts = strata.DECIDED if name == CONDITIONAL[0] else strata.LABELLED
        groups = self._table.groups
        found = strata.demographic_disparity(groups, self._slices.get(column, ()), parts)
        return [self._alone(question, group, found[place]) for place, group in enumerate(groups)]

    def _within(self, question: Question, column: str, metric: str) -> list[Answer]:
        groups, tables = self._table.groups, self._slices.get(column, ())
        found = [
            (pair, strata.conditional_difference(metric, groups, tables, pair))
            for pair in self._chosen(question)
        ]
        return [self._alone(question, groups[one], gap, groups[other]) for (one, other), gap in found]

    def _alone(self, question: Question, group: str, found: Estimates, other: str | None = None) -> Answer:
        """An estimate of shape () that does not tell its two sides apart."""
        value, low, high = (np.array([float(part)]) for part in (found.value, found.low, found.high))
        n = np.array([int(found.n)])
        return _answer(question, Gaps(value, low, high, n, n), [group], [other], n)

    def _pairs(self, question: Question) -> list[Answer]:
        composite = pairs.find(question.metric, question.compare)
        chosen = np.array(self._chosen(question), int).reshape(-1, 2)
        if composite is None or not len(chosen):
            return []
        found = composite.between(self._table, *chosen.T)
        kept = self._kept(question, found)
        groups, others = chosen[kept].T
        n, found = composite.size(self._table), found[kept]
        gaps = Gaps(found.value, found.low, found.high, n[groups], n[others])
        names = [[self._table.groups[place] for place in side.tolist()] for side in (groups, others)]
        return [_answer(question, gaps, names[0], names[1], self._table.decisions[groups])]

    def _chosen(self, question: Question) -> list[reference.Pair]:
        """The pairs to compare; the highest is by selection rate, and everybody gives way to the largest."""
        word = "largest" if question.reference == reference.OVERALL else question.reference
        groups = self._table.groups
        known = [place for place, group in enumerate(groups) if group != UNKNOWN]
        if word == "extremes":
            return list(permutations(known, 2))
        fixed = reference.name(word, groups, self._table.decisions)
        place = groups.index(fixed) if fixed in groups else None
        if place is None and word not in reference.BY_METRIC:
            return []
        return reference.pairs(word, place, self._selected, known, question.compare)

    @cached_property
    def _selected(self) -> Estimates:
        return estimate(["selection_rate"], self._table).groups[0]

    def _kept(self, question: Question, found: Estimates) -> list[int]:
        """Which of the chosen pairs to show: of extremes, the one furthest apart."""
        if question.reference != "extremes":
            return list(range(len(found.value)))
        if np.isnan(found.value).all():
            return [0]
        furthest = np.nanargmin if question.compare == "ratio" else np.nanargmax
        return [int(furthest(found.value))]


def _answer(
    question: Question, gaps: Gaps, groups: Sequence[str], others: Sequence[str | None], decisions: Ints
) -> Answer:
    nothing = np.full(len(groups), np.nan)
    return Answer(question, gaps, groups, others, (nothing, nothing), decisions)
