"""Small groups are hidden, and nothing that is published gives them away."""

from itertools import product

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.alert import Alert, State
from dashboards.suppression import hidden_groups, public, suppress
from monitor.config import Model, escape
from monitor.readings import Comparison, Drift, Reading, Verdict
from tests.dashboards.sample import SampleAlert, SampleView, attribute, drift, health, sample

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


def crossed(cells: dict[tuple[str, str], int]) -> Reading:
    """Two attributes and their intersection."""
    first, second = {}, {}
    for (a, b), n in cells.items():
        first[a], second[b] = first.get(a, 0) + n, second.get(b, 0) + n
    both = {f"{escape(a)} & {escape(b)}": n for (a, b), n in cells.items()}
    return of({"sex": first, "team": second, "sex & team": both})


def test_a_group_of_three_in_a_thousand_takes_the_next_smallest_with_it():
    seen = suppress(of({"race": {"A": 600, "B": 300, "C": 97, "D": 3}}), LEAST)
    assert set(seen.attributes["race"].groups) == {"A", "B"}
    assert b'"D"' not in msgspec.json.encode(seen)


def test_nothing_is_hidden_where_all_groups_are_large():
    full = of({"race": {"A": 600, "B": 10}})
    assert suppress(full, LEAST) is full


def test_a_group_of_nobody_is_shown():
    assert hidden_groups(of({"race": {"A": 600, "B": 300, "C": 0}}), LEAST) == set()


def test_with_two_groups_both_go():
    seen = suppress(of({"sex": {"F": 997, "M": 3}}), LEAST).attributes["sex"]
    assert (seen.groups, seen.comparisons, seen.reference) == ({}, [], None)


def test_the_hidden_are_together_at_least_a_group():
    assert hidden_groups(of({"race": {"A": 600, "B": 300, "C": 1, "D": 2}}), LEAST) == {
        ("race", "C"),
        ("race", "D"),
        ("race", "B"),
    }


def test_an_intersection_is_not_recovered_from_its_margins():
    cells = {("F", "x"): 3, ("F", "y"): 100, ("M", "x"): 200, ("M", "y"): 300}
    assert hidden_groups(crossed(cells), LEAST) >= {("sex & team", f"{a} & {b}") for a, b in cells}


def test_separators_inside_names_do_not_break_the_margins():
    cells = {("F", "R & D"): 3, ("F", "y"): 100, ("M", "R & D"): 200, ("M", "y"): 300}
    assert len([cell for cell in hidden_groups(crossed(cells), LEAST) if cell[0] == "sex & team"]) == 4


@given(st.lists(st.integers(0, 40), min_size=6, max_size=6))
def test_no_small_group_is_the_only_solution(numbers: list[int]):
    """Every hidden small cell has another table with the same published numbers: an integer search by
    rational elimination of what is public, independent of the code's leverages."""
    cells = dict(zip(product("FM", "xyz"), numbers, strict=True))
    read = crossed(cells)
    hidden = hidden_groups(read, LEAST)
    names = list(product("FM", "xyz"))
    rows = [[1.0] * 6]
    for place, (a, b) in enumerate(names):
        if ("sex & team", f"{a} & {b}") not in hidden:
            rows.append([float(i == place) for i in range(6)])
    rows += [[float(a == s) for a, _ in names] for s in "FM" if ("sex", s) not in hidden]
    rows += [[float(b == t) for _, b in names] for t in "xyz" if ("team", t) not in hidden]
    known = np.linalg.matrix_rank(rows)
    for place, (a, b) in enumerate(names):
        cell = ("sex & team", f"{a} & {b}")
        assert (cell in hidden) or not 0 < cells[a, b] < LEAST
        if 0 < cells[a, b] < LEAST and _resolvable(read, hidden):
            unit = [float(i == place) for i in range(6)]
            assert np.linalg.matrix_rank([*rows, unit]) == known + 1


def _resolvable(read: Reading, hidden: set[tuple[str, str]]) -> bool:
    """Whether there was anything left to hide: where everybody is in one group, the total says it."""
    return any(
        group.n and (name, g) not in hidden
        for name, a in read.attributes.items()
        for g, group in a.groups.items()
    )


def test_drift_of_a_hidden_group_is_hidden():
    read = replace(of({"race": {"A": 600, "Asian": 3, "B": 50}}), drift=drift("all"))
    assert "selection.race.Asian" not in [d.stream for d in suppress(read, LEAST).drift]
    assert len(suppress(read, LEAST).drift) == len(read.drift) - 1


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
    assert [d.stream for d in suppress(read, LEAST).drift] == [
        "score",
        "score",
        "selection.race.A",
        "selection.race.B",
    ]
    assert suppress(read, LEAST).attributes == read.attributes


def test_drift_streams_of_attributes_with_dots_and_of_none_that_is_known():
    read = of({"geo.area": {"A": 60, "B": 50}})
    streams = [selection("geo.area", "A", 60), selection("geo.area", "B.1", 3), selection("gone", "X", 4)]
    assert suppress(replace(read, drift=streams), LEAST).drift == []


def test_composites_that_name_a_hidden_group_are_hidden():
    read = of({"race": {"A": 600, "B": 300, "C": 3}})
    between = read.attributes["race"].comparisons[-1]
    assert (between.group, suppress(replace(read, composites=[between]), LEAST).composites) == ("C", [])


def test_composites_of_so_few_are_hidden():
    read = of({"race": {"A": 600, "B": 300, "C": 3}})
    worst = replace(read.attributes["race"].comparisons[0], group="all groups", reference=None, reference_n=0)
    seen = suppress(replace(read, composites=[replace(worst, n=3), replace(worst, n=300)]), LEAST)
    assert [c.n for c in seen.composites] == [300]


@pytest.mark.parametrize("n", [3, 60])
def test_an_alert_about_a_hidden_group_says_that_there_is_one_and_no_more(n: int):
    read = of({"race": {"A": 600, "B": 300, "C": n}})
    evidence = read.attributes["race"].comparisons[-1]
    view = SampleView([read], [SampleAlert(id="x", model="m", rule="r", evidence=evidence)], health(), {})
    [alert] = public(view).alerts
    assert (alert.id, alert.evidence) == ((None, None) if n == 3 else ("x", evidence))


def test_an_alert_whose_model_moved_away_is_judged_by_its_own_numbers():
    few = sample().readings()[0].attributes["race"].comparisons[-1]
    assert isinstance(few, Comparison)
    about = Drift(
        measure="adwin",
        stream="selection.race.x",
        window="all",
        value=1,
        n=4,
        baseline_n=9,
        max=0,
        verdict=Verdict.OUT,
    )
    alerts = [SampleAlert(id="a", model="gone", rule="r", evidence=e) for e in (replace(few, n=9), about)]
    view = SampleView([], alerts, health(), {"gone": Model(positive=[True])})
    assert [a.evidence for a in public(view).alerts] == [None, None]


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
    [shown] = public(SampleView([read], [alert], health(), {})).alerts
    assert msgspec.to_builtins(shown) == msgspec.to_builtins(alert)
