"""Five rules to start from for each kind of model: the words of `preset` in the configuration.

Limits are customs of the field, not law: a ratio of .8 to the group with the highest rate is the four-fifths
rule, an employment guideline (29 CFR 1607.4 D); a gap of .1 is where audits often begin, and a PSI of .2 what
credit scoring calls a shift. Set your own rules on top; a rule that asks the same as one of a preset replaces
it.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from monitor.config.config import Model, Preset, Rule, rule_name

_FOUR_FIFTHS = Rule(
    metric="selection_rate", compare="ratio", min=0.8, reference="highest", severity="critical"
)
_SCORES = Rule(metric="psi", stream="score", max=0.2)
_ERRORS = Rule(metric="adwin", stream="error", severity="info")


def _within(metric: str, gap: float) -> Rule:
    return Rule(metric=metric, compare="difference", min=-gap, max=gap)


RULES: Mapping[Preset, Sequence[Rule]] = {
    # Only the approved show whether they repay, so that rates among all who would have repaid are unknown.
    "credit": (
        _FOUR_FIFTHS,
        _within("positive_predictive_value", 0.1),
        _within("override_rate", 0.1),
        _SCORES,
        _ERRORS,
    ),
    "hiring": (
        _FOUR_FIFTHS,
        replace(_FOUR_FIFTHS, metric="final_selection_rate"),
        _within("override_down_rate", 0.1),
        _within("true_positive_rate", 0.1),
        _SCORES,
    ),
    # Answers to customers: an event is an answer or a routing, feedback is what the customer thought of it.
    "support": (
        _within("selection_rate", 0.1),
        _within("flags.helpful", 0.1),
        _within("flags.escalated", 0.1),
        _within("values.csat.mean", 0.5),
        _ERRORS,
    ),
    # Items shown to people: the decision is what was shown, feedback is whether they wanted it.
    "recommendation": (
        _FOUR_FIFTHS,
        Rule(metric="flags.clicked", compare="ratio", min=0.8, reference="highest"),
        Rule(metric="exposure_entropy", compare="ratio", min=0.8, reference="highest"),
        _SCORES,
        Rule(metric="adwin", stream="selection", severity="info"),
    ),
}


def apply(model: Model) -> Model:
    """The model with its preset's rules before its own.

    >>> own = Rule(metric="selection_rate", compare="ratio", min=0.9)
    >>> model = apply(Model(positive=["yes"], preset="credit", rules=[own]))
    >>> len(model.rules), [rule.min for rule in model.rules if rule.metric == "selection_rate"]
    (5, [0.9])
    """
    if model.preset is None:
        return model
    asked = {rule_name(replace(rule, name=""), model) for rule in model.rules}
    kept = [rule for rule in RULES[model.preset] if rule_name(rule, model) not in asked]
    return replace(model, rules=[*kept, *model.rules])
