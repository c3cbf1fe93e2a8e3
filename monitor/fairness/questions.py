"""What is asked of an attribute: the rules that concern it, and what is shown without being asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor import rates
from monitor.config import Model, Rule, attribute_name, longest_window, rule_name
from monitor.fairness import reference
from monitor.panes.table import Table

DEFAULTS = (
    ("selection_rate", "difference"),
    ("selection_rate", "ratio"),
    ("true_positive_rate", "difference"),
    ("false_positive_rate", "difference"),
    ("false_negative_rate", "difference"),
    ("positive_predictive_value", "difference"),
    ("accuracy", "difference"),
)


NO_RULES: Mapping[str, Sequence[Rule]] = {}  # by attribute: then those of the model
NO_TABLES: Mapping[str, Table] = {}


class Place(NamedTuple):
    """Where something is read: an attribute's groups in a window."""

    attribute: str
    window: str


@dataclass(frozen=True)
class Question:
    """One metric, how it is compared and with whom, and the limits of the rule that asks, if one does."""

    metric: str
    compare: str
    reference: str
    limits: tuple[float | None, float | None] = (None, None)
    fewest: int = 0
    rule: str | None = None


def concerning(rules: Sequence[Rule], model: Model, place: Place) -> list[Rule]:
    """The rules about this attribute in this window; one that names no window is about the longest."""
    longest = longest_window(model)
    return [
        rule
        for rule in rules
        if (rule.window or longest) == place.window
        and (rule.attribute is None or attribute_name(rule.attribute) == place.attribute)
    ]


def asked(rules: Sequence[Rule], model: Model, attribute: str) -> list[Question]:
    """The rules' questions, then the defaults that no rule asks."""
    questions = [_question(rule, model, attribute) for rule in rules]
    named = {(question.metric, question.compare) for question in questions}
    word = reference.word(model, attribute)
    return questions + [Question(*default, word) for default in DEFAULTS if default not in named]


def _question(rule: Rule, model: Model, attribute: str) -> Question:
    metric, compare = rates.resolve(rule.metric, rule.compare)
    word = reference.word(model, attribute, rule)
    limits = (rule.min, rule.max)
    return Question(metric, compare, word, limits, rule.minimum_sample, rule_name(rule, model))
