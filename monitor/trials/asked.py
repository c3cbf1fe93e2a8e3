"""What is tested: the families of hypotheses that a model's rules ask for.

A *family* is one limit of one rule in one attribute: its hypotheses are pairs of groups that share the
limit. A rule with two limits of different size makes two families, its sides.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import msgspec

from monitor import rates
from monitor.config import Config, ConfigError, Model, Rule, Test, attribute_name, rule_name, slice_ms
from monitor.config.durations import milliseconds
from monitor.fairness import reference
from monitor.panes import moments
from monitor.panes.table import DECISION
from monitor.rates import LABELLED, Definition
from monitor.sequential.bounded import Gap
from monitor.sequential.control import Budget
from monitor.sequential.nulls import Null

DECISIONS, OUTCOMES, COHORTS = "decisions", "outcomes", "cohorts"
SOURCES = {
    DECISIONS: "when its decision is made",
    OUTCOMES: "when its outcome has come and has matured",
    COHORTS: "with the decisions of its slice, when they have matured",
}
CHOSEN = ("highest", "extremes")  # words that choose by the metric: all ordered pairs are tested
TESTABLE = (
    "threshold, for sequential and change need a rate of decisions, outcomes or flags, compared by difference"
    " (limits below 0.8) or ratio (min up to 1, max from 1) with a group, largest, highest, pairs or extremes"
)
MEANS = (
    "threshold, for sequential and change compare a mean by difference, with limits that are less than its"
    " bounds are apart, with a group, largest, highest, pairs or extremes"
)
UNBOUNDED = "threshold, for sequential and change declare {}, as in [0, 100]"
Limit = Callable[[str, float], Null | Gap]  # of a kind


@dataclass(frozen=True)
class Side:
    """One limit as a null hypothesis, of rates or of means. `flipped`: its group a is the reference, its b
    the group."""

    null: Null | Gap
    flipped: bool = False


@dataclass(frozen=True)
class Family:
    """One side of a rule in one attribute. `source` says when its events count; `word` whom with.

    `fingerprint` changes with all that makes it another question: then its tests start anew.
    """

    rule: str
    attribute: str
    metric: str
    source: str
    word: str
    test: Test
    side: Side
    fingerprint: str

    @property
    def tests(self) -> int:
        """How many continuous tests each pair of groups undergoes: since the start, and for changes."""
        return 2 if self.test == "sequential" else 1

    @property
    def by_month(self) -> bool:
        """Whether calendar months are tested too: of rates there is an exact test."""
        return self.test == "sequential" and isinstance(self.side.null, Null)


def families(model: Model) -> list[Family]:
    """All that the model's rules ask to be tested, in the rules' order.

    >>> rule = Rule(metric="selection_rate", compare="ratio", min=0.8)
    >>> model = Model(positive=[1], attributes=["sex"], rules=[rule])
    >>> [(family.attribute, family.side.null.limit) for family in families(model)]
    [('sex', 0.8)]
    """
    return [
        family
        for rule in model.rules
        for attribute in _attributes(rule, model)
        if (test := test_of(rule, model, attribute)) != "threshold"
        for family in _families(rule, model, attribute, test)
    ]


def test_of(rule: Rule, model: Model, attribute: str) -> Test:
    """How a rule is judged in an attribute. Without `test`: sequential where that can be.

    Flags, overrides and what else feedback may complete are so only if `mature_after` says how long to wait.
    """
    if rule.test is not None:
        return rule.test
    metric, _ = rates.resolve(rule.metric, rule.compare)
    testable = bool(sides(rule, model, reference.word(model, attribute, rule)))
    known = source(metric) != COHORTS or milliseconds(model.mature_after) > 0
    return "sequential" if testable and known else "threshold"


def check(config: Config) -> None:
    """Raises ConfigError for a test that cannot be made, and for a budget that is none."""
    for name, model in config.models.items():
        for index, rule in enumerate(model.rules):
            words = [reference.word(model, attribute, rule) for attribute in _attributes(rule, model)]
            tested = rule.test not in (None, "threshold")
            if tested and not all(sides(rule, model, word) for word in [*words, "largest"]):
                key = f"models.{name}.rules[{index}].test"
                raise ConfigError(key, rule.test, _allowed(rule, model, f"models.{name}.bounds"))
    try:
        Budget.parse(config.alerts.false_alarms)
    except ValueError:
        allowed = "a positive number per day, week, month or year, as in '1 per year'"
        raise ConfigError("alerts.false_alarms", config.alerts.false_alarms, allowed) from None


def _allowed(rule: Rule, model: Model, bounds: str) -> str:
    """Which tests a rule may have instead, and why. `bounds`: the key of the model's."""
    metric, _ = rates.resolve(rule.metric, rule.compare)
    number = moments.number(metric)
    if number is None:
        return TESTABLE
    name = number if "." not in number else f'"{number}"'
    return MEANS if number in model.bounds else UNBOUNDED.format(f"{bounds}.{name}")


def source(metric: str) -> str | None:
    """When events of a rate, or values of a mean, count; None for what is neither of independent events.

    >>> [source(name) for name in ("selection_rate", "coverage", "f1", "score.mean", "values.csat.mean")]
    ['decisions', 'cohorts', None, 'decisions', 'cohorts']
    """
    if number := moments.number(metric):
        return DECISIONS if number in moments.OF_DECISIONS else COHORTS
    found = rates.definition(metric)
    if found is None or found.dice or found.of_all:
        return None
    atoms = {*found.numerator, *found.denominator}
    if atoms <= {*LABELLED, *(f"final_{atom}" for atom in LABELLED)}:
        return OUTCOMES
    if _of_decisions(found) or metric.startswith("reasons."):
        return DECISIONS
    return COHORTS


def _of_decisions(rate: Definition) -> bool:
    """Whether an outcome changes nothing: positives count alike with and without one, and so do negatives."""
    kinds = {"tp", "fp", "up"}, {"fn", "tn", "un"}
    parts = set(rate.numerator), set(rate.denominator)
    return all(part <= set(DECISION) for part in parts) and all(
        not kind & part or kind <= part for kind in kinds for part in parts
    )


def sides(rule: Rule, model: Model, word: str) -> list[Side]:
    """A rule's limits as null hypotheses; none where it cannot be tested.

    >>> rule = Rule(metric="tpr", min=-0.1, max=0.2)
    >>> [(s.null.kind, s.null.limit, s.flipped) for s in sides(rule, Model(positive=[1]), "F")]
    [('excess', 0.2, False), ('excess', 0.1, True)]
    """
    metric, compare = rates.resolve(rule.metric, rule.compare)
    if source(metric) is None or word in (reference.OVERALL, reference.BASELINE):
        return []
    try:
        if compare == "difference":
            limit = _limit(metric, model)
            return [] if limit is None else _differences(rule, word, limit)
        return [] if moments.number(metric) else _ratios(rule, word, compare)
    except ValueError:
        return []


def _limit(metric: str, model: Model) -> Limit | None:
    """What makes hypotheses of a metric's limits; None for a mean of a number without bounds."""
    if moments.number(metric) is None:
        return Null
    bounds = moments.bounds(metric, model)
    return None if bounds is None else partial(Gap, low=bounds[0], high=bounds[1])


def _differences(rule: Rule, word: str, limit: Limit) -> list[Side]:
    low, high = rule.min, rule.max
    if word == "highest":  # group minus highest is never above 0
        high = None
    if word == "extremes":  # highest minus lowest is never below 0
        low = None
    if low is not None and high is not None and low == -high:
        return [Side(limit("difference", high))]
    above = [] if high is None else [Side(limit("excess", high))]
    return above if low is None else [*above, Side(limit("excess", -low), flipped=True)]


def _ratios(rule: Rule, word: str, compare: str) -> list[Side]:
    if compare != "ratio":
        return []
    below = [] if rule.min is None else [Side(Null("ratio", rule.min))]
    if rule.max is None or word in CHOSEN:  # group over highest, lowest over highest: never above 1
        return below
    return [*below, Side(Null("ratio", 1 / rule.max if rule.max else 0), flipped=True)]


def _attributes(rule: Rule, model: Model) -> list[str]:
    given = model.attributes if rule.attribute is None else [rule.attribute]
    return [attribute_name(attribute) for attribute in given]


def _families(rule: Rule, model: Model, attribute: str, test: Test) -> Iterator[Family]:
    metric, _ = rates.resolve(rule.metric, rule.compare)
    word = reference.word(model, attribute, rule)
    came = source(metric)
    bounds = moments.bounds(metric, model) or ()
    for side in sides(rule, model, word) if came else []:
        yield Family(
            rule=rule_name(rule, model),
            attribute=attribute,
            metric=metric,
            source=came or "",
            word=word,
            test=test,
            side=side,
            fingerprint=_fingerprint(
                model,
                [attribute, metric, word, test, side.null.kind, side.null.limit, side.flipped, *bounds],
            ),
        )


def _fingerprint(model: Model, asked: list[str | float]) -> str:
    defined = [model.positive, model.positive_outcome, model.mature_after, slice_ms(model)]
    return hashlib.blake2b(msgspec.json.encode([asked, defined]), digest_size=10).hexdigest()
