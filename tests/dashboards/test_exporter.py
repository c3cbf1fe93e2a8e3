"""/metrics: what is exported, read back with Prometheus's own parsers."""

import math
from pathlib import Path

from msgspec.structs import replace
from prometheus_client import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from dashboards.exporter import FairleadCollector, registry
from dashboards.metrics import METRICS, Spec
from dashboards.suppression import PublicView
from dashboards.view import Latency
from monitor.readings import Verdict
from tests.dashboards.sample import SampleView, nothing, sample

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
FPR = {
    "model": "compas",
    "window": "all",
    "attribute": "race",
    "group": "African-American",
    "metric": "false_positive_rate",
}


def scrape(view: SampleView):
    """name, labels → value, of every sample."""
    families = text_string_to_metric_families(generate_latest(registry(PublicView(view).see)).decode())
    samples = [s for family in families for s in family.samples]
    found = {(s.name, *sorted(s.labels.items())): s.value for s in samples}
    assert len(found) == len(samples), "a series is exported twice"
    return found


def value(view: SampleView, name: str, **labels: str) -> float | None:
    return scrape(view).get((name, *sorted(labels.items())))


def test_published_rates_come_out_to_the_last_digit():
    view = sample()
    assert value(view, "fairlead_rate", **FPR) == 805 / 1795
    assert value(view, "fairlead_rate_decisions", **FPR) == 1795
    gap = FPR | {"reference": "Caucasian", "compare": "difference"}
    assert value(view, "fairlead_gap", **gap) == 805 / 1795 - 349 / 1488
    limit = gap | {"rule": "false_positive_rate difference, all", "bound": "max"}
    assert value(view, "fairlead_gap_limit", **limit) == 0.05


def test_drift_has_its_interval_and_cautions_are_marks():
    psi = {"model": "compas", "window": "all", "measure": "psi", "stream": "features.priors_count"}
    assert value(sample(), "fairlead_drift_low", **psi) == 0.25
    assert value(sample(), "fairlead_drift_high", **psi) == 0.38
    nobody = {"model": "compas", "window": "all", "attribute": "", "group": "", "reference": ""}
    assert value(sample(), "fairlead_caution", **nobody, kind="selective_outcomes") == 1


def test_restarts_of_tests_are_counted_by_reason():
    labels = {"model": "compas", "rule": "selection_rate ratio, all", "attribute": "race"}
    assert value(sample(), "fairlead_test_restarts_total", **labels, reason="corrected") == 3


def test_a_verdict_is_a_state_set():
    labels = FPR | {
        "reference": "Caucasian",
        "compare": "difference",
        "rule": "false_positive_rate difference, all",
    }
    found = {v: value(sample(), "fairlead_verdict", **labels, verdict=v) for v in Verdict}
    assert found == {v: float(v is Verdict.OUT) for v in Verdict}


def test_what_is_undefined_is_absent():
    last_month = FPR | {"window": "30d"}
    assert value(sample(), "fairlead_rate", **last_month) is None
    assert value(sample(), "fairlead_rate_decisions", **last_month) == 0
    assert not any(math.isnan(v) for v in scrape(sample()).values())


def test_small_groups_are_not_exported():
    view = sample()
    shown = {
        dict(labels)["group"]
        for name, *labels in scrape(view)
        if dict(labels).get("window") == "30d" and "group" in dict(labels)
    }
    assert shown == {"African-American", "Caucasian", "Hispanic", "Female", "Male"}


def test_counters_and_lag():
    view = sample()
    assert value(view, "fairlead_invalid_events_total", reason="unknown model") == 12
    assert value(view, "fairlead_events_total", topic="decisions") == 18_727
    assert value(view, "fairlead_consumer_lag", topic="decisions", partition="1") == 120
    assert value(view, "fairlead_table_bytes", table="facts") == 3_144_221


def test_the_latency_histogram_is_cumulative():
    view = sample()
    view.state = replace(view.state, latency=Latency(bounds=(0.5, 1.0), counts=[3, 2, 1], total=4.5))
    found = {
        dict(labels).get("le", name): v for (name, *labels), v in scrape(view).items() if "latency" in name
    }
    assert found == {
        "0.5": 3,
        "1.0": 5,
        "+Inf": 6,
        "fairlead_latency_seconds_count": 6,
        "fairlead_latency_seconds_sum": 4.5,
    }


def test_values_are_read_at_the_scrape_and_what_moved_away_vanishes():
    view = sample()
    exported = registry(PublicView(view).see)
    view.shown = [r for r in view.shown if r.model != "compas"]
    view.firing = []
    view.state = replace(view.state, lag={"decisions": {0: 5}})
    text = generate_latest(exported).decode()
    assert 'model="compas"' not in text
    assert 'fairlead_consumer_lag{partition="0",topic="decisions"} 5.0' in text
    assert 'partition="1"' not in text


def test_registering_reads_nothing():
    class Broken(SampleView):
        def readings(self):
            raise AssertionError("read before the scrape")

    registry(PublicView(Broken([], [], nothing().state)).see)


def test_hostile_names_stay_inside_their_label():
    view = sample()
    reading = view.shown[0]
    name = 'x"} 1\nfairlead_ready 0\\'
    group = reading.attributes["sex"].groups["Male"]
    hostile = replace(reading.attributes["sex"], groups={name: group}, comparisons=[])
    view.shown = [replace(reading, attributes={"sex": hostile})]
    labels = {"model": "compas", "window": "30d", "attribute": "sex", "group": name}
    assert value(view, "fairlead_group_decisions", **labels) == group.n
    assert value(view, "fairlead_ready") == 1


def test_openmetrics_reads_it_too():
    text = openmetrics.generate_latest(registry(PublicView(sample()).see)).decode()
    names = {family.name for family in openmetrics_parser.text_string_to_metric_families(text)}
    assert {"fairlead_rate", "fairlead_events", "fairlead_latency_seconds"} <= names


def test_a_worker_without_events_has_health_only():
    names = {name for name, *_ in scrape(nothing())}
    assert "fairlead_ready" in names
    assert "fairlead_rate" not in names


def test_every_documented_metric_is_exported_and_no_other():
    families = {
        f.name + "_total" * (f.type == "counter"): f
        for f in FairleadCollector(PublicView(sample()).see).collect()
    }
    assert set(families) == {spec.name for spec in METRICS}
    for spec in METRICS:
        found = families[spec.name]
        labels = {name for s in found.samples for name in s.labels} - {"le"}
        assert (found.type, labels) == (spec.kind, set(spec.labels)), spec.name


def test_the_documentation_has_the_same_table():
    rows = [row(spec) for spec in METRICS]
    documented = [line for line in DOCS.read_text().splitlines() if line.startswith("| `fairlead_")]
    assert documented == rows


def row(spec: Spec) -> str:
    labels = ", ".join(f"`{name}`" for name in spec.labels) or "–"
    return f"| `{spec.name}` | {spec.kind} | {spec.unit} | {labels} | {spec.help} |"
