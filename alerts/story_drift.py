"""Drift of a stream of values, told in words."""

from alerts import words
from alerts.alert import Alert, State
from alerts.story import SMALL, Story
from monitor.config import Model
from monitor.readings import Drift


def tell(alert: Alert, drift: Drift, model: Model) -> Story:
    """The story of a drift measure; a group under `min_group` is not named."""
    stream = _stream(drift, model)
    moved = "is no longer out of limits" if alert.state is State.RESOLVED else "has drifted"
    return Story(
        headline=f"{stream} {moved} ({_measure(drift)})",
        summary=[_summary(drift, stream), _limit(drift)],
        facts=_facts(drift, stream),
        meaning=[_meaning(drift)],
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
    return f"the {words.clean(drift.stream)}"


def _label(drift: Drift, model: Model) -> dict[str, str]:
    hidden = drift.stream.startswith("selection.") and drift.n < model.min_group
    return {} if hidden else {"stream": words.clean(drift.stream)}


def _measure(drift: Drift) -> str:
    return words.clean(drift.measure.replace("_", " ").upper())


def _summary(drift: Drift, stream: str) -> str:
    if drift.at is not None:
        return f"{_measure(drift)} saw {stream} change, the last time at {words.moment(drift.at)}."
    if _is_detector(drift):
        return f"{_measure(drift)} has seen no change of {stream} in this window."
    value = "not known" if drift.value is None else f"{drift.value:.3g}"
    return f"The distance of {stream} from its baseline, measured by {_measure(drift)}, is {value}."


def _is_detector(drift: Drift) -> bool:
    """Detectors count changes against their own past; distances are to a baseline."""
    return drift.baseline_n == 0


def _limit(drift: Drift) -> str:
    if drift.max is None:
        return ""
    unit = " changes" if _is_detector(drift) else ""
    return f"The rule allows at most {drift.max:.3g}{unit}."


def _facts(drift: Drift, stream: str) -> list[tuple[str, str]]:
    name = "Changes found" if _is_detector(drift) else "Distance"
    facts = [
        ("What is watched", stream),
        ("Measure", _measure(drift)),
        (name, "not known" if drift.value is None else f"{drift.value:.3g}"),
        ("Sample", f"{drift.n:,} cases"),
    ]
    if drift.baseline_n:
        facts.append(("Sample of the baseline", f"{drift.baseline_n:,} cases"))
    return [
        *facts,
        ("Window", words.window(drift.window)),
    ]


def _meaning(drift: Drift) -> str:
    if drift.stream == "error":
        return "The model is wrong more, or less, often than it used to be."
    return "The values differ from those that the model was judged on, so that past checks may not hold."


def _advice() -> list[str]:
    return [
        "Look whether a source of data, a unit or a form has changed: that is the most common reason.",
        "Open the page and see whether any group's rates have moved as well.",
        "If the change is meant to stay, build a new baseline with `fairlead baseline`.",
    ]
