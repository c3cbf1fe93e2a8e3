"""Partitions find out together which decisions are about one entity, whatever ends a worker in between."""

import pytest

from monitor.trials.slices import Question, sliced
from streams.collect import Collect
from streams.watched import Watched
from tests.alerts.doubles import Crash
from tests.streams.line import CROWD, DAY, LOANS, Line, decision, outcome

PARTITIONS, TIMES = 4, 3
SELECTED = ("sex", "selection_rate")


def about(number: int, time: int) -> bytes:
    """One of several decisions about a person, each with an id of its own and a little later."""
    later = DAY * (1 + number // 20) + time
    return decision(number, id=f"d{number}-{time}", entity=f"p{number}", time=later)


async def started() -> Line:
    line = Line(count=PARTITIONS)
    await line.start()
    return line


async def crowd(line: Line, people: range) -> None:
    await line.produce(*(about(number, time) for number in people for time in range(TIMES)))


def watched(line: Line) -> Watched:
    (found,) = (found for desk in line.worker.evaluate.desks.values() for found in desk.models.values())
    return found


def counted(line: Line, question: Question = SELECTED, source: str = "decisions") -> dict[str, list[int]]:
    """How many events of each group tests may count in each slice, from the panes of all partitions."""
    found = sliced(watched(line).panes, LOANS, source, (0, 1_000), asked=[question]).counts[question]
    return dict(zip(found.groups, found.n.T.tolist(), strict=True))


def fed(line: Line) -> float:
    """How many decisions the tests were fed."""
    ((running,),) = watched(line)._trials.running.values()
    return float(running.fed(0))


def held(collect: Collect) -> set[int]:
    """The partitions that hold a repeat."""
    return {p for p, s in collect.partitions.items() if s.facts.models["loans"].all("repeat").any()}


async def test_an_entity_counts_once_in_tests_and_each_time_in_windows() -> None:
    line = await started()
    await crowd(line, range(CROWD))
    await line.settle()
    assert line.groups() == {"F": TIMES * CROWD // 2, "M": TIMES * CROWD // 2}
    assert counted(line) == {"F": [10] * (CROWD // 20), "M": [10] * (CROWD // 20)}
    assert held(line.worker.collect) == set(range(PARTITIONS))
    single = await started()
    await single.produce(*map(decision, range(CROWD)))
    await single.settle()
    assert fed(line) == fed(single) > 0


async def test_outcomes_of_repeats_do_not_count_either() -> None:
    line = await started()
    await crowd(line, range(40))
    said = (outcome(n, decision_id=f"d{n}-{time}") for n in range(40) for time in range(TIMES))
    await line.produce(*said, feedback=True)
    await line.settle()
    assert sum(map(sum, counted(line, ("sex", "true_positive_rate"), "outcomes").values())) == 40


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("writes", range(1, 46, 4))
async def test_a_crash_at_any_write_changes_nothing(writes: int, committed: bool) -> None:
    """What a finished bundle said may be committed, what a broken one said comes again."""
    line = await started()
    await crowd(line, range(60))
    await line.settle()
    line.commit()
    await crowd(line, range(40, 100))
    line.log.crash_after = writes
    with pytest.raises(Crash):
        await line.settle()
    if committed:
        line.commit()
    line.log.crash_after = None
    await line.start()
    await line.settle()
    assert counted(line) == {"F": [10] * 5, "M": [10] * 5}
    assert line.groups() == {"F": TIMES * 50, "M": TIMES * 50}


async def test_repeats_go_out_before_what_they_were_found_by_is_durable() -> None:
    """A claim that is durable beats nobody a second time."""
    line = await started()
    await crowd(line, range(20))
    await line._feed(line.worker.collect._take, line.topics.decisions)
    line.log.order.clear()
    await line._feed(line.worker.collect._take, line.topics.entities)
    order = [topic for topic, _ in line.log.order]
    first = order.index(line.topics.repeats)
    assert line.topics.facts not in order[:first]
    assert {line.topics.facts, line.topics.repeats} == set(order)


async def test_without_entities_nothing_is_told() -> None:
    line = await started()
    await line.produce(*map(decision, range(20)))
    await line.settle()
    assert line.log.values(line.topics.entities) == line.log.values(line.topics.repeats) == []
