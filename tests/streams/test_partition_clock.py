"""How far the time of a partition has come."""

import time
from math import inf

from monitor.config import Config
from tests.streams.holding import (
    DAY,
    TESTED,
    about_one,
    bundle,
    decision,
    mine,
    outcome,
    partition,
    take,
)

RUNNING: dict[str, float | None] = {"decisions": None, "feedback": None}


def test_restored_facts_tell_the_time_only_at_the_end_of_the_log() -> None:
    """Of what was in hand when a worker died, the later part may be durable, and the earlier not."""
    ids = mine()
    table = take(partition(), bundle([decision(next(ids), time=3 * DAY)])).blocks
    restored = partition()
    restored.restore(table)
    assert restored.clock(RUNNING) == (None, False, inf)
    take(restored, bundle([decision(next(ids), time=DAY)]))
    take(restored, bundle([outcome(next(ids), time=2 * DAY)], "feedback"))
    assert restored.clock(RUNNING) == (DAY * 1000, False, inf)
    assert [restored.clock(ended(now))[0] for now in (1.0, 4.0)] == [DAY * 1000, 3 * DAY * 1000]


def ended(second: float, *topics: str) -> dict[str, float | None]:
    """These topics are at their ends, as of a second; without names, all."""
    return RUNNING | dict.fromkeys(topics or RUNNING, second)


def test_the_clock_is_the_slower_topic_s() -> None:
    state, one = partition(), next(mine())
    take(state, bundle([decision(one, time=9 * DAY)]))
    assert state.clock(RUNNING) == (None, False, inf)
    take(state, bundle([outcome(one, 4 * DAY)], "feedback"))
    assert state.clock(RUNNING) == (4 * DAY * 1000, False, inf)


def test_an_event_from_the_future_takes_the_clock_to_the_present_at_most() -> None:
    """Then what is honest goes on: a model's windows and tests do not wait for the day that it invented."""
    state, ids, before = partition(), mine(), now()
    ahead = take(state, bundle([decision(next(ids), time=before / 1000 + 80_000)]))
    take(state, bundle([outcome(next(ids), time=before / 1000 + 80_000)], "feedback"))
    reached, _, _ = state.clock(RUNNING)
    assert reached is not None
    assert before <= reached <= now()
    assert (ahead.invalid, len(ahead.blocks)) == ([], 1)
    restored = partition()
    restored.restore(ahead.blocks)
    shown = [restored.clock(ended(second))[0] for second in (0.0, 3.0)]
    assert shown[0] is None
    assert shown[1] is not None
    assert reached <= shown[1] <= now()


def now() -> int:
    return time.time_ns() // 1_000_000


def test_a_topic_that_has_ended_for_some_seconds_holds_nobody_back() -> None:
    state, one = partition(), next(mine())
    take(state, bundle([decision(one, time=9 * DAY)]))
    told = [state.clock(ended(second, "feedback")) for second in (0.0, 2.9, 3.0)]
    assert told == [(None, False, inf), (None, False, inf), (9 * DAY * 1000, False, 3.0)]
    assert state.clock(RUNNING) == (None, False, inf)
    assert state.clock(ended(9.0, "feedback")) == (None, False, inf)  # it ends anew


def test_a_broker_that_is_silent_makes_no_topic_idle() -> None:
    """It is known to have ended as of the same second, however often one looks."""
    state = partition()
    assert [state.clock(ended(second))[1] for second in (0.0, 0.0, 0.0, 3.0, 3.0)] == [False] * 3 + [True] * 2


def test_a_partition_is_idle_when_both_topics_have_ended() -> None:
    state = partition()
    assert state.clock(ended(0.0)) == (None, False, inf)
    assert state.clock(ended(3.0)) == (None, True, 3.0)
    take(state, bundle([decision(next(mine()), time=9 * DAY)]))
    assert state.clock({"decisions": 5.0, "feedback": 4.0}) == (9 * DAY * 1000, True, 4.0)
    assert state.clock(RUNNING)[1] is False


def test_claims_that_are_not_settled_hold_the_clock_back() -> None:
    state, ids = partition(Config(models={"loans": TESTED})), mine()
    topics = ("decisions", "feedback", "fairlead-entities", "fairlead-repeats")
    first, later = (about_one(state, day * DAY, ids).claims for day in (1, 3))
    told = [state.clock(ended(now, *topics)) for now in (0.0, 3.0)]
    assert told == [(None, False, inf), ((3 * DAY + 4) * 1000, True, 3.0)]
    behind = ended(4.0, *topics) | {"fairlead-entities": None}
    assert state.clock(behind) == (None, False, 4.0)
    state.hear(bundle([first[0][1]], "fairlead-entities"))
    assert state.clock(behind) == ((DAY + 4) * 1000, False, 4.0)
    state.hear(bundle([later[0][1]], "fairlead-entities"))
    assert state.clock(behind) == ((3 * DAY + 4) * 1000, False, 4.0)


def test_the_time_of_events_of_1970_is_known_after_a_restart() -> None:
    state, one = partition(), next(mine())
    table = take(state, bundle([decision(one, time=0)])).blocks
    table |= take(state, bundle([outcome(one, time=0)], "feedback")).blocks
    restored = partition()
    restored.restore(table)
    told = [restored.clock(ended(now)) for now in (0.0, 3.0)]
    assert told == [(None, False, inf), (0, True, 3.0)]
    assert state.clock(RUNNING) == (0, False, inf)


def test_the_oldest_arrival_is_remembered() -> None:
    state, ids = partition(), mine()
    take(state, bundle([decision(next(ids)), decision(next(ids))]))
    assert state.arrived == 6_999
