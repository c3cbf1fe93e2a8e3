"""Small groups are hidden, and nothing that is published gives them away."""

import msgspec
import pytest
from msgspec.structs import replace

from alerts.alert import Alert, State
from dashboards.suppression import PublicView, suppress
from monitor.config import Model
from monitor.events.exposed import Exposure
from monitor.readings import Caution, Comparison, Drift, Reading, Restart, Verdict
from tests.dashboards.sample import SampleAlert, SampleView, attribute, drift, health, sample
from tests.readings import DRIFT, gap

LEAST = 10


def of(sizes: dict[str, dict[str, int]]) -> Reading:
    """A reading of decisions without outcomes: attribute → group → decisions."""
    counts = {
        name: {g: {"up": n // 2, "un": n - n // 2} for g, n in by.items()} for name, by in sizes.items()
    }
    return Reading(
        model="m",
        window="all",
        as_of=0,
        decisions=sum(next(iter(sizes.values())).values()),
        feedback=0,
        attributes={name: attribute(name, "all", by, next(iter(by))) for name, by in counts.items()},
        composites=[],
        drift=drift("all"),
    )


def test_a_group_of_three_in_a_thousand_takes_the_next_smallest_with_it():
    seen = suppress([of({"race": {"A": 600, "B": 300, "C": 97, "D": 3}})], LEAST)[0]
    assert set(seen.attributes["race"].groups) == {"A", "B"}
    assert b'"D"' not in msgspec.json.encode(seen)


def test_nothing_is_hidden_where_all_groups_are_large():
    full = of({"race": {"A": 600, "B": 10}})
    assert suppress([full], LEAST)[0] is full


def test_with_two_groups_both_go():
    seen = suppress([of({"sex": {"F": 997, "M": 3}})], LEAST)[0].attributes["sex"]
    assert (seen.groups, seen.comparisons, seen.reference) == ({}, [], None)


def test_a_group_of_nobody_is_shown():
    shown = suppress([of({"race": {"A": 600, "B": 300, "C": 0, "D": 3}})], LEAST)[0].attributes["race"]
    assert set(shown.groups) == {"A", "C"}


def test_a_group_hidden_in_a_long_window_is_hidden_in_the_shorter_ones():
    """97 of C in the last month would say that D, of 100 that are hidden in all, has 3 at most."""
    long, month = {"A": 600, "B": 300, "C": 97, "D": 3}, {"A": 300, "B": 200, "C": 97}
    readings = [replace(of({"race": month}), window="30d"), of({"race": long})]
    assert [set(r.attributes["race"].groups) for r in suppress(readings, LEAST)] == [{"A", "B"}, {"A", "B"}]


def test_a_small_group_of_a_short_window_is_shown_in_the_longer_ones():
    readings = [
        replace(of({"race": {"A": 30, "B": 20, "C": 3}}), window="30d"),
        of({"race": {"A": 600, "B": 300, "C": 97}}),
    ]
    assert [set(r.attributes["race"].groups) for r in suppress(readings, LEAST)] == [{"A"}, {"A", "B", "C"}]


def test_drift_of_a_hidden_group_is_hidden():
    read = replace(of({"race": {"A": 600, "Asian": 3, "B": 50}}), drift=drift("all"))
    assert "selection.race.Asian" not in [d.stream for d in suppress([read], LEAST)[0].drift]
    assert len(suppress([read], LEAST)[0].drift) == len(read.drift) - 1


def selection(attribute: str, group: str, n: int) -> Drift:
    return Drift(
        measure="adwin",
        stream=f"selection.{attribute}.{group}",
        window="all",
        value=0,
        n=n,
        baseline_n=n,
        max=None,
        verdict=Verdict.UNDECIDED,
    )


def test_drift_streams_do_not_show_the_size_of_a_group_that_the_window_has_not():
    """A detector remembers all decisions; the window may have none of the group."""
    streams = [selection("race", g, n) for g, n in {"A": 600, "B": 300, "C": 97, "D": 3}.items()]
    read = replace(of({"race": {"A": 60, "B": 50}}), drift=[*drift("all")[:2], *streams])
    assert [d.stream for d in suppress([read], LEAST)[0].drift] == [
        "score",
        "score",
        "selection.race.A",
        "selection.race.B",
    ]
    assert suppress([read], LEAST)[0].attributes == read.attributes


def test_drift_streams_of_attributes_with_dots_and_of_none_that_is_known():
    read = of({"geo.area": {"A": 60, "B": 50}})
    streams = [selection("geo.area", "A", 60), selection("geo.area", "B.1", 3), selection("gone", "X", 4)]
    assert suppress([replace(read, drift=streams)], LEAST)[0].drift == []


def test_composites_that_name_a_hidden_group_are_hidden():
    read = of({"race": {"A": 600, "B": 300, "C": 3}})
    between = read.attributes["race"].comparisons[-1]
    assert (between.group, suppress([replace(read, composites=[between])], LEAST)[0].composites) == ("C", [])


def test_composites_of_so_few_are_hidden():
    read = of({"race": {"A": 600, "B": 300, "C": 3}})
    worst = replace(read.attributes["race"].comparisons[0], group="all groups", reference=None, reference_n=0)
    seen = suppress([replace(read, composites=[replace(worst, n=3), replace(worst, n=300)])], LEAST)[0]
    assert [c.n for c in seen.composites] == [300]


@pytest.mark.parametrize("n", [3, 60])
def test_an_alert_about_a_hidden_group_says_that_there_is_one_and_no_more(n: int):
    read = of({"race": {"A": 600, "B": 300, "C": n}})
    evidence = read.attributes["race"].comparisons[-1]
    view = SampleView([read], [SampleAlert(id="x", model="m", rule="r", evidence=evidence)], health(), {})
    [alert] = PublicView(view).alerts()
    assert (alert.id, alert.evidence) == ((None, None) if n == 3 else ("x", evidence))


def test_an_alert_about_a_field_is_for_everybody():
    """It holds no value, and no group's size."""
    view = sample()
    found = Exposure(event="decision", kind="email", field="attributes.area", times=2, last=0)
    view.firing = [replace(view.firing[0], evidence=found)]
    (seen,) = PublicView(view).alerts()
    assert (seen.evidence, seen.id) == (found, view.firing[0].id)


def test_an_alert_whose_model_moved_away_is_judged_by_its_own_numbers():
    few = sample().readings()[0].attributes["race"].comparisons[-1]
    assert isinstance(few, Comparison)
    about = replace(DRIFT, measure="adwin", stream="selection.race.x", value=1, n=4, baseline_n=9, max=0)
    alerts = [SampleAlert(id="a", model="gone", rule="r", evidence=e) for e in (replace(few, n=9), about)]
    view = SampleView([], alerts, health(), {"gone": Model(positive=[True])})
    assert [a.evidence for a in PublicView(view).alerts()] == [None, None]


def test_the_alerts_of_alerts_are_what_is_shown():
    read = of({"race": {"A": 600, "B": 300}})
    evidence = read.attributes["race"].comparisons[0]
    alert = Alert(
        id="x",
        sequence=3,
        state=State.FIRING,
        model="m",
        rule="r",
        severity="info",
        since=1,
        changed=2,
        evidence=evidence,
        episode=4,
        fired=True,
    )
    [shown] = PublicView(SampleView([read], [alert], health(), {})).alerts()
    assert msgspec.to_builtins(shown) == msgspec.to_builtins(alert)


def test_cautions_that_name_a_hidden_group_are_hidden():
    def about(attribute: str | None, group: str | None, reference: str | None = None) -> Caution:
        names = {"attribute": attribute, "group": group, "reference": reference}
        return Caution(kind="outcome_lag", text="slow", value=3.0, low=2.0, high=None, **names)

    everybody, large = about(None, None), about("race", "A", "B")
    cautions = [everybody, about("race", "D", "A"), large, about("race", "A", "D")]
    read = replace(of({"race": {"A": 600, "B": 300, "C": 97, "D": 3}}), cautions=cautions)
    assert suppress([read], LEAST)[0].cautions == [everybody, large]


def restart(attribute: str, group: str | None, reference: str | None = None) -> Restart:
    about = {"rule": "r", "attribute": attribute, "group": group, "reference": reference}
    return Restart(**about, reason="corrected", text="too many", at=0, times=2, events=31, fed=812)


def test_restarts_name_no_group_that_is_not_shown():
    """Nor how many events of it were corrected; that it was so, and how often, may be said."""
    everybody, large = restart("race", None), restart("race", "A", "B")
    small, absent = restart("race", "A", "D"), restart("race", "gone")
    read = replace(
        of({"race": {"A": 600, "B": 300, "C": 97, "D": 3}}), restarts=[everybody, large, small, absent]
    )
    veiled = replace(small, group=None, reference=None, events=None, fed=None)
    assert suppress([read], LEAST)[0].restarts == [everybody, large, veiled, veiled]
    assert suppress([read], 1)[0].restarts == [everybody, large, small, veiled]


def test_a_comparison_s_test_may_have_been_about_a_group_that_is_not_shown():
    read = of({"race": {"A": 600, "B": 300, "C": 97, "D": 3}})
    about = gap(attribute="race", group="A", reference="B", restart=restart("race", "A", "D"))
    read.attributes["race"].comparisons[:] = [about]
    (shown,) = suppress([read], LEAST)[0].attributes["race"].comparisons
    assert shown == replace(about, restart=replace(restart("race", None), events=None, fed=None))
    view = SampleView(
        [read],
        [SampleAlert(id="x", model="m", rule="r", evidence=about)],
        health(),
        {"m": Model(positive=[True])},
    )
    assert PublicView(view).alerts()[0].evidence == shown


def test_what_is_hidden_is_found_once_for_each_reading():
    full = of({"race": {"A": 600, "B": 300, "C": 97, "D": 3}})
    view = SampleView([full], [], health(), {"m": Model(positive=[True])})
    shown = PublicView(view)
    first, again = shown.readings(), shown.readings()
    assert again[0] is first[0]
    view.shown = [replace(full, decisions=1001)]
    assert shown.readings()[0].decisions == 1001
    view.watched = {"m": Model(positive=[True], min_group=1)}
    assert shown.readings()[0] is view.shown[0]
