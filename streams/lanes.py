"""Agents that take the bundles of their partitions side by side: none waits until another's are durable."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

import faust
from faust.types import EventT

from streams.bundles import Bundle
from streams.guard import Revoked, die

T = TypeVar("T")
Take = Callable[[Bundle], Awaitable[float | None]]  # says how long, in s, the partition may rest then


def side_by_side(take: Take) -> Callable[[faust.StreamT[Bundle]], Awaitable[None]]:
    """An agent that starts `take` for each bundle, and acknowledges the bundle when it returns.

    There are as many at once as partitions, since the consumer fetches a partition again when its bundle is
    acknowledged: after the rest that `take` asks for. Whatever `take` raises ends the process; what is
    cancelled is not acknowledged, and comes again.
    """
    running: set[asyncio.Task[None]] = set()

    async def agent(stream: faust.StreamT[Bundle]) -> None:
        stream.enable_acks = False
        async for event in stream.events():
            task = asyncio.create_task(_finish(take, event))
            running.add(task)
            task.add_done_callback(running.discard)

    return agent


async def _finish(take: Take, event: EventT[Bundle]) -> None:
    try:
        rest = await take(event.value)
    except Exception as error:
        die(f"{getattr(take, '__qualname__', take)} failed", error)
    if rest:
        await asyncio.sleep(rest)
    event.ack()


async def in_steps(steps: Generator[None, None, T]) -> tuple[T, float]:
    """What `steps` return, and how long they took of the processor (s); the loop goes on between any two."""
    spent = 0.0
    while True:
        start = time.thread_time()
        try:
            next(steps)
        except StopIteration as done:
            return done.value, spent + time.thread_time() - start
        spent += time.thread_time() - start
        await asyncio.sleep(0)


async def together(*works: Awaitable[None]) -> None:
    """Waits for all, also when some fail; then raises an error, rather one that is more than `Revoked`."""
    found = await asyncio.gather(*works, return_exceptions=True)
    errors = [each for each in found if isinstance(each, BaseException)]
    for error in sorted(errors, key=lambda each: isinstance(each, Revoked)):
        raise error
