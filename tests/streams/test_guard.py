"""How a worker ends: at once, with one line, or within its time."""

import re
import subprocess
import sys

import pytest

from streams.guard import CRASHED, Revoked, fatal


async def test_a_timer_gives_up_a_partition_that_moved() -> None:
    @fatal
    async def tick() -> None:
        raise Revoked("table facts: partition 3 is not held by this worker")

    await tick()


SCRIPT = """
import asyncio, types
from streams.guard import Revoked, die, fatal

idle, busy = types.SimpleNamespace(current_event=None), types.SimpleNamespace(current_event=1)

@fatal
async def agent(stream, error):
    try:
        raise error
    finally:
        print("unwound")

asyncio.run(agent({arguments}))
"""


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        ('busy, ValueError("two\\nlines")', CRASHED, "agent failed: ValueError: two lines (<string>:10)"),
        ('busy, Revoked("gone")', CRASHED, "agent failed: Revoked: gone (<string>:10)"),
        ("busy, asyncio.CancelledError()", CRASHED, "agent was cancelled in the middle of an event"),
        ("idle, asyncio.CancelledError()", 1, "asyncio.exceptions.CancelledError"),
        ('idle, Revoked("gone")', 0, ""),
    ],
)
def test_what_ends_the_process(arguments: str, status: int, line: str) -> None:
    script = SCRIPT.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, "unwound\n")
    lines = done.stderr.strip().splitlines()
    assert line == (lines[-1] if lines else "")
    assert len(lines) <= 1 or status == 1


STARTING = """
import asyncio, logging
from streams.process import make_app, serve

for chatty in ("aiokafka", "faust", "mode"):
    logging.getLogger(chatty).setLevel("CRITICAL")
asyncio.run(serve(make_app("group", "kafka://127.0.0.1:1")))
"""


def test_a_kafka_that_is_lost_at_the_start_is_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", STARTING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (CRASHED, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Kafka was lost while the worker started: KafkaConnectionError: ")


STOPPING = """
import asyncio, os, signal
from types import SimpleNamespace
from streams.process import serve

async def start():
    os.kill(os.getpid(), signal.SIGTERM)

async def flush():
    await asyncio.sleep({stop})

async def stop():
    await flush()

async def left():
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        await asyncio.sleep({rest})

async def main():
    task = asyncio.create_task(left())
    await serve(SimpleNamespace(start=start, stop=stop), {patience})

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("stop", "rest", "patience", "status", "line"),
    [
        (0, 0, 60, 0, ""),
        (1000, 0, 0.2, CRASHED, r"could not end within 0.2 s, .*: it waited in main \(sleep:\d+\), left .*"),
        (0, 1000, 0.2, CRASHED, r"could not end within 0.2 s, .*: it waited in left \(sleep:\d+\)"),
    ],
)
def test_a_worker_ends_within_its_time_or_says_what_it_waits_for(
    stop: float, rest: float, patience: float, status: int, line: str
) -> None:
    script = STOPPING.format(stop=stop, rest=rest, patience=patience)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert re.fullmatch(line, done.stderr.strip())
