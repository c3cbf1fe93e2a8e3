"""From a table to composites: metrics that put several rates, or several groups, into one number."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, permutations

import numpy as np

from monitor import rates
from monitor.config import Model, Rule, rule_name
from monitor.fairness import pairs, population, reference, strata
from monitor.fairness.answers import Answer
from monitor.fairness.estimates import estimate, is_metric
from monitor.fairness.intervals import Estimates
from monitor.fairness.judging import judged
from monitor.fairness.questions import NO_RULES, NO_TABLES, Place, Question, concerning
from monitor.fairness.verdicts import Gaps
from monitor.panes.table import NOTHING, UNKNOWN, Ints, Table, stacked
from monitor.readings import Comparison

EVERYBODY = "all groups"  # the group of a composite of everybody
CONDITIONAL = ("conditional_demographic_disparity", "conditional_label_disparity")
Asked = tuple[str, str, str]  # a metric, how it is compared, and with whom
DEFAULTS = (
    ("equalized_odds", "difference"),
    ("average_odds", "difference"),
    ("generalized_entropy", "value"),
    ("differential_fairness", "value"),
)


@lru_cache(maxsize=1024)
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
    before: Table = NOTHING,
) -> list[Comparison]:
    """The composites of one attribute in one window: those that rules ask for, then DEFAULTS.

    `slices` holds for each conditioning column one table for each of its values. `rules` and
    `before` are as for `monitor.fairness.read`.
    """
    place, asking = Place(attribute, window), {} if rules is None else {attribute: rules}
    within, then = {place: slices or {}}, {attribute: before}
    return read_all({place: table}, model=model, rules=asking, slices=within, before=then)[place]


def read_all(
    tables: Mapping[Place, Table],
    *,
    model: Model,
    rules: Mapping[str, Sequence[Rule]] = NO_RULES,
    slices: Mapping[Place, Mapping[str, Sequence[Table]]],
    before: Mapping[str, Table] = NO_TABLES,
) -> dict[Place, list[Comparison]]:
    """The same for several attributes and windows: computed at once, which costs less.

    `rules` and `before` are by attribute.
    """
    readers = {
        place: _Reader(
            table,
            slices[place],
            before.get(place.attribute, NOTHING),
            _asked(rules.get(place.attribute, model.rules), model, place),
        )
        for place, table in tables.items()
    }
    _compare(list(readers.values()))
    return judged({place: reader.answers() for place, reader in readers.items()})


def _asked(rules: Sequence[Rule], model: Model, place: Place) -> list[Question]:
    attribute, about = place.attribute, concerning(rules, model, place)
    about = [rule for rule in about if is_composite(rates.resolve(rule.metric)[0])]
    asked = [_question(rule, model, attribute) for rule in about]
    named = {(question.metric, question.compare) for question in asked}
    word = reference.word(model, attribute)
    return asked + [Question(*default, word) for default in DEFAULTS if default not in named]


def _question(rule: Rule, model: Model, attribute: str) -> Question:
    metric, compare = rates.resolve(rule.metric, rule.compare)
    if _whole(metric) or _conditional(metric):
        compare = "value"
    elif pairs.find(metric, compare) is None:
        compare = "difference"
    word = reference.word(model, attribute, rule)
    return Question(metric, compare, word, (rule.min, rule.max), rule.minimum_sample, rule_name(rule, model))


def _compare(readers: Sequence["_Reader"]) -> None:
    """Gives each reader the gaps of its pairs: a composite of two groups is computed once for all places."""
    whole = stacked([reader.table for reader in readers])
    starts = accumulate((len(reader.table.groups) for reader in readers), initial=0)
    wanted: dict[Asked, list[tuple[_Reader, int]]] = {}
    for reader, start in zip(readers, starts, strict=False):
        for asked in reader.pairwise:
            wanted.setdefault(asked, []).append((reader, start))
    for (metric, compare, word), asking in wanted.items():
        composite = pairs.find(metric, compare)
        chosen = [reader.chosen(word, compare) + start for reader, start in asking]
        if composite is None or not sum(some.size for some in chosen):
            continue
        found, n = composite.between(whole, *np.concatenate(chosen).T), composite.size(whole)
        ends = accumulate(len(some) for some in chosen)
        for (reader, start), some, end in zip(asking, chosen, ends, strict=True):
            sizes = n[start : start + len(reader.table.groups)]
            reader.gaps[metric, compare, word] = found[end - len(some) : end], sizes


class _Reader:
    """The composites of one place. `gaps` are those of the chosen pairs, with the sizes of all groups."""

    def __init__(
        self,
        table: Table,
        slices: Mapping[str, Sequence[Table]],
        before: Table,
        questions: Sequence[Question],
    ) -> None:
        self.table, self._slices, self._before = table, slices, before
        self._questions = questions
        self._pairs_of: dict[tuple[str, str], Ints] = {}
        self.gaps: dict[Asked, tuple[Estimates, Ints]] = {}

    @property
    def pairwise(self) -> Iterable[Asked]:
        """What is asked of pairs of groups here."""
        return dict.fromkeys(
            (q.metric, q.compare, q.reference)
            for q in self._questions
            if q.reference != reference.BASELINE and pairs.find(q.metric, q.compare) is not None
        )

    def answers(self) -> list[Answer]:
        """Those to all questions, in their order."""
        return [answer for question in self._questions for answer in self._answers(question)]

    def _answers(self, question: Question) -> list[Answer]:
        name, _, column = question.metric.partition(".")
        if name in CONDITIONAL:
            return self._conditional(question, name, column)
        if _whole(question.metric):
            return self._whole(question)
        if within := _within(question.metric):
            return self._within(question, *within)
        return self._pairs(question)

    def _whole(self, question: Question) -> list[Answer]:
        if not len(self.table.groups):
            return []
        extreme = population.extreme(question.metric)
        if extreme is None:
            return [self._alone(question, EVERYBODY, population.WHOLE[question.metric](self.table))]
        found = population.worst(*extreme, self.table)
        return [self._alone(question, *found)] if found else []

    def _conditional(self, question: Question, name: str, column: str) -> list[Answer]:
        parts = strata.DECIDED if name == CONDITIONAL[0] else strata.LABELLED
        groups = self.table.groups
        found = strata.demographic_disparity(groups, self._slices.get(column, ()), parts)
        return [self._alone(question, group, found[place]) for place, group in enumerate(groups)]

    def _within(self, question: Question, column: str, metric: str) -> list[Answer]:
        groups, tables = self.table.groups, self._slices.get(column, ())
        found = [
            (pair, strata.conditional_difference(metric, groups, tables, pair))
            for pair in map(tuple, self.chosen(question.reference, question.compare).tolist())
        ]
        return [self._alone(question, groups[one], gap, groups[other]) for (one, other), gap in found]

    def _alone(self, question: Question, group: str, found: Estimates, other: str | None = None) -> Answer:
        """An estimate of shape () that does not tell its two sides apart."""
        value, low, high = (np.array([float(part)]) for part in (found.value, found.low, found.high))
        n = np.array([int(found.n)])
        return _answer(question, Gaps(value, low, high, n, n), [group], [other], n)

    def _pairs(self, question: Question) -> list[Answer]:
        composite = pairs.find(question.metric, question.compare)
        if composite is not None and question.reference == reference.BASELINE:
            return self._then(question, composite)
        chosen = self.chosen(question.reference, question.compare)
        if composite is None or not len(chosen):
            return []
        found, n = self.gaps[question.metric, question.compare, question.reference]
        kept = self._kept(question, found)
        groups, others = chosen[kept].T
        found = found[kept]
        gaps = Gaps(found.value, found.low, found.high, n[groups], n[others])
        names = [[self.table.groups[place] for place in side.tolist()] for side in (groups, others)]
        return [_answer(question, gaps, names[0], names[1], self.table.decisions[groups])]

    def _then(self, question: Question, composite: pairs.Composite) -> list[Answer]:
        """Each group against itself in the baseline period: a table of all groups now, then of all before."""
        groups = list(self.table.groups)
        now, then = self.table, strata.aligned(groups, self._before)
        atoms = dict.fromkeys([*now.counts, *then.counts])
        counts = {atom: np.concatenate([now.get(atom), then.get(atom)]) for atom in atoms}
        both, places = Table([*groups, *groups], counts), np.arange(len(groups))
        n, found = composite.size(both), composite.between(both, places, places + len(groups))
        gaps = Gaps(found.value, found.low, found.high, n[places], n[places + len(groups)])
        return [_answer(question, gaps, groups, [reference.BASELINE] * len(groups), now.decisions)]

    def chosen(self, word: str, compare: str) -> Ints:
        """The pairs to compare, of shape (pairs, 2)."""
        asked = word, compare
        if asked not in self._pairs_of:
            self._pairs_of[asked] = np.array(self._choice(*asked), int).reshape(-1, 2)
        return self._pairs_of[asked]

    def _choice(self, word: str, compare: str) -> list[reference.Pair]:
        """The pairs to compare; the highest is by selection rate, and everybody gives way to the largest."""
        word = "largest" if word in (reference.OVERALL, reference.BASELINE) else word
        groups = self.table.groups
        known = [place for place, group in enumerate(groups) if group != UNKNOWN]
        if word == "extremes":
            return list(permutations(known, 2))
        fixed = reference.name(word, groups, self.table.decisions)
        place = groups.index(fixed) if fixed in groups else None
        if place is None and word not in reference.BY_METRIC:
            return []
        if place is not None:
            return [(group, place) for group in range(len(groups)) if group != place]
        return reference.pairs(word, self._selected, known, compare)

    @cached_property
    def _selected(self) -> Estimates:
        return estimate(["selection_rate"], self.table).groups[0]

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
    return Answer([question], gaps, groups, others, (nothing, nothing), decisions)
