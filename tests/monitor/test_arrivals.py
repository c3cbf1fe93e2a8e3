"""About when an undecided comparison will have what it needs."""

import pytest
from msgspec.structs import replace

from monitor import arrivals
from monitor.readings import Attribute, Group, Reading, Verdict
from tests.readings import gap

DAY = 86_400_000
NOW = 1_772_668_800_000  # 5 March 2026
GAP = gap(attribute="sex", group="F", reference="M", min=-0.1, verdict=Verdict.UNDECIDED, needed=300)


def reading(window: str, n: int, needed: int | None = 300, **more: object) -> Reading:
    comparison = replace(GAP, window=window, needed=needed, **more)
    group = Group(n, None, {}, {})
    return Reading(
        model="loans",
        window=window,
        as_of=NOW,
        decisions=4 * n,
        feedback=0,
        attributes={"sex": Attribute("M", {"F": group}, [comparison])},
        composites=[replace(comparison, group="all groups")],
        drift=[],
    )


def due(readings: list[Reading], first: int | None, window: str) -> int | None:
    """In how many days."""
    [told] = [each for each in arrivals.told(readings, first) if each.window == window]
    found = told.attributes["sex"].comparisons[0].due
    return None if found is None else (found - NOW) // DAY


def test_the_rate_is_that_since_the_first_decision() -> None:
    assert due([reading("all", 100)], NOW - 10 * DAY, "all") == 30


def test_the_longest_sliding_window_says_how_many_come() -> None:
    readings = [reading("1d", 5), reading("30d", 60), reading("month", 8)]
    assert due(readings, NOW - 400 * DAY, "month") is None
    # 2 a day: a day holds no 305, thirty days no 360
    assert due(readings, NOW - 400 * DAY, "1d") is None
    assert due(readings, NOW - 400 * DAY, "30d") is None


def test_a_window_that_is_not_full_yet_may_hold_them() -> None:
    assert due([reading("30d", 100, needed=150)], NOW - 10 * DAY, "30d") == 15
    assert due([reading("30d", 100, needed=250)], NOW - 10 * DAY, "30d") is None


def test_a_month_ends() -> None:
    readings = [reading("30d", 300), reading("month", 40, needed=200), reading("last_month", 280)]
    assert due(readings, NOW - 400 * DAY, "month") == 20
    readings[1] = reading("month", 40, needed=280)
    assert due(readings, NOW - 400 * DAY, "month") is None
    assert due(readings, NOW - 400 * DAY, "last_month") is None


def test_a_sequential_test_forgets_nothing() -> None:
    readings = [reading("1d", 5, needed=500, test="sequential")]
    assert due(readings, NOW - 400 * DAY, "1d") == 100


def test_what_is_about_everybody_counts_everybody() -> None:
    [told] = arrivals.told([reading("all", 100)], NOW - 10 * DAY)
    assert told.composites[0].due == NOW + 300 * DAY // 40


@pytest.mark.parametrize(
    ("found", "first"),
    [
        (reading("all", 100), None),  # nobody knows since when
        (reading("all", 100), NOW),  # no time has passed
        (reading("all", 0), NOW - DAY),  # none comes
        (reading("all", 1, needed=1_000_000), NOW - DAY),  # in 2,700 years
        (reading("all", 100, needed=None), NOW - DAY),  # no end in sight
        (replace(reading("all", 100), as_of=None), NOW - DAY),
        (reading("last_month", 100), NOW - DAY),  # no window says how many come now
    ],
)
def test_without_a_date_there_is_none(found: Reading, first: int | None) -> None:
    assert due([found], first, found.window) is None
