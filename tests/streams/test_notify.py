"""Alerts reach people once, whatever crashes when: nothing is lost, nothing is counted twice."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from alerts import alert as alerts
from alerts.alert import Alert, State
from streams.bundles import Bundle
from tests.alerts.doubles import Crash
from tests.alerts.sample import alert
from tests.readings import NOW
from tests.streams.line import CROWD, Line, decision


@pytest.fixture
async def line() -> Line:
    made = Line()
    await made.start()
    return made


async def test_a_gap_is_told_once_also_after_a_restart(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    line.commit()
    for _ in range(2):
        await line.start()
        await line.settle()
    (message,) = line.told.got
    assert message.title.startswith("loans: selection rate of F (sex) is")
    assert [delivery.told is not None for delivery in line.worker.notify.deliveries()] == [True]


async def test_the_same_events_again_say_nothing_new(line: Line) -> None:
    for _ in range(2):
        await line.produce(*map(decision, range(CROWD)))
        await line.settle()
    assert len(line.told.got) == 1
    assert line.worker.health().duplicates == CROWD


async def test_the_end_is_told_too(line: Line) -> None:
    await line.produce(*map(decision, range(CROWD)))
    await line.settle()
    fair = (decision(n, decision="yes", attributes={"sex": "F"}) for n in range(1_000, 5_000))
    await line.produce(*fair)
    await line.settle()
    assert [str(message.state) for message in line.told.got] == ["firing", "resolved"]


@pytest.mark.parametrize("writes", range(0, 80, 3))
async def test_a_crash_at_any_write_loses_nothing_and_counts_nothing_twice(line: Line, writes: int) -> None:
    await line.produce(*map(decision, range(CROWD)))
    line.log.crash_after = writes
    try:
        await line.settle()
    except Crash:
        line.log.crash_after = None
        await line.start()
        await line.settle()
    assert line.groups() == {"F": CROWD // 2, "M": CROWD // 2}
    assert [state for _, state in line.states()] == ["firing"]
    assert 1 <= len(line.told.got) <= 2
    assert len({(message.id, message.sequence) for message in line.told.got}) == 1


def bundle(*told: Alert) -> Bundle:
    """Alerts as one partition of their topic has them."""
    records = [SimpleNamespace(key=each.id.encode(), value=alerts.encode(each)) for each in told]
    return Bundle("alerts", 0, records)  # type: ignore[arg-type]


async def test_many_alerts_at_once_wait_for_kafka_together(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[asyncio.Future[Any]] = []

    async def send(*_: object) -> asyncio.Future[Any]:
        asked.append(asyncio.get_running_loop().create_future())
        return asked[-1]

    monkeypatch.setattr(line.log, "send", send)
    taking = asyncio.create_task(line.worker.notify._take(bundle(*(alert(id=f"a{n}") for n in range(9)))))
    await asyncio.sleep(0.05)
    assert len(asked) == 9
    for offset, answer in enumerate(asked):
        answer.set_result(SimpleNamespace(offset=offset))
    await taking
    assert len(line.worker.notify.deliveries()) == 9


async def test_of_one_alert_all_states_are_taken_in_their_order(line: Line) -> None:
    over = alert(sequence=2, state=State.RESOLVED, changed=NOW + 60_000)
    await line.worker.notify._take(bundle(alert(sequence=1), over))
    assert [delivery.alert.sequence for delivery in line.worker.notify.deliveries()] == [1, 2]


async def test_a_partition_that_left_is_forgotten(line: Line) -> None:
    for partition in list(line.worker.notify.boxes):
        line.worker.notify._revoked(partition)
    assert line.worker.notify.deliveries() == []
