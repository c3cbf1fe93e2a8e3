"""What a worker knows after a recovery: with our tables, and beside them with what Faust does itself."""

import signal
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from streams.guard import CRASHED
from tests.faults.logs import table
from tests.kafka.harness import Group, Line, Worker

pytestmark = pytest.mark.kafka
Groups = Callable[[str], Group]


def held(line: Line) -> int:
    """How many facts the worker holds."""
    return sum(line["facts"].values())


def works(worker: Worker, partitions: int) -> Line:
    return worker.wait_for(lambda line: line.get("beat") == partitions)


def test_what_has_left_is_forgotten_and_what_stays_is_not_read_again(groups: Groups) -> None:
    ours, stock = groups("ours"), groups("stock")
    for group in (ours, stock):
        group.send(range(200))
    with ours.worker() as first, stock.worker(without="table") as other:
        for worker in (first, other):
            worker.wait_for(lambda line: held(line) == 400)
        with ours.worker() as second, stock.worker(without="table") as another:
            for worker in (second, another):
                works(worker, 2)
            with_ours, with_stock = works(first, 2), works(other, 2)
    assert (len(with_ours["held"]), len(with_stock["held"])) == (2, 4)
    assert (held(with_ours) < 400, held(with_stock)) == (True, 400)
    assert (with_ours["read"], with_stock["read"] > 0) == (0, True)


def test_what_others_wrote_before_our_own_last_record_is_read(groups: Groups) -> None:
    """Another worker held the partitions while ours stood still, which wrote what it had in hand then."""
    ours, stock = groups("ours"), groups("stock")
    with ours.worker() as first, stock.worker(without="gaps") as other:
        for group, worker in ((ours, first), (stock, other)):
            works(worker, 4)
            group.keep()
            group.send(range(200))
        before = [worker.wait_for(lambda line: held(line) == 400)["facts"] for worker in (first, other)]
        with ours.worker() as second, stock.worker(without="gaps") as another:
            for worker in (second, another):
                works(worker, 2)
            after = [works(worker, 2)["facts"] for worker in (first, other)]
    gained = [{now[p] - then[p] for p in now} for then, now in zip(before, after, strict=True)]
    assert gained == [{4}, {0}]


def test_a_zombie_does_not_have_the_last_word(groups: Groups) -> None:
    """It stands still with a write in hand; meanwhile another worker takes its partition, and writes on."""
    ours, stock = groups("ours"), groups("stock")
    sides = [(ours, ""), (stock, "holder")]
    with ExitStack() as stack:
        zombies = [stack.enter_context(group.worker(pause=2.0, without=w)) for group, w in sides]
        for (group, _), zombie in zip(sides, zombies, strict=True):
            works(zombie, 4)
            group.send_one(b"mark/1", 0)
        for zombie in zombies:
            zombie.wait_for(lambda line: sum(line.get("waiting", ())) == 1)
            zombie.send(signal.SIGSTOP)
        others = [stack.enter_context(group.worker(without=w)) for group, w in sides]
        for (group, _), other in zip(sides, others, strict=True):
            works(other, 4)
            group.send_one(b"mark/2", 0)
            other.wait_until_done(2)
        for zombie in zombies:
            zombie.send(signal.SIGCONT)
        for worker in (*zombies, *others):
            works(worker, 2)
        assert [worker.stop() for worker in (*zombies, *others)] == [0] * 4
    last = [table(group.address, group.changelog)[b"mark"] for group, _ in sides]
    assert last == [b"mark/2", b"mark/1"]


def test_an_error_of_what_is_told_of_a_recovery_ends_the_worker(groups: Groups) -> None:
    ours, stock = groups("ours"), groups("stock")
    for group in (ours, stock):
        group.keep()
    with ours.worker(fails="hook") as ends, stock.worker(fails="hook", without="table") as goes_on:
        assert ends.exit() == CRASHED
        assert "table facts: build.<locals>.recovered failed: ValueError: unreadable" in ends.errors[-1]
        assert works(goes_on, 4)["facts"] == {}  # ready, and knows nothing


@pytest.mark.parametrize(
    ("fails", "without", "reason"),
    [
        ("apply", "table", "table facts: recovery failed: ValueError: unreadable"),
        ("", "bytes", None),  # Faust reads a table's log by its types; without them, as JSON
    ],
)
def test_what_a_recovery_reads_is_never_left_out(
    groups: Groups, fails: str, without: str, reason: str | None
) -> None:
    ours, stock = groups("ours"), groups("stock")
    for group in (ours, stock):
        group.keep()
    with ours.worker(fails=fails) as worker, stock.worker(fails=fails, without=without) as waits:
        if reason:
            assert worker.exit() == CRASHED
            assert reason in worker.errors[-1]
        else:
            assert held(works(worker, 4)) == 16
        waits.wait_for_error("Error in recovery")
        assert (waits.runs, waits.lines) == (True, [])  # for ever


def test_a_recovery_that_stands_still_ends_the_worker(groups: Groups) -> None:
    """No reader of records comes to the end of a log that ends with the mark of a transaction."""
    ours, stock = groups("ours"), groups("stock")
    for group in (ours, stock):
        group.keep(transactional=True)
    with stock.worker(without="watch") as waits, ours.worker(stall=1.0) as ends:
        assert ends.exit() == CRASHED
        assert "recovery stands still with {0: 1} offsets to read" in ends.errors[-1]
        waits.errors.clear()
        waits.wait_for_error("missing {0: 1}")
        assert waits.lines == []


def test_a_recovery_that_is_told_of_no_end_ends_the_worker(groups: Groups) -> None:
    """Faust gives it up after a while, and says nothing."""
    ours, stock = groups("ours"), groups("stock")
    for group in (ours, stock):
        group.keep()
    silent = {"slow_ends": 4.0, "settings": {"broker_request_timeout": 3.0}}
    with stock.worker(**silent, without="watch") as waits, ours.worker(**silent, stall=5.0) as ends:
        assert ends.exit() == CRASHED
        assert "recovery stands still with {} offsets to read" in ends.errors[-1]
        waits.errors.clear()
        waits.wait_for_error("missing {}")
        assert waits.lines == []
