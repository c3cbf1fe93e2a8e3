"""What metrics and numbers are called when people are told about them."""

import unicodedata
from datetime import UTC, datetime

from monitor import rates
from monitor.config import Model
from monitor.fairness import numbers, population, reference
from monitor.panes.table import MEAN
from monitor.readings import Restart

# metric → (its name, the people it is a share of, what that share is)
_SHARES = {
    "selection_rate": ("selection rate", "everyone who was decided on", "got the decision {positive}"),
    "true_positive_rate": (
        "true positive rate",
        "those whose outcome turned out positive",
        "had rightly got {positive}",
    ),
    "false_negative_rate": (
        "false negative rate",
        "those whose outcome turned out positive",
        "had wrongly not got {positive}",
    ),
    "false_positive_rate": (
        "false positive rate",
        "those whose outcome turned out negative",
        "had wrongly got {positive}",
    ),
    "true_negative_rate": (
        "true negative rate",
        "those whose outcome turned out negative",
        "had rightly not got {positive}",
    ),
    "positive_predictive_value": (
        "positive predictive value",
        "those who got {positive}",
        "the decision proved right",
    ),
    "false_discovery_rate": (
        "false discovery rate",
        "those who got {positive}",
        "the decision proved wrong",
    ),
    "negative_predictive_value": (
        "negative predictive value",
        "those who did not get {positive}",
        "the decision proved right",
    ),
    "false_omission_rate": (
        "false omission rate",
        "those who did not get {positive}",
        "the decision proved wrong",
    ),
    "accuracy": ("accuracy", "all decisions whose outcome has come", "proved right"),
    "error_rate": ("error rate", "all decisions whose outcome has come", "proved wrong"),
    "predicted_prevalence": (
        "selection rate among known outcomes",
        "all decisions whose outcome has come",
        "were {positive}",
    ),
    "base_rate": ("base rate", "all decisions whose outcome has come", "had a positive outcome"),
    "coverage": ("coverage", "all decisions", "have an outcome by now"),
    "positive_coverage": ("coverage of positive decisions", "all decisions {positive}", "have an outcome"),
    "negative_coverage": ("coverage of other decisions", "all decisions but {positive}", "have an outcome"),
    "review_rate": ("review rate", "all decisions", "were reviewed by a person"),
    "override_rate": ("override rate", "all reviewed decisions", "were changed by the reviewer"),
    "override_up_rate": ("rate of overrides upwards", "all reviewed decisions", "were changed to {positive}"),
    "override_down_rate": (
        "rate of overrides downwards",
        "all reviewed decisions",
        "were changed away from {positive}",
    ),
    "group_share": ("share of all decisions", "all decisions", "were about the group"),
    "share_of_positives": ("share of positive decisions", "all decisions {positive}", "went to the group"),
}
_OUTCOME_RATES = {"coverage", "positive_coverage", "negative_coverage"}
_DECISION_RATES = {
    "selection_rate",
    "review_rate",
    "override_rate",
    "override_up_rate",
    "override_down_rate",
    "group_share",
    "share_of_positives",
}
_FINAL = "final_"


def metric_name(metric: str) -> str:
    """What a metric is called.

    >>> metric_name("final_selection_rate"), metric_name("flags.explained"), metric_name("theil_index")
    ('selection rate after review', 'rate of “explained”', 'theil index')
    >>> metric_name("values.csat.mean"), metric_name("score.p90"), metric_name("group_min.accuracy")
    ('mean of csat', '90th percentile of score', 'accuracy')
    """
    ours, _ = rates.resolve(metric)
    if ours in _SHARES:
        return _SHARES[ours][0]
    if ours.startswith(_FINAL):
        return f"{metric_name(ours.removeprefix(_FINAL))} after review"
    if extreme := population.extreme(ours):
        return metric_name(extreme[1])
    return _flag(ours) or _number(ours) or clean(ours.replace("_", " "))


def _flag(metric: str) -> str:
    kind, _, name = metric.partition(".")
    kinds = {"flags": "rate of “{}”", "reasons": "rate of the reason “{}”"}
    return kinds[kind].format(clean(name)) if kind in kinds else ""


def _number(metric: str) -> str:
    if metric.endswith(MEAN):
        return f"mean of {_source(metric.removesuffix(MEAN))}"
    if found := numbers.quantile(metric):
        source, share = found
        name = "median" if share == 0.5 else f"{100 * share:.0f}th percentile"
        return f"{name} of {_source(source)}"
    return ""


def _source(number: str) -> str:
    return clean(number.removeprefix("values."))


def side(group: str) -> str:
    """What a group, or all together, is called."""
    words = {
        reference.OVERALL: "everybody",
        reference.BASELINE: "itself in the baseline period",
        reference.POPULATION: "its part of the population",
    }
    return words.get(group) or clean(group)


def explanation(metric: str, model: Model) -> str:
    """One sentence for people who are no statisticians; "" where a metric has none.

    >>> explanation("false_positive_rate", Model(positive=["high"]))
    'Of those whose outcome turned out negative, this is the share that had wrongly got “high”.'
    """
    ours, _ = rates.resolve(metric)
    share = _SHARES.get(ours.removeprefix(_FINAL))
    if share is None:
        return ""
    positive = " or ".join(f"“{clean(str(value))}”" for value in model.positive) or "a positive decision"
    of, what = (part.replace("{positive}", positive) for part in share[1:])
    linked = f"where {what}" if what.startswith("the decision") else f"that {what}"
    after = " It looks at the final decision, after a person's review." if ours.startswith(_FINAL) else ""
    return f"Of {of}, this is the share {linked}.{after}"


def needs_outcomes(metric: str) -> bool:
    """Whether the metric waits for outcomes, so that a lack of them can mislead.

    >>> needs_outcomes("fpr"), needs_outcomes("selection_rate")
    (True, False)
    """
    ours = rates.resolve(metric)[0].removeprefix(_FINAL)
    return ours in _SHARES and ours not in _DECISION_RATES | _OUTCOME_RATES


def amount(metric: str, value: float | None) -> str:
    """A value of the metric: a share as a percentage, anything else as a number.

    >>> amount("fpr", 0.4485), amount("score", 5.25), amount("fpr", None)
    ('44.9 %', '5.25', 'not known')
    """
    if value is None:
        return "not known"
    return f"{value:.1%}".replace("%", " %") if is_share(metric) else f"{value:.4g}"


def gap(metric: str, compare: str, value: float | None) -> str:
    """A comparison's value: points of a share's difference, or times of a ratio.

    >>> gap("fpr", "difference", 0.2138), gap("fpr", "ratio", 0.756), gap("score", "difference", -1.5)
    ('+21.4 points', '0.76 times', '-1.5')
    """
    if value is None:
        return "not known"
    if compare == "ratio":
        return f"{value:.2f} times"
    if compare == "value":
        return amount(metric, value)
    return f"{100 * value:+.1f} points" if is_share(metric) else f"{value:+.4g}"


def interval(metric: str, compare: str, low: float, high: float) -> str:
    """An interval of a comparison, its unit said once.

    >>> interval("fpr", "difference", 0.18, 0.247), interval("fpr", "value", 0.18, 0.247)
    ('+18.0 to +24.7 points', '18.0 to 24.7 %')
    """
    first, _, unit = gap(metric, compare, low).partition(" ")
    last = gap(metric, compare, high)
    return f"{first} to {last}" if not unit or last.endswith(unit) else f"{first} {unit} to {last}"


def is_share(metric: str) -> bool:
    """Whether the metric is a share of people or decisions, so between 0 and 1."""
    ours, _ = rates.resolve(metric)
    extreme = population.extreme(ours)
    return rates.definition(extreme[1] if extreme else ours) is not None


def window(name: str) -> str:
    """What a window covers.

    >>> window("all"), window("30d")
    ('all decisions so far', 'the last 30d')
    """
    named = {"all": "all decisions so far", "month": "this month", "last_month": "last month"}
    return named.get(name, f"the last {name}")


def moment(ms: int) -> str:
    """An event time as people read it.

    >>> moment(1_365_000_000_000)
    '2013-04-03 14:40 UTC'
    """
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def restart(found: Restart) -> str:
    """Why a test began anew, without names.

    >>> restart(Restart(rule="", attribute="", reason="edited", text="the rule was edited", at=0, times=2))
    'The rule was edited (from 1970-01-01 on, the last of 2 times).'
    """
    details = [f"from {moment(found.at)[:10]} on"]
    if found.events is not None and found.fed is not None:
        details.append(f"{found.events:,} of {found.fed:,} events")
    if found.times > 1:
        details.append(f"the last of {found.times:,} times")
    return f"{found.text[:1].upper()}{found.text[1:]} ({', '.join(details)})."


def lasting(ms: int) -> str:
    """About how long, in its two largest units.

    >>> lasting(93_784_000), lasting(59_000)
    ('1 d 2 h', '59 s')
    """
    parts = []
    rest = max(ms, 0) // 1000
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, seconds)
        parts.append((count, unit))
    while len(parts) > 1 and parts[0][0] == 0:
        del parts[0]
    return " ".join(f"{count} {unit}" for count, unit in parts[:2] if count) or "0 s"


def clean(text: str, limit: int = 80) -> str:
    r"""A name that came with an event, made harmless: one line, no control characters, not too long.

    >>> clean("F\r\nBcc: all@example.com"), clean("\x1b[31mred\u202e")
    ('F Bcc: all@example.com', '[31mred')
    """
    spaced = " ".join(text.split())
    shown = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
