"""Drift of a stream of values, told in words."""

from alerts.alert import Alert, State
from alerts.story import SMALL, Story
from monitor import words
from monitor.config import Model
from monitor.drift import detectors
from monitor.readings import Drift

# Measures of data quality: the name, and what a value of it says.
_QUALITY = {
    "missing": ("missing values", "The share of missing values of {stream} has moved by {value}."),
    "missing_categories": (
        "missing categories",
        "Categories that made up {value} of the baseline of {stream} come no more.",
    ),
    "new_categories": (
        "new categories",
        "Of the values of {stream}, {value} are in categories that the baseline does not have.",
    ),
    "out_of_range": (
        "values out of range",
        "Of the values of {stream}, {value} lie outside the range of the baseline.",
    ),
    "type_changed": ("another type", "What was numbers in {stream} is now words, or the other way round."),
    "volume": ("volume", "The number of decisions has moved by {value} from the baseline's."),
}
_STREAMS = {
    "error": "the error rate",
    "selection": "the selection rate of everybody",
    "volume": "the number of decisions",
}
_MEANINGS = {
    "error": "The model is wrong more, or less, often than it used to be.",
    "selection": "Decisions fall out positive more, or less, often than they used to.",
    "volume": "More, or fewer, decisions come in than usual: something may have stopped, or come twice.",
}
_MEANING = "The values differ from those that the model was judged on, so that past checks may not hold."


def tell(alert: Alert, drift: Drift, model: Model) -> Story:
    """The story of a drift measure; a group under `min_group` is not named."""
    stream = _stream(drift, model)
    settled = "is no longer judged" if alert.note else "is no longer out of limits"
    moved = settled if alert.state is State.RESOLVED else "has drifted"
    return Story(
        headline=f"{stream} {moved} ({_measure(drift)})",
        summary=[_summary(drift, stream), _limit(drift)],
        facts=_facts(drift, stream),
        meaning=[_MEANINGS.get(drift.stream.partition(".")[0], _MEANING)],
        advice=_advice(),
        labels={"metric": drift.measure, "window": drift.window, **_label(drift, model)},
        numbers={"value": drift.value, "max": drift.max, "n": drift.n, "baseline_n": drift.baseline_n},
    )


def _stream(drift: Drift, model: Model) -> str:
    kind, _, rest = drift.stream.partition(".")
    if kind == "features" and rest:
        return f"the feature {words.clean(rest)}"
    if kind == "selection" and rest:
        attribute, _, group = rest.partition(".")
        shown = SMALL if drift.n < model.min_group else words.clean(group)
        return f"the selection rate of {shown} ({words.clean(attribute)})"
    return _STREAMS.get(drift.stream) or f"the {words.clean(drift.stream)}"


def _label(drift: Drift, model: Model) -> dict[str, str]:
    hidden = drift.stream.startswith("selection.") and drift.n < model.min_group
    return {} if hidden else {"stream": words.clean(drift.stream)}


def _measure(drift: Drift) -> str:
    if drift.measure in _QUALITY:
        return _QUALITY[drift.measure][0]
    return words.clean(drift.measure.replace("_", " ").upper())


def _value(drift: Drift, value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:.1%}".replace("%", " %") if drift.measure in _QUALITY else f"{value:.3g}"


def _summary(drift: Drift, stream: str) -> str:
    if drift.at is not None:
        return f"{_measure(drift)} saw {stream} change, the last time at {words.moment(drift.at)}."
    if _is_detector(drift):
        return f"{_measure(drift)} has seen no change of {stream} in this window."
    value = _value(drift, drift.value)
    if drift.measure in _QUALITY and drift.value:
        return _QUALITY[drift.measure][1].format(stream=stream, value=value)
    return f"The distance of {stream} from its baseline, measured by {_measure(drift)}, is {value}."


def _is_detector(drift: Drift) -> bool:
    """Detectors count changes against the stream's own past; all else is measured against a baseline."""
    return drift.measure in detectors.names()


def _limit(drift: Drift) -> str:
    if drift.max is None:
        return ""
    unit = " changes" if _is_detector(drift) else ""
    return f"The rule allows at most {_value(drift, drift.max)}{unit}."


def _facts(drift: Drift, stream: str) -> list[tuple[str, str]]:
    name = "Changes found" if _is_detector(drift) else "Value"
    facts = [
        ("What is watched", stream),
        ("Measure", _measure(drift)),
        (name, _value(drift, drift.value)),
        ("Sample", f"{drift.n:,} cases"),
    ]
    if not _is_detector(drift):
        facts.append(("Sample of the baseline", f"{drift.baseline_n:,} cases"))
    return [
        *facts,
        ("Window", words.window(drift.window)),
    ]


def _advice() -> list[str]:
    return [
        "Look whether a source of data, a unit or a form has changed: that is the most common reason.",
        "Open the page and see whether any group's rates have moved as well.",
        "If the change is meant to stay, build a new baseline with `fairlead baseline`.",
    ]
