"""A model's readings as tables for a terminal."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import words
from monitor.config import Model
from monitor.readings import Attribute, Comparison, Drift, Group, Rate, Reading, Verdict
from streams.commands.measure import Measured, main_reading, spelled

RATES = {
    "selection_rate": "selected",
    "false_positive_rate": "false positive",
    "false_negative_rate": "false negative",
    "positive_predictive_value": "precision",
}
NUMBERS = {"n", "value", "people", "selected", "rate %", "ratio", "Fisher p", "std. dev."}
LONGEST = 1_000  # characters of a text that is printed
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
    for line in _faults(measured, model.feedback_within):
        console.print(line, markup=False, highlight=False)
    for caution in main.cautions:
        console.print(plain(f"Caution: {caution.text}", style="yellow"))
    for found in main.restarts:
        if found.reason == "new_group":  # told in --json: nothing is wrong with it
            continue
        told = f"{found.rule}, by {found.attribute}: {words.restart(found)}"
        console.print(plain(told, style="yellow"))
    for name, attribute in main.attributes.items():
        console.print(groups(name, attribute))
    asked = [c for reading in readings for c in _comparisons(reading) if _shown(c, model, everything)]
    for table in comparisons(asked):
        console.print(table)
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


def _faults(measured: Measured, within: str) -> Iterator[str]:
    for reason, count in measured.invalid.items():
        examples = measured.examples.get(reason, ())
        places = "; ".join(f"row {each.record}: {each.detail}" for each in examples)
        yield f"{count:,} invalid events, {reason} ({places})"
    if measured.overdue:
        yield (
            f"{measured.overdue:,} feedback events came later than {within} after their decision: they count "
            "here, and a deployment may have refused them as too_late"
        )


def groups(name: str, attribute: Attribute) -> Table:
    """Each group's size, coverage and main rates with their 95 % intervals, in per cent."""
    reference = "" if attribute.reference is None else f" (reference {attribute.reference})"
    table = sheet(f"{name}{reference}, rates in % with 95 % intervals")
    table.add_column("group", min_width=17, overflow="fold")
    for heading in ("decisions", "known"):
        table.add_column(heading, justify="right")
    for heading in RATES.values():
        table.add_column(heading, justify="right", max_width=9)
    for group, found in attribute.groups.items():
        table.add_row(plain(group), f"{found.n:,}", percent(found.coverage), *_rates(found))
    return table


def _rates(group: Group) -> Iterator[str]:
    for name in RATES:
        found = group.rates.get(name)
        yield "–" if found is None else rate(found)


def rate(found: Rate) -> str:
    """A rate with its interval, in per cent.

    >>> rate(Rate(0.4485, 0.426, 0.472, 1795)), rate(Rate(0.5, None, None, 4))
    ('44.9 (43–47)', '50.0')
    """
    if found.low is None or found.high is None:
        return percent(found.value)
    return f"{percent(found.value)} ({100 * found.low:.0f}–{100 * found.high:.0f})"


def percent(share: float | None) -> str:
    """A share in per cent; a dash for what does not exist.

    >>> percent(0.5), percent(None)
    ('50.0', '–')
    """
    return "–" if share is None else f"{100 * share:.1f}"


def comparisons(found: Sequence[Comparison]) -> Iterator[Table]:
    """One table for each question: a metric of an attribute's groups in a window, with its limits."""
    for (what, rest), some in groupby(found, key=_question):
        yield _answers(what, rest, list(some))


def _question(comparison: Comparison) -> tuple[str, str]:
    """What is asked; and what is allowed, in which window."""
    allowed = limits(comparison.min, comparison.max)
    rest = f", {comparison.window}" if allowed == "–" else f", allowed {allowed}, {comparison.window}"
    return f"{comparison.metric} {comparison.compare} of {comparison.attribute}", rest


def _answers(what: str, rest: str, found: Sequence[Comparison]) -> Table:
    """The answers; a reference that is the same for all is said once."""
    references = {each.reference for each in found}
    common = f" to {found[0].reference}" if len(references) == 1 and None not in references else ""
    table = sheet(f"{what}{common}{rest}", "group", "value", "95 % interval", "n", "verdict")
    for each in found:
        own = "" if common or each.reference is None else f" to {each.reference}"
        row = (number(each.value), interval(each.low, each.high), f"{each.n:,}")
        table.add_row(plain(each.group + own), *row, verdict(each.verdict, _outlook(each)))
    return table


def drift(found: Sequence[Drift]) -> Table:
    """Measures of drift with their limits and verdicts."""
    table = sheet("drift", "measure", "of", "value", "interval", "n", "limits", "window", "verdict")
    for each in found:
        found_by = (number(each.value), interval(each.low, each.high), f"{each.n:,}")
        row = (*found_by, limits(None, each.max), each.window)
        table.add_row(each.measure, plain(each.stream), *row, verdict(each.verdict))
    return table


def sheet(title: str, *headings: str) -> Table:
    """An empty table in the style of all; numbers stand to the right."""
    table = Table(
        title=plain(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for heading in headings:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left")
    return table


def plain(text: str, style: str = "") -> Text:
    """A text with names that came with events, without what a terminal would obey."""
    return Text(words.clean(text, LONGEST), style=style)


def number(value: float | None) -> str:
    """A number to three digits; a dash for what does not exist.

    >>> number(0.21392), number(None)
    ('0.214', '–')
    """
    return "–" if value is None else f"{value:.3g}"


def interval(low: float | None, high: float | None) -> str:
    """An interval, open where it has no bound.

    >>> interval(-0.0001, 0.25), interval(0.8, None), interval(None, None)
    ('0.000 to 0.250', '0.800 to …', '–')
    """
    if low is None and high is None:
        return "–"
    return " to ".join("…" if end is None else f"{round(end, 3) + 0.0:.3f}" for end in (low, high))


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


def verdict(found: Verdict, outlook: str = "") -> Text:
    """A verdict in its colour; of an undecided one, what it takes to decide."""
    more = f" ({outlook})" if outlook else ""
    return Text(found.value.replace("_", " ") + more, style=_STYLES[found])


def _outlook(c: Comparison) -> str:
    """How many more decisions an undecided comparison needs, about when, and what would be proved today."""
    if c.verdict is not Verdict.UNDECIDED:
        return "; ".join(_proof(c))
    when = "" if c.due is None else f", about {spelled(c.due)[:10]}"
    needed = f"about {c.needed:,} more{when}" if c.needed else ""
    provable = "" if c.detectable is None else f"provable: {number(c.detectable)}"
    return "; ".join(part for part in (needed, provable) if part)


def _proof(c: Comparison) -> Iterator[str]:
    """When a sequential test proved it, and since about when it is so."""
    if c.proved is not None:
        cases = "" if c.proved_after is None else f" by {c.proved_after:,} cases"
        yield f"proved {spelled(c.proved)[:10]}{cases}"
    if c.onset is not None:
        yield f"changed about {spelled(c.onset)[:10]}"


def _comparisons(reading: Reading) -> Iterator[Comparison]:
    for attribute in reading.attributes.values():
        yield from attribute.comparisons
    yield from reading.composites
