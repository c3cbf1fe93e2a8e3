"""Workers that come, die and stand by: with our settings, and beside them with Faust's."""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from streams.guard import CRASHED
from tests.kafka.harness import Group

pytestmark = pytest.mark.kafka
Groups = Callable[[str], Group]


def test_who_was_killed_is_replaced_soon_and_what_comes_again_counts_once(groups: Groups) -> None:
    """Without facts an increment counts twice, also "exactly once": Faust heeds that under its own command
    alone. And Kafka waits for a dead worker for as long as its session may be silent: Faust's 60 seconds."""
    never = {"broker_commit_interval": 1_000.0}
    exactly = {**never, "processing_guarantee": "exactly_once"}
    sides: list[tuple[Group, dict[str, Any]]] = [
        (groups("ours"), {"settings": never}),
        (groups("counts"), {"settings": exactly, "without": "facts table"}),
        (groups("patient"), {"settings": {"broker_session_timeout": 60.0}}),
    ]
    for group, _ in sides:
        group.send(range(200))
    with ExitStack() as stack:
        for worker in [stack.enter_context(group.worker(**options)) for group, options in sides]:
            worker.wait_until_done(400)
            worker.send(signal.SIGKILL)
    with ExitStack() as stack:
        *others, last = [stack.enter_context(group.worker(**options)) for group, options in sides]
        found = [worker.wait_until_done(400)["facts"].values() for worker in others]
        assert [sum(each) for each in found] == [400, 800]
        assert (last.runs, last.lines) == (True, [])


def test_a_worker_holds_no_standby_for_others(groups: Groups) -> None:
    """Faust makes one unless it is told not to: a second copy of all state, which none of our hooks know."""
    ours, stock = groups("ours"), groups("stock")
    settings = {"settings": {"table_standby_replicas": 1}}
    with ours.worker() as first, stock.worker(**settings) as other:
        for worker in (first, other):
            worker.wait_for(lambda line: line.get("beat") == 4)
        with ours.worker() as second, stock.worker(**settings) as another:
            for worker in (first, second):
                worker.wait_for(lambda line: line.get("beat") == 2)
            assert other.exit() == another.exit() == CRASHED
    assert "table facts: partitions [0, 1, 2, 3] came with" in other.errors[-1]
