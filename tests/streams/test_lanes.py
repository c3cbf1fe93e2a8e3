"""Bundles side by side: acknowledged when they are done, and not before; errors end the process."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from streams import lanes
from streams.bundles import Bundle
from streams.guard import Revoked


class Event:
    def __init__(self, partition: int) -> None:
        self.value, self.acked = Bundle("decisions", partition, []), False

    def ack(self) -> None:
        self.acked = True


class Stream:
    """What an agent asks of a stream."""

    def __init__(self, *events: Event) -> None:
        self.enable_acks, self._events = True, events

    async def events(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event


async def test_a_slow_partition_holds_up_no_other() -> None:
    slow, quick, durable = Event(0), Event(1), asyncio.Event()

    async def take(bundle: Bundle) -> None:
        if bundle.partition == 0:
            await durable.wait()

    stream: Any = Stream(slow, quick)
    await lanes.side_by_side(take)(stream)
    await asyncio.sleep(0)
    assert (stream.enable_acks, slow.acked, quick.acked) == (False, False, True)
    durable.set()
    await asyncio.sleep(0.01)
    assert slow.acked


async def test_a_partition_is_acknowledged_after_the_rest_that_it_asks_for() -> None:
    async def take(bundle: Bundle) -> float | None:
        return 0.05 if bundle.partition == 0 else None

    rests, goes_on = Event(0), Event(1)
    stream: Any = Stream(rests, goes_on)
    await lanes.side_by_side(take)(stream)
    await asyncio.sleep(0.01)
    assert (rests.acked, goes_on.acked) == (False, True)
    await asyncio.sleep(0.1)
    assert rests.acked


async def test_what_fails_is_not_acknowledged_and_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def die(reason: str, error: BaseException) -> None:
        ended.append(f"{reason}: {error}")
        raise SystemExit

    async def take(_: Bundle) -> None:
        raise ValueError("no such model")

    monkeypatch.setattr(lanes, "die", die)
    event: Any = Event(0)
    with pytest.raises(SystemExit):
        await lanes._finish(take, event)
    assert not event.acked
    assert len(ended) == 1
    assert ended[0].endswith("take failed: no such model")


async def test_the_loop_goes_on_between_steps() -> None:
    seen: list[str] = []

    def steps() -> Generator[None, None, str]:
        seen.append("first")
        yield
        seen.append("second")
        return "done"

    other = asyncio.create_task(_note(seen))
    found, spent = await lanes.in_steps(steps())
    await other
    assert (found, spent > 0) == ("done", True)
    assert seen == ["first", "other", "second"]


async def _note(seen: list[str]) -> None:
    seen.append("other")


async def test_all_are_waited_for_and_the_worst_error_is_raised() -> None:
    done: list[str] = []

    async def work(name: str, error: Exception | None = None) -> None:
        await asyncio.sleep(0.01 if error is None else 0)
        done.append(name)
        if error is not None:
            raise error

    with pytest.raises(ValueError, match="broken"):
        await lanes.together(work("moved", Revoked("p 1")), work("slow"), work("bad", ValueError("broken")))
    with pytest.raises(Revoked):
        await lanes.together(work("moved", Revoked("p 1")), work("slow"))
    assert sorted(done) == ["bad", "moved", "moved", "slow", "slow"]
    await lanes.together()
