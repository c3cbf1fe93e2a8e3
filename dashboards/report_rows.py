"""What a report shows, row by row: groups, comparisons, drift and impact ratios, in words and drawn."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from dashboards.bars import Bar, gap_bar, limit_bar, rate_bar, ratio_bar
from monitor import rates, words
from monitor.config import Model
from monitor.drift import detectors
from monitor.fairness import impact
from monitor.fairness.impact import Impacts
from monitor.readings import Attribute, Comparison, Drift, Group, Reading, Verdict

USUAL = ("selection_rate", "false_positive_rate", "false_negative_rate", "positive_predictive_value")
COLUMNS = 4  # rates that are drawn for each group; the appendix has all
ORDER = (Verdict.OUT, Verdict.UNDECIDED, Verdict.STALE, Verdict.UNDEFINED, Verdict.WITHIN)
NAMES = {
    Verdict.OUT: "out of limits",
    Verdict.WITHIN: "within limits",
    Verdict.UNDECIDED: "undecided",
    Verdict.UNDEFINED: "undefined",
    Verdict.STALE: "stale",
}
SAID = {
    Verdict.OUT: "Proved to be beyond the limit.",
    Verdict.WITHIN: "Proved to be inside the limits.",
    Verdict.UNDECIDED: "Neither is proved yet.",
    Verdict.UNDEFINED: "There is nothing to divide by, so there is no number.",
    Verdict.STALE: "Nothing has arrived for too long: it says nothing about today.",
}


class Cell(Struct, frozen=True):
    """A group's rate: its value, its interval and denominator in words, and the two drawn."""

    value: str
    range: str
    bar: Bar | None


class Row(Struct, frozen=True):
    """A group: its decisions, the share with an outcome, and its cells."""

    name: str
    n: int
    coverage: str
    is_reference: bool
    cells: list[Cell]


class Gap(Struct, frozen=True, kw_only=True):
    """A comparison or a measure of drift as a row of a table."""

    what: str
    who: str
    value: str
    rates: str
    range: str
    bar: Bar | None
    verdict: Verdict | None  # None: nothing limits it
    said: str


class Section(Struct, frozen=True, kw_only=True):
    """An attribute: its groups with the rates of `headings` (name, meaning), and its comparisons."""

    name: str
    reference: str | None
    hidden: int
    headings: list[tuple[str, str]]
    rows: list[Row]
    gaps: list[Gap]
    all_rates: list[tuple[str, list[str]]]


def section(name: str, attribute: Attribute, reading: Reading, model: Model) -> Section:
    drawn = _drawn(attribute, model)
    found = asked(attribute.comparisons, model)
    return Section(
        name=name,
        reference=attribute.reference,
        hidden=max(0, reading.decisions - sum(group.n for group in attribute.groups.values())),
        headings=[(sentence_case(words.metric_name(r)), words.explanation(r, model)) for r in drawn],
        rows=[_row(group, one, attribute, drawn) for group, one in attribute.groups.items()],
        gaps=gaps(found if model.rules else [c for c in found if c.metric in drawn], within=name),
        all_rates=list(_all_rates(attribute.groups)),
    )


def _drawn(attribute: Attribute, model: Model) -> list[str]:
    """The rates that are drawn: those that rules are about, then the usual ones, as far as there are any."""
    about = [rates.resolve(rule.metric, rule.compare)[0] for rule in model.rules]
    known = {name for g in attribute.groups.values() for name, r in g.rates.items() if r.value is not None}
    return [name for name in dict.fromkeys([*about, *USUAL]) if name in known][:COLUMNS]


def _row(name: str, group: Group, attribute: Attribute, drawn: Sequence[str]) -> Row:
    is_reference = name == attribute.reference
    cells = [_cell(group, rate, attribute, is_reference) for rate in drawn]
    return Row(name, group.n, percent(group.coverage), is_reference, cells)


def _cell(group: Group, metric: str, attribute: Attribute, is_reference: bool) -> Cell:
    found = group.rates.get(metric)
    if found is None or found.value is None:
        return Cell("–", "nothing to divide by", None)
    of = f"of {found.n:,}"
    if found.low is None or found.high is None:
        return Cell(amount(metric, found.value), f"{of}, too few for an interval", None)
    span = words.interval(metric, "value", found.low, found.high)
    everybody = [other.rates[metric] for other in attribute.groups.values() if metric in other.rates]
    bar = rate_bar(found, everybody, words.is_share(metric), "reference" if is_reference else "")
    return Cell(amount(metric, found.value), f"{span}, {of}{', rough' if found.rough else ''}", bar)


def _all_rates(groups: Mapping[str, Group]) -> Iterator[tuple[str, list[str]]]:
    """Each rate that some group has, and its value in every group."""
    for name in dict.fromkeys(name for group in groups.values() for name in group.rates):
        found = [group.rates.get(name) for group in groups.values()]
        values = [None if rate is None else rate.value for rate in found]
        if any(value is not None for value in values):
            yield sentence_case(words.metric_name(name)), [amount(name, value) for value in values]


# comparisons, drift and impact


def asked(found: Sequence[Comparison], model: Model) -> list[Comparison]:
    """What rules ask for; where there are no rules, all."""
    return [c for c in found if c.rule is not None or not model.rules]


def gaps(found: Sequence[Comparison], within: str = "") -> list[Gap]:
    """Comparisons as rows, what is out of limits first; those of a kind share one scale.

    `within` is the attribute that the table is about, and need not be named in its rows.
    """
    ordered = sorted(found, key=lambda c: ORDER.index(c.verdict))
    return [_gap(c, [other for other in found if _kind(other) == _kind(c)], within) for c in ordered]


def _kind(c: Comparison) -> tuple[str, str]:
    return c.compare, "" if words.is_share(c.metric) else c.metric


def _gap(c: Comparison, alike: Sequence[Comparison], within: str) -> Gap:
    both = None not in (c.group_rate, c.reference_rate)
    about = "" if c.attribute == within else words.clean(c.attribute)
    return Gap(
        what=sentence_case(words.metric_name(c.metric)),
        who=": ".join(part for part in (about, _sides(c) if c.group else "") if part),
        value=_signed(words.gap(c.metric, c.compare, c.value)) if c.value is not None else "–",
        rates=f"{amount(c.metric, c.group_rate)} : {amount(c.metric, c.reference_rate)}" if both else "",
        range="; ".join(part for part in (_interval(c), allowed(c), _counts(c)) if part),
        bar=gap_bar(c, alike, words.is_share(c.metric)),
        verdict=c.verdict if _limited(c) or c.verdict is Verdict.UNDEFINED else None,
        said=_said(c),
    )


def _limited(about: Comparison) -> bool:
    return (about.rule, about.min, about.max) != (None, None, None)


def _sides(c: Comparison) -> str:
    against = "" if c.reference is None else f" against {words.side(c.reference)}"
    return f"{words.side(c.group)}{against}"


def _interval(c: Comparison) -> str:
    """The interval, open where it has no bound."""
    if c.low is not None and c.high is not None:
        return _signed(words.interval(c.metric, c.compare, c.low, c.high))
    if c.low is not None:
        return _signed(f"{words.gap(c.metric, c.compare, c.low)} or more")
    return "" if c.high is None else _signed(f"up to {words.gap(c.metric, c.compare, c.high)}")


def allowed(c: Comparison) -> str:
    """The limits in words; "" where there are none."""
    low, high = (None if v is None else words.gap(c.metric, c.compare, v) for v in (c.min, c.max))
    if low is not None and high is not None:
        return _signed(f"allowed {low.removesuffix(' points')} to {high}")
    if low is not None:
        return _signed(f"allowed {low} or more")
    return "" if high is None else _signed(f"allowed up to {high}")


def _counts(c: Comparison) -> str:
    return f"of {c.n:,}" if c.reference is None else f"of {c.n:,} and {c.reference_n:,}"


def _said(c: Comparison) -> str:
    """What the verdict means here, what it waits for, and whether its test began anew."""
    return _meant(c) if c.restart is None else f"{_meant(c)} {words.restart(c.restart)}"


def _meant(c: Comparison) -> str:
    if not _limited(c) and c.verdict is not Verdict.UNDEFINED:
        return "No limit is set."
    if c.verdict is Verdict.UNDECIDED and c.needed:
        due = "" if c.due is None else f", at today’s rate by {words.moment(c.due)[:10]}"
        return f"{SAID[c.verdict]} About {c.needed:,} more decisions of this group are needed{due}."
    return SAID[c.verdict]


def sentence(about: Comparison | Drift) -> str:
    """A breach as a sentence."""
    if isinstance(about, Drift):
        if about.measure in detectors.names():
            changes = "a change" if about.value == 1 else f"{number(about.value)} changes"
            return f"{about.measure.upper()} found {changes} in {stream(about.stream)}."
        return (
            f"The {words.clean(about.measure)} of {stream(about.stream)} is {number(about.value)}, where at "
            f"most {number(about.max)} is allowed ({window_name(about.window).lower()})."
        )
    metric, window = words.metric_name(about.metric), window_name(about.window).lower()
    value = _signed(words.gap(about.metric, about.compare, about.value))
    tail = ", ".join(part for part in (f"interval {_interval(about)}", allowed(about), window) if part)
    if about.group_rate is None or about.reference_rate is None or about.reference is None:
        return f"By {words.clean(about.attribute)}, the {metric} of {_sides(about)} is {value} ({tail})."
    return (
        f"By {words.clean(about.attribute)}, the {metric} of {words.side(about.group)} is "
        f"{amount(about.metric, about.group_rate)}, that of {words.side(about.reference)} "
        f"{amount(about.metric, about.reference_rate)}: {value} ({tail})."
    )


def drift(d: Drift) -> Gap:
    rest = [f"{number(d.low)} to {number(d.high)}" if d.low is not None and d.high is not None else ""]
    rest += [f"{d.n:,} values", f"baseline of {d.baseline_n:,}" if d.baseline_n != d.n else ""]
    rest += [f"allowed up to {number(d.max)}" if d.max is not None else ""]
    rest += [f"last change {day(d.at)}" if d.at is not None else ""]
    return Gap(
        what=sentence_case(stream(d.stream)),
        who=words.clean(d.measure).replace("_", " "),
        value=number(d.value),
        rates="",
        range="; ".join(filter(None, rest)),
        bar=limit_bar(d),
        verdict=d.verdict if d.max is not None or d.verdict is Verdict.UNDEFINED else None,
        said=SAID[d.verdict] if d.max is not None else "No limit is set.",
    )


def impact_bars(found: Impacts) -> dict[str, Bar]:
    """The impact ratios of selection rates, drawn against four fifths."""
    tables = {"selection": found.selection, "scoring": found.scoring}
    return {
        f"{kind} {row.name}": ratio_bar(row.impact_ratio, row.low, row.high, impact.FOUR_FIFTHS)
        for kind, table in tables.items()
        if table is not None
        for row in table.categories
        if row.impact_ratio is not None
    }


# words


def amount(metric: str, value: float | None) -> str:
    """A value of a metric; a dash for what does not exist.

    >>> amount("selection_rate", 0.5), amount("selection_rate", None)
    ('50.0 %', '–')
    """
    return "–" if value is None else words.amount(metric, value)


def percent(share: float | None) -> str:
    """A share in whole per cent; a dash for what does not exist.

    >>> percent(0.256), percent(None)
    ('26 %', '–')
    """
    return "–" if share is None else f"{100 * share:.0f} %"


def number(value: float | None) -> str:
    """A number to three digits; a dash for what does not exist.

    >>> number(0.31234), number(None)
    ('0.312', '–')
    """
    return "–" if value is None else f"{value:.3g}"


def day(ms: int | None) -> str:
    """An event time as people read it; a dash for what does not exist."""
    return "–" if ms is None else words.moment(ms)


def window_name(window: str) -> str:
    """What a window covers, as a heading.

    >>> window_name("all"), window_name("30d")
    ('All decisions so far', 'The last 30d')
    """
    return sentence_case(words.window(window))


def stream(name: str) -> str:
    """What a stream of values is called.

    >>> stream("features.age"), stream("selection.race.Asian"), stream("score")
    ('feature age', 'selection rate, race: Asian', 'score')
    """
    if name.startswith("features."):
        return f"feature {words.clean(name.removeprefix('features.'))}"
    kind, _, about = name.partition(".")
    if kind != "selection":
        return words.clean(name)
    attribute, _, group = about.partition(".")
    return f"selection rate, {words.clean(attribute)}: {words.clean(group)}" if about else "selection rate"


def sentence_case(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def _signed(text: str) -> str:
    """With the sign that typesetters use for minus."""
    return text.replace("-", "−")
