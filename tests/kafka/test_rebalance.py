"""What a fetch reads while a rebalance ends: with our consumer, and without what mends it.

A fetch that is under way when a rebalance begins waits for its end, reads then on behalf of the new
assignment, and is thrown away by Faust. Here it is certain to meet one: its worker hears of it late.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.kafka.harness import Group, Worker

pytestmark = pytest.mark.kafka


@contextmanager
def joined(group: Group, word: str, **options: object) -> Iterator[tuple[Worker, Worker]]:
    """A worker that has nothing committed, and one that joins it; events come when the first says a word."""
    with group.worker(**options) as first:
        first.wait_for(lambda line: line.get("beat") == 4)
        with group.worker() as second:
            first.wait_for(lambda line: word in line)
            group.send(range(200))
            done(second)
            yield first, second


def done(worker: Worker) -> None:
    """Waits until it has finished its half of the partitions, as far as it knows."""
    worker.wait_for_beats(2)  # what it knows is no older than what was sent
    worker.wait_for(lambda line: line.get("beat") == 2 and line["at_end"])


@pytest.mark.parametrize("without", ["", "earliest"])
def test_what_is_read_before_the_seek_comes_again(group: Group, without: str) -> None:
    """Without a commit there is none to go back to: the position stays behind what was thrown away."""
    with joined(group, "revoking", slow_news=1.2, poll=1.0, without=without) as (first, _):
        done(first)
        assert (group.facts() == group.sent) is (not without)


def test_what_was_thrown_away_is_in_nobody_s_hand(group: Group) -> None:
    """See above, where it comes again: who remembers it waits for it, for ever."""
    with joined(group, "revoking", slow_news=1.2, poll=1.0, without="forget") as (first, _):
        first.wait_for_beats(4)
        assert first.lines[-1]["waiting"]
        assert group.facts() < group.sent


@pytest.mark.parametrize("without", ["", "lock"])
def test_nothing_is_read_while_a_seek_goes_on(group: Group, without: str) -> None:
    """It is thrown away, too; the seek that should mend this ends too late, and mends nothing."""
    late = {"slow_news": 2.7, "poll": 2.5, "slow_seek": 1.2, "slow_reset": 0.8}
    with joined(group, "sought", **late, without=without) as (first, _):
        done(first)
        assert (group.facts() == group.sent) is (not without)
