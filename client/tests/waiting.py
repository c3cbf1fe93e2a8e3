"""Waiting for what another thread brings about."""

import time
from collections.abc import Callable

WAIT = 20.0  # seconds after which a condition that must come true counts as failed


def until(condition: Callable[[], bool]) -> None:
    """Returns when the condition is true."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.002)
