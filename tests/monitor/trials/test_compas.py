"""COMPAS through the tests: what is proved, on which day, and how it is told."""

from functools import cache

import numpy as np
from msgspec.structs import replace

from monitor.config import Rule
from monitor.monitor import Monitor
from monitor.readings import Comparison, Verdict
from monitor.trials.judged import KINDS
from streams import settings
from streams.commands.options import BUNDLED
from streams.files import reader
from tests.monitor.trials.streams import MODEL, UNFAIR, decisions, read, said


@cache
def compas() -> dict[tuple[str, str | None], Comparison]:
    """COMPAS through the library: the gap of false positive rates by race against a limit of 5 points."""
    config = settings.load(BUNDLED, {})
    rule = Rule(metric="false_positive_rate", attribute="race", min=-0.05, max=0.05)
    model = replace(config.models["compas"], rules=[rule], windows=["all"])
    monitor, last = Monitor("compas", model), 0
    for chunk in reader.read(BUNDLED.with_suffix(".csv"), "compas", settings.columns(model), 1 << 53):
        for events, take in ((chunk.decisions, monitor.observe), (chunk.feedback, monitor.learn)):
            take(events.events)
            last = max(last, int(events.times.max()))
    (reading,) = monitor.advance(last / 1000 + 86400)
    return {(c.group, c.reference): c for c in reading.attributes["race"].comparisons if c.rule}


def test_the_gap_of_false_positive_rates_in_compas_is_proved_on_its_day() -> None:
    found = compas()["African-American", "Caucasian"]
    assert (found.verdict, found.proof) == (Verdict.OUT, "start")
    assert str(np.datetime64(found.proved or 0, "ms").astype("datetime64[D]")) == "2015-02-02"
    assert found.proved_after == 323
    assert (found.once_in or 0) > 1e18
    assert (found.cs_low or 0) > 0.05


def test_pairs_with_few_cases_are_undecided() -> None:
    for group in ("Asian", "Native American", "Other", "Hispanic"):
        assert compas()[group, "Caucasian"].verdict is Verdict.UNDECIDED


def test_an_alert_says_in_words_what_the_proof_is() -> None:
    (first,) = read(replace(MODEL, min_group=5), decisions(range(12), UNFAIR), 12)
    shown = {kind: said(replace(first, proof=kind, onset=None, once_in=20_000.0)) for kind in KINDS}
    assert "a compliant model would ever show this at most once in 20,000 times." in shown["start"]
    assert "a compliant model would show this in at most one of 20,000 months." in shown["month"]
    assert "a compliant model sets this off at most once in 20,000 blocks" in shown["change"]
    again = said(replace(first, onset=first.proved, once_in=1e30))
    assert "and confirmed since: the newest change found began about 2026-01-" in again
    assert "On average over all 720 cases tested it was -" in again
