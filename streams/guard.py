"""How a worker ends when something unexpected happens: at once, before Faust can acknowledge the event."""

import asyncio
import functools
import logging
import os
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, ParamSpec

log = logging.getLogger("fairlead.streams")

CRASHED = 70
"""Exit status of a process that ended itself: sysexits.h's EX_SOFTWARE."""

STOP_SECONDS = 20.0
"""How long a worker may take to end in order; container platforms kill after 30."""

P = ParamSpec("P")


class Revoked(Exception):  # noqa: N818 - an event, not an error: the partition moved to another worker
    """A write to a table's partition that this worker does not hold (any more)."""


def die(reason: str, error: BaseException | None = None) -> NoReturn:
    """Logs one line and ends the process at once, with status 70.

    Nothing is cleaned up, on purpose: Faust acknowledges an event when its agent's generator closes,
    also after an exception, and commits what is acknowledged when it stops.
    """
    log.critical("%s", f"{reason}: {_where(error)}" if error else reason)
    if error:
        log.debug("the error in full", exc_info=error)
    for handler in logging.getLogger().handlers:
        handler.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(CRASHED)


def end_within(seconds: float) -> None:
    """Of a running task: from now on the process has so many seconds to end; then it dies, and says why.

    What it has not committed by then comes again to whoever takes its partitions. By a thread, because also
    what comes after the loop may hang: threads are joined, callbacks are run at exit.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    said = f"could not end within {seconds:g} s, as when Kafka does not answer: it waited in"
    timer = threading.Timer(seconds, lambda: die(f"{said} {_waiting(loop, task)}"))
    timer.daemon = True
    timer.start()


def _waiting(loop: asyncio.AbstractEventLoop, task: object) -> str:
    """Where the task waits, and what stops something; the threads when the loop has ended."""
    tasks = set() if loop.is_closed() else asyncio.all_tasks(loop)
    if not tasks:
        return ", ".join(thread.name for thread in threading.enumerate() if not thread.daemon)
    mine, others = (
        sorted(_place(t.get_coro()) for t in tasks if (t is task) == own) for own in (True, False)
    )
    stopping = [place for place in others if ".stop " in place]
    return ", ".join([*mine, *(stopping or others[:3])])


def _place(coroutine: Any) -> str:
    """Where a coroutine began, and where it waits now."""
    inner = coroutine
    while hasattr(getattr(inner, "cr_await", None), "cr_frame"):
        inner = inner.cr_await
    line = f":{inner.cr_frame.f_lineno}" if getattr(inner, "cr_frame", None) else ""
    began, waits = (getattr(each, "__qualname__", str(each)) for each in (coroutine, inner))
    return f"{began} ({waits}{line})"


def _where(error: BaseException) -> str:
    """
    >>> _where(ValueError("no such model"))
    'ValueError: no such model'
    """
    text = " ".join(f"{type(error).__name__}: {error}".split())
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text} ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else text


def fatal(function: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """An agent or a timer whose unexpected exceptions end the process (see `die`).

    A cancellation in the middle of an event counts as one: Faust would acknowledge the event.
    A timer that meets `Revoked` gives up this turn: the partition is another worker's business now.
    """

    @functools.wraps(function)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await function(*args, **kwargs)
        except asyncio.CancelledError:
            if _in_event(args):
                die(f"{function.__qualname__} was cancelled in the middle of an event")
            raise
        except Exception as error:
            if _in_event(args) or not isinstance(error, Revoked):
                die(f"{function.__qualname__} failed", error)
            log.info("%s gave up: %s", function.__qualname__, error)

    return guarded


def _in_event(arguments: tuple[object, ...]) -> bool:
    """Whether one of the arguments is a stream whose event is not finished."""
    return any(getattr(argument, "current_event", None) is not None for argument in arguments)
