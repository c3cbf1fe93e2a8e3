"""Work rests in proportion to what it takes, and longer while a worker catches up."""

import time

from streams.pace import BEHIND_SECONDS, SELDOM_SECONDS, Pace, is_behind


def test_after_work_comes_a_rest_in_proportion() -> None:
    pace = Pace(rest=3, longest=10.0)
    assert pace.is_due(0.0)
    pace.turned(100.0, 0.5, behind=False)
    assert not pace.is_due(101.4)
    assert pace.is_due(101.5)


def test_a_turn_without_work_needs_no_rest() -> None:
    pace = Pace(rest=3, longest=10.0)
    pace.turned(100.0, 0.0, behind=False)
    assert pace.is_due(100.0)


def test_no_rest_is_longer_than_the_longest() -> None:
    pace = Pace(rest=3, longest=10.0)
    pace.turned(100.0, 60.0, behind=False)
    assert pace.is_due(110.0)


def test_who_is_behind_looks_seldom() -> None:
    pace = Pace(rest=3, longest=10.0)
    pace.turned(100.0, 0.01, behind=True)
    assert not pace.is_due(99.9 + SELDOM_SECONDS)
    assert pace.is_due(100.0 + SELDOM_SECONDS)


def test_events_that_waited_say_so() -> None:
    now = round(time.time() * 1000)
    assert not is_behind(0)
    assert not is_behind(now)
    assert is_behind(now - round(1000 * BEHIND_SECONDS) - 1)
