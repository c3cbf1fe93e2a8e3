"""A gap between groups, told in words."""

from alerts.alert import Alert, State
from alerts.story import SMALL, Story
from monitor import words
from monitor.config import Model
from monitor.fairness import population
from monitor.readings import Comparison


def tell(alert: Alert, gap: Comparison, model: Model) -> Story:
    """The story of a comparison; a group under `min_group` is neither named nor counted."""
    labels = {
        "metric": gap.metric,
        "compare": gap.compare,
        "attribute": words.clean(gap.attribute),
        "window": gap.window,
    }
    if is_small(gap, model):
        return _veiled(alert, gap, model, labels)
    if gap.group:
        labels["group"] = words.clean(gap.group)
    if gap.reference is not None:
        labels["reference"] = words.clean(gap.reference)
    return Story(
        headline=_headline(alert, gap),
        summary=_summary(gap),
        facts=_facts(gap),
        meaning=_meaning(alert, gap, model),
        advice=_advice(gap),
        labels=labels,
        numbers=_numbers(gap),
    )


def is_small(gap: Comparison, model: Model) -> bool:
    """Whether one side of the comparison is too small to be named."""
    return gap.n < model.min_group or (gap.reference is not None and gap.reference_n < model.min_group)


def _veiled(alert: Alert, gap: Comparison, model: Model, labels: dict[str, str]) -> Story:
    metric = words.metric_name(gap.metric)
    attribute = words.clean(gap.attribute)
    state = "was" if alert.state is State.RESOLVED else "is"
    return Story(
        headline=f"{metric} of {SMALL} ({attribute}) {state} out of limits",
        summary=[f"The {metric} of {SMALL} by {attribute} {state} out of the limits of this rule."],
        facts=[("Window", words.window(gap.window))],
        meaning=[
            f"A group here has fewer than {model.min_group} people, so that it is not named in messages.",
            words.explanation(gap.metric, model),
        ],
        advice=["Look it up on the page, logged in as the officer in charge."],
        labels=labels,
        numbers={},
    )


def _headline(alert: Alert, gap: Comparison) -> str:
    metric, group = words.metric_name(gap.metric), _group(gap)
    if alert.state is State.RESOLVED:
        return f"{metric} of {group} is no longer {'judged' if alert.note else 'out of limits'}"
    value = words.gap(gap.metric, gap.compare, gap.value)
    if gap.reference is None or gap.value is None:
        return f"{metric} of {group} is {value}"
    reference = words.side(gap.reference)
    if gap.group_rate is None:
        return f"{metric} of {group} against {reference} is {value}"
    if gap.compare == "ratio":
        return f"{metric} of {group} is {value} that of {reference}"
    side = "above" if gap.value > 0 else "below"
    return f"{metric} of {group} is {value.lstrip('+-')} {side} {reference}"


def _summary(gap: Comparison) -> list[str]:
    metric, rate = words.metric_name(gap.metric), words.amount(gap.metric, gap.group_rate)
    if gap.reference is None or gap.group_rate is None:
        value = words.gap(gap.metric, gap.compare, gap.value)
        against = "" if gap.reference is None else f" against {words.side(gap.reference)}"
        return [f"The {metric} of {_group(gap)}{against} is {value}.", _limits(gap)]
    reference = f"{words.amount(gap.metric, gap.reference_rate)} for {words.side(gap.reference)}"
    return [f"The {metric} is {rate} for {_group(gap)}, against {reference}.", _limits(gap)]


def _limits(gap: Comparison) -> str:
    if gap.compare == "difference" and gap.max is not None and gap.min == -gap.max:
        widest = words.gap(gap.metric, gap.compare, gap.max).lstrip("+")
        return f"The rule allows a gap of at most {widest} either way."
    lowest = None if gap.min is None else f"at least {words.gap(gap.metric, gap.compare, gap.min)}"
    highest = None if gap.max is None else f"at most {words.gap(gap.metric, gap.compare, gap.max)}"
    asked = " and ".join(limit for limit in (lowest, highest) if limit)
    return f"The rule allows {asked}." if asked else ""


def _facts(gap: Comparison) -> list[tuple[str, str]]:
    facts = [("Metric", words.metric_name(gap.metric)), _side(gap, gap.group, gap.group_rate, gap.n)]
    if gap.reference is not None:
        facts.append(_side(gap, gap.reference, gap.reference_rate, gap.reference_n))
    name = "Value" if gap.reference is None else "Ratio" if gap.compare == "ratio" else "Gap"
    if gap.proved is not None:
        facts.append(("Proved", words.moment(gap.proved)))
    return [*facts, (name, _interval(gap)), ("Window", words.window(gap.window))]


def _side(gap: Comparison, group: str, rate: float | None, n: int) -> tuple[str, str]:
    name = words.side(group or gap.attribute)
    return name, f"{n:,} cases" if rate is None else f"{words.amount(gap.metric, rate)} of {n:,}"


def _interval(gap: Comparison) -> str:
    value = words.gap(gap.metric, gap.compare, gap.value)
    if gap.low is None or gap.high is None:
        return value
    interval = words.interval(gap.metric, gap.compare, gap.low, gap.high)
    return f"{value} (95 % interval: {interval})"


def _meaning(alert: Alert, gap: Comparison, model: Model) -> list[str]:
    lines = [words.explanation(gap.metric, model)]
    if alert.state is State.FIRING:
        lines += _proof(gap)
    if alert.state is State.FIRING and gap.restart is not None:
        lines.append(f"About its test: {words.restart(gap.restart)}")
    if alert.state is State.FIRING and gap.low is not None and gap.proof is None:
        lines.append("The whole interval lies beyond the limit: chance alone is an unlikely reason.")
    if alert.state is State.FIRING and gap.e_value is not None and gap.e_value > 1 and not gap.proof:
        lines.append(
            f"A model within the limit would ever show this at most once in {gap.e_value:,.0f} times."
        )
    if extreme := population.extreme(gap.metric):
        lines.append(
            f"Of all groups, this one has the {'lowest' if extreme[0] == 'min' else 'highest'} value."
        )
    if gap.rough:
        lines.append("One side has fewer than 30 cases, so take the interval as a rough one.")
    lines.append("A gap says that groups are treated or fare differently, not why.")
    return [line for line in lines if line]


def _proof(gap: Comparison) -> list[str]:
    """What a sequential test proved, and how rarely it would say so of a model that complies."""
    if gap.proof is None or gap.once_in is None or gap.proved is None:
        return []
    rarely = "a billion" if gap.once_in >= 1e9 else f"{gap.once_in:,.0f}"
    said = {
        "start": f"Proved by {gap.proved_after or 0:,} cases: however often one looks, a compliant model"
        f" would ever show this at most once in {rarely} times.",
        "month": "Proved by the cases of a single month: a compliant model would show this in at most one of"
        f" {rarely} months.",
        "change": f"A change was found, which began about {words.moment(gap.onset or gap.proved)}: a"
        f" compliant model sets this off at most once in {rarely} blocks of a hundred cases.",
    }
    lines = [said[gap.proof]]
    if gap.onset is not None and gap.proof != "change":
        lines = [
            f"Proved on {words.moment(gap.proved)}, and confirmed since: the newest change found began about"
            f" {words.moment(gap.onset)}."
        ]
    if gap.cs_low is not None and gap.cs_high is not None:
        interval = words.interval(gap.metric, gap.compare, gap.cs_low, gap.cs_high)
        lines.append(
            f"On average over all {gap.tested:,} cases tested it was {interval}, limits that always hold."
        )
    if gap.outside:
        lines.append(
            f"{gap.outside:,} of the {gap.tested:,} values tested lay outside the declared bounds, and were"
            " tested as the nearest bound."
        )
    return lines


def _advice(gap: Comparison) -> list[str]:
    lines = [
        "Open the page and see whether other metrics and windows show the same.",
        "Ask what has changed since then: a new version, a new source of data, other people applying.",
    ]
    if words.needs_outcomes(gap.metric):
        lines.append("Check the coverage: do outcomes come back as often for one group as for the other?")
    lines.append("Until it is understood, let a person look at the decisions about the group concerned.")
    return lines


def _numbers(gap: Comparison) -> dict[str, float | None]:
    names = (
        "value",
        "low",
        "high",
        "min",
        "max",
        "n",
        "reference_n",
        "group_rate",
        "reference_rate",
        "e_value",
    )
    return {name: getattr(gap, name) for name in names}


def _group(gap: Comparison) -> str:
    group, attribute = words.clean(gap.group), words.clean(gap.attribute)
    return f"{group} ({attribute})" if group else attribute
