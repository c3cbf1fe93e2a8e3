"""A fairness report for people: one HTML file that needs nothing else, made of one model's readings.

It shows what it is given. Readings for the public come from dashboards/suppression.py.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from itertools import chain

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from dashboards.report_rows import (
    NAMES,
    ORDER,
    amount,
    asked,
    day,
    drift,
    gaps,
    impact_bars,
    number,
    percent,
    section,
    sentence,
    sentence_case,
    window_name,
)
from dashboards.view import Health
from monitor import words
from monitor.config import Model, Rule, attribute_name, fingerprint, longest_window, rule_name
from monitor.config.windows import window_ms
from monitor.drift import detectors
from monitor.fairness import impact
from monitor.fairness.impact import Impacts
from monitor.readings import Comparison, Drift, Reading, Verdict

PAGE = files("dashboards.page")
FINDINGS = 12  # breaches that are told in a sentence each
FOREVER = 1 << 62


class Report(Struct, frozen=True, kw_only=True):
    """What a report is made of.

    `readings` are the model's, one a window; `window` is the one that is shown in full, None the longest.
    `invalid` counts refused events by reason, `overdue` feedback that came later than `feedback_within`.
    `source` says where the numbers come from, `made` on which day. `internal`: small groups are in it.
    """

    name: str
    model: Model
    readings: Sequence[Reading]
    source: str
    version: str
    made: str
    window: str | None = None
    impacts: Mapping[str, Impacts] = {}
    invalid: Mapping[str, int] = {}
    overdue: int = 0
    internal: bool = False


def render(report: Report) -> str:
    """The report as HTML. Raises ValueError where there is no reading."""
    if not report.readings:
        raise ValueError("readings: none is given; allowed: one a window")
    main = shown_in_full(report.readings, report.window)
    others = [r for r in report.readings if r is not main and report.window is None]
    judged = [about for reading in (main, *others) for about in ruled(reading)]
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            model=report.model,
            main=main,
            tally=[(v, NAMES[v], n) for v in ORDER if (n := Counter(a.verdict for a in judged)[v])],
            findings=[sentence(a) for a in judged if a.verdict is Verdict.OUT][:FINDINGS],
            more=max(0, sum(a.verdict is Verdict.OUT for a in judged) - FINDINGS),
            sections=[section(name, a, main, report.model) for name, a in main.attributes.items()],
            composites=gaps(asked(main.composites, report.model)),
            windows=[(reading, gaps(ruled_gaps(reading))) for reading in others],
            drift=[(r.window, list(map(drift, found))) for r, found in _drifting(main, others)],
            impacts=[(*named, impact_bars(named[1])) for named in report.impacts.items()],
            settings=list(_settings(report.model)),
            rules=[_rule(rule, report.model) for rule in report.model.rules],
            fingerprint=fingerprint(report.model),
            names=NAMES,
            policy=policy(),
        )
    )


def of_worker(name: str, model: Model, readings: Sequence[Reading], health: Health, with_impact: bool) -> str:
    """The report of a model that runs; `readings` are those for the public.

    Its impact ratios are of selection rates: readings hold no scores.
    """
    attributes = shown_in_full(readings, None).attributes
    tables = {attribute: impact.counted(found) for attribute, found in attributes.items()}
    return render(
        Report(
            name=name,
            model=model,
            readings=readings,
            source="a running deployment; refused events are those of this worker since it started",
            version=health.version,
            made=f"{datetime.now(UTC):%Y-%m-%d}",
            impacts=impact.impacts(tables, favourable=model.favourable) if with_impact else {},
            invalid=health.invalid,
        )
    )


@cache
def policy() -> str:
    """The content security policy of a report: its own style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _style() -> str:
    return (PAGE / "report.css").read_text()


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(lambda name: (PAGE / name).read_text()),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(style=Markup(_style()), words=words, amount=amount, day=day, percent=percent)
    made.globals.update(window_name=window_name, sentence_case=sentence_case, impact=impact, number=number)
    return made


# which readings and verdicts


def shown_in_full(readings: Sequence[Reading], window: str | None) -> Reading:
    """The reading of a window; of the longest when none is named."""
    if window is not None:
        return next(reading for reading in readings if reading.window == window)
    return max(readings, key=lambda reading: window_ms(reading.window) or FOREVER)


def ruled_gaps(reading: Reading) -> list[Comparison]:
    """The comparisons of a reading that a rule asks for."""
    compared = chain(*(a.comparisons for a in reading.attributes.values()), reading.composites)
    return [comparison for comparison in compared if comparison.rule is not None]


def ruled(reading: Reading) -> list[Comparison | Drift]:
    """All of a reading that a rule asks for."""
    return [*ruled_gaps(reading), *(drift for drift in reading.drift if drift.rule is not None)]


def _drifting(main: Reading, others: Sequence[Reading]) -> Iterator[tuple[Reading, list[Drift]]]:
    """The windows that say something of drift."""
    for reading in (main, *others):
        if found := _drifts(reading, reading is main):
            yield reading, found


def _drifts(reading: Reading, is_main: bool) -> list[Drift]:
    """The measures with a limit; without any, in the window that is shown in full, all distances."""
    said = [d for d in reading.drift if d.rule is not None or d.value is not None]
    limited = [d for d in said if d.rule is not None or d.max is not None]
    return limited or [d for d in said if is_main and d.measure not in detectors.names()]


# the configuration


def _settings(model: Model) -> Iterator[tuple[str, str]]:
    reference = model.reference
    named = reference if isinstance(reference, str) else _listed(f"{a}: {g}" for a, g in reference.items())
    yield "Attributes", _listed(attribute_name(a) for a in model.attributes) or "none"
    yield "Compared with", named
    yield "Windows", _listed(map(window_name, model.windows))
    yield "Positive outcome", _listed(map(str, model.positive_outcome))
    yield "Outcomes awaited for", model.feedback_within
    if model.mature_after != "0s":
        yield "Outcomes count after", model.mature_after
    yield "Features watched", _listed(model.features) or "none"
    first = isinstance(model.baseline, int)
    yield "Drift is measured from", f"the first {model.baseline:,} decisions" if first else "a baseline file"
    yield "Smallest group shown", f"{model.min_group} decisions"


def _listed(found: Iterable[str]) -> str:
    return ", ".join(map(words.clean, found))


def _rule(rule: Rule, model: Model) -> tuple[str, str, str]:
    """A rule: its name, what it allows, and how grave a breach is."""
    low, high = rule.min, rule.max
    limits = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
    window = window_name(rule.window or longest_window(model)).lower()
    return rule_name(rule, model), f"{' and '.join(filter(None, limits))}, {window}", rule.severity
