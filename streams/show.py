"""A model's readings as tables for a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.config import Model
from monitor.readings import Attribute, Comparison, Drift, Group, Rate, Reading, Verdict
from streams.measure import Measured, main_reading, spelled

RATES = {
    "selection_rate": "selected",
    "false_positive_rate": "false positives",
    "false_negative_rate": "false negatives",
    "positive_predictive_value": "precision",
}
_STYLES = {
    Verdict.WITHIN: "green",
    Verdict.OUT: "bold red",
    Verdict.UNDECIDED: "yellow",
    Verdict.UNDEFINED: "dim",
    Verdict.STALE: "dim",
}


def show(console: Console, measured: Measured, model: Model, window: str | None, everything: bool) -> None:
    """Prints a window's groups, and the comparisons and drift that rules ask for, or all."""
    main = main_reading(measured.readings, window)
    readings = [main, *(r for r in measured.readings if window is None and r is not main)]
    console.print(_headline(main, model))
    for line in _faults(measured):
        console.print(line, markup=False, highlight=False)
    for name, attribute in main.attributes.items():
        console.print(groups(name, attribute))
    asked = [c for reading in readings for c in _comparisons(reading) if _shown(c, model, everything)]
    if asked:
        console.print(comparisons(asked))
    drifts = [d for reading in readings for d in reading.drift if _shown(d, model, everything)]
    if drifts:
        console.print(drift(drifts))


def _shown(found: Comparison | Drift, model: Model, everything: bool) -> bool:
    return everything or not model.rules or found.rule is not None


def _headline(reading: Reading, model: Model) -> Text:
    as_of = "" if reading.as_of is None else f", as of {spelled(reading.as_of)[:10]}"
    share = f"{reading.decisions:,} decisions, {reading.feedback:,} with an outcome"
    positive = ", ".join(str(value) for value in model.positive)
    good = "good" if model.favourable else "bad"
    text = Text(f"{reading.model}: {share}, window {reading.window}{as_of}", style="bold")
    return text.append(f"\npositive is {positive}, which is {good} for the person", style="not bold")


def _faults(measured: Measured) -> Iterator[str]:
    for reason, count in measured.invalid.items():
        examples = measured.examples.get(reason, ())
        places = "; ".join(f"row {each.record}: {each.detail}" for each in examples)
        yield f"{count:,} invalid events, {reason} ({places})"


def groups(name: str, attribute: Attribute) -> Table:
    """Each group's size, coverage and main rates with their 95 % intervals."""
    table = Table(title=name, title_justify="left", title_style="bold")
    table.add_column("group")
    for heading in ("decisions", "outcome known", *RATES.values()):
        table.add_column(heading, justify="right")
    for group, found in attribute.groups.items():
        label = f"{group} (reference)" if group == attribute.reference else group
        table.add_row(Text(label), f"{found.n:,}", percent(found.coverage), *_rates(found))
    return table


def _rates(group: Group) -> Iterator[str]:
    for name in RATES:
        found = group.rates.get(name)
        yield "–" if found is None else rate(found)


def rate(found: Rate) -> str:
    """A rate with its interval: "44.8 % [42.6, 47.2]"."""
    if found.low is None or found.high is None:
        return percent(found.value)
    return f"{percent(found.value)} [{found.low:.1%}, {found.high:.1%}]".replace("%,", ",").replace("%]", "]")


def percent(share: float | None) -> str:
    """A share in per cent; a dash for what does not exist.

    >>> percent(0.4485), percent(None)
    ('44.8 %', '–')
    """
    return "–" if share is None else f"{share:.1%}".replace("%", " %")


def comparisons(found: Sequence[Comparison]) -> Table:
    """Comparisons with their intervals, limits and verdicts."""
    headings = ("metric", "group", "against", "value [95 % interval]", "n", "limits", "window", "verdict")
    table = _table("Comparisons", headings)
    for each in found:
        against = "its limits" if each.reference is None else each.reference
        value = _interval(each.value, each.low, each.high)
        table.add_row(
            Text(f"{each.metric} {each.compare}"),
            Text(f"{each.group} ({each.attribute})"),
            Text(against),
            value,
            f"{each.n:,}",
            limits(each.min, each.max),
            each.window,
            verdict(each.verdict, each.needed),
        )
    return table


def drift(found: Sequence[Drift]) -> Table:
    """Measures of drift with their limits and verdicts."""
    table = _table("Drift", ("measure", "of", "value", "n", "limits", "window", "verdict"))
    for each in found:
        value = "–" if each.value is None else f"{each.value:.3g}"
        row = (value, f"{each.n:,}", limits(None, each.max), each.window)
        table.add_row(each.measure, Text(each.stream), *row, verdict(each.verdict))
    return table


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in headings:
        numeric = heading in ("n", "value", "value [95 % interval]")
        table.add_column(heading, justify="right" if numeric else "left")
    return table


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    ends = ", ".join("…" if end is None else f"{end:+.3f}" for end in (low, high))
    return f"{value:+.3f} [{ends}]"


def limits(low: float | None, high: float | None) -> str:
    """The limits of a rule.

    >>> limits(-0.1, 0.1), limits(0.8, None), limits(None, None)
    ('-0.1 to 0.1', '≥ 0.8', '–')
    """
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is None and high is None:
        return "–"
    return f"≥ {low:g}" if low is not None else f"≤ {high:g}"


def verdict(found: Verdict, needed: int | None = None) -> Text:
    """A verdict in its colour; of an undecided one, how many more decisions it takes."""
    more = f" (about {needed:,} more)" if needed else ""
    return Text(found.value.replace("_", " ") + more, style=_STYLES[found])


def _comparisons(reading: Reading) -> Iterator[Comparison]:
    for attribute in reading.attributes.values():
        yield from attribute.comparisons
    yield from reading.composites
