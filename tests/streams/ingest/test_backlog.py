"""Events on their way to Kafka, without Kafka."""

import asyncio
import logging
from collections.abc import Awaitable

import pytest

from streams.ingest.backlog import AwayError, Backlog, BusyError

ONE = [(b"a", b"1")]
SOON = 0.01  # seconds
MANY = 1_000


class Broker:
    """Takes records; answers when the test says so, or at once with an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.taken: list[tuple[str, bytes, bytes]] = []
        self.up, self.full = asyncio.Event(), asyncio.Event()
        self._error = error

    def send(self, topic: str, value: bytes, *, key: bytes) -> Awaitable[object]:
        return self._answer((topic, key, value))

    async def _answer(self, record: tuple[str, bytes, bytes]) -> None:
        self.taken.append(record)
        if len(self.taken) == MANY:
            self.full.set()
        if self._error and record[1] != b"good":
            raise self._error
        await self.up.wait()


async def settled() -> None:
    """Until nothing else is going on."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


async def test_it_returns_when_the_broker_has_all() -> None:
    broker = Broker()
    backlog = Backlog(broker.send)
    records = [(str(n).encode(), b"v") for n in range(MANY)]
    sending = asyncio.create_task(backlog.send("decisions", records))
    await broker.full.wait()
    assert not sending.done()
    assert backlog.waiting == MANY
    broker.up.set()
    await sending
    assert backlog.waiting == 0
    assert broker.taken == [("decisions", key, value) for key, value in records]


async def test_others_have_their_turn_between() -> None:
    broker = Broker()
    sending = asyncio.create_task(Backlog(broker.send).send("decisions", ONE * 10_000))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(broker.taken) < MANY
    broker.up.set()
    await sending


async def test_nothing_is_sent_at_once() -> None:
    await Backlog(Broker().send).send("decisions", [])


async def test_more_than_it_holds_is_refused_until_there_is_room() -> None:
    broker = Broker()
    backlog = Backlog(broker.send, most=3)
    sending = asyncio.create_task(backlog.send("decisions", ONE * 2))
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await backlog.send("decisions", ONE * 2)
    assert backlog.waiting == 2
    broker.up.set()
    await sending
    await backlog.send("decisions", ONE * 3)


async def test_a_broker_that_owes_an_answer_is_away_until_it_gives_it() -> None:
    broker = Broker()
    backlog = Backlog(broker.send, patience=SOON)
    with pytest.raises(AwayError):
        await backlog.send("decisions", ONE)
    assert backlog.waiting == 1  # the producer still tries
    with pytest.raises(AwayError):
        await backlog.send("decisions", ONE)
    assert len(broker.taken) == 1  # nothing more was piled up
    broker.up.set()
    await settled()
    assert backlog.waiting == 0
    await backlog.send("decisions", ONE)
    assert len(broker.taken) == 2


async def test_one_refusal_spoils_all_and_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    broker = Broker(OSError("about loan-4711"))
    broker.up.set()
    backlog = Backlog(broker.send)
    with caplog.at_level(logging.DEBUG), pytest.raises(AwayError):
        await backlog.send("decisions", [(b"good", b"1"), (b"bad", b"2")])
    assert backlog.waiting == 0
    assert [record.getMessage() for record in caplog.records] == [
        "Kafka did not take 1 of 2 events (OSError)"
    ]
    await backlog.send("decisions", [(b"good", b"1")])
