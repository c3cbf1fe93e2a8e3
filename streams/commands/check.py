"""`fairlead check`: what will be monitored, in words."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import drift
from monitor.config import Config, Model, Route, Rule, attribute_name, longest_window, rule_name, slice_ms
from monitor.config.durations import spell
from monitor.drift import detectors
from monitor.rates import resolve
from monitor.trials import told


def description(config: Config, anew: Sequence[str] | None = None) -> dict[str, Any]:
    """What `check --json` prints; with what is begun `anew` where a deployment was asked."""
    deployed = {} if anew is None else {"deployed": list(anew)}
    return {
        "models": {name: _model(model) for name, model in config.models.items()},
        "tests": told(config),
        **deployed,
        "routes": [{"takes": takes(route), "to": route.to} for route in config.alerts.routes],
        "broker": config.broker.url,
        "page": f"http://{config.http.host}:{config.http.port}/",
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "purpose": model.purpose,
        "positive": model.positive,
        "favourable": model.favourable,
        "attributes": [attribute_name(attribute) for attribute in model.attributes],
        "reference": model.reference,
        "slices": model.slices,
        "features": model.features,
        "bounds": model.bounds,
        "windows": model.windows,
        "slice": spell(slice_ms(model)),
        "feedback_within": model.feedback_within,
        "baseline": model.baseline,
        "rules": [
            {"name": rule_name(rule, model), "severity": rule.severity, "says": says(rule, model)}
            for rule in model.rules
        ],
    }


def says(rule: Rule, model: Model) -> str:
    """A rule in words.

    >>> says(Rule(metric="selection_rate", compare="ratio", min=0.8), Model(positive=["yes"]))
    'selection_rate over that of the reference, by each attribute, is at least 0.8, over all time'
    """
    window = rule.window or longest_window(model)
    words = f"{_subject(rule)} is {_limits(rule)}, {'over all time' if window == 'all' else f'in {window}'}"
    return words if rule.for_ == "0s" else f"{words}, or not for longer than {rule.for_}"


def _subject(rule: Rule) -> str:
    if rule.metric in detectors.names():
        return f"the number of changes that {rule.metric} finds in {rule.stream or 'each stream'}"
    if rule.metric in drift.measures():
        return f"the {rule.metric} of {rule.stream or 'each stream'} to the baseline"
    about = "each attribute" if rule.attribute is None else attribute_name(rule.attribute)
    metric, compare = resolve(rule.metric, rule.compare)
    reference = f"that of {rule.reference or 'the reference'}"
    how = {"difference": f" minus {reference}", "ratio": f" over {reference}", "value": ""}[compare]
    return f"{metric}{how}, by {about},"


def _limits(rule: Rule) -> str:
    if rule.min is not None and rule.max is not None:
        return f"from {rule.min:g} to {rule.max:g}"
    return f"at least {rule.min:g}" if rule.min is not None else f"at most {rule.max or 0:g}"


def takes(route: Route) -> str:
    """Which alerts a route takes, in words.

    >>> takes(Route(to=["console"]))
    'every alert'
    """
    fields = {name: getattr(route.match, name) for name in route.match.__struct_fields__}
    found = [f"{name} {value}" for name, value in fields.items() if value is not None]
    return f"alerts with {', '.join(found)}" if found else "every alert"


def show(console: Console, config: Config, anew: Sequence[str] | None = None) -> None:
    """Prints it for people."""
    for name, model in config.models.items():
        console.print(_facts(name, model))
        console.print(_rules(model) if model.rules else Text("No rules: nothing will be alerted on."))
    for line in [*told(config), *(anew or ())]:
        console.print(Text(line))
    console.print(_routes(config))


def _facts(name: str, model: Model) -> Table:
    table = _table(f"Model {name}")
    table.show_header = False
    for key, value in _lines(model):
        table.add_row(Text(key, style="bold"), Text(value))
    return table


def _lines(model: Model) -> Iterator[tuple[str, str]]:
    positive = ", ".join(str(value) for value in model.positive)
    if model.purpose:
        yield "purpose", model.purpose
    yield "positive", f"{positive}: {'good' if model.favourable else 'bad'} for the person"
    yield "attributes", "; ".join(map(attribute_name, model.attributes)) or "none: only everybody together"
    yield "reference", _reference(model)
    yield "windows", f"{', '.join(model.windows)}; event time is cut into slices of {spell(slice_ms(model))}"
    yield "outcomes", f"awaited for {model.feedback_within}"
    if model.bounds:
        yield (
            "numbers",
            "; ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in model.bounds.items()),
        )
    drifting = ", ".join(["score", *model.features])
    baseline = (
        f"the first {model.baseline:,} decisions" if isinstance(model.baseline, int) else model.baseline
    )
    yield "drift", f"{drifting} against {baseline}"


def _reference(model: Model) -> str:
    if isinstance(model.reference, str):
        return model.reference
    return "; ".join(f"{attribute}: {group}" for attribute, group in model.reference.items())


def _rules(model: Model) -> Table:
    table = _table("Rules", "it alerts unless", "severity")
    for rule in model.rules:
        name = f"{rule.name}: " if rule.name else ""
        table.add_row(Text(name + says(rule, model)), rule.severity)
    return table


def _routes(config: Config) -> Table:
    table = _table("Routes", "the first that takes", "tells")
    for route in config.alerts.routes:
        table.add_row(Text(takes(route)), Text(", ".join(route.to)))
    table.add_row("all others", "console")
    return table


def _table(title: str, *headings: str) -> Table:
    return Table(*headings, title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
