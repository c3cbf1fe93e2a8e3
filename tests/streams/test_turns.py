"""Whose turn it is to be read."""

from collections import Counter
from collections.abc import Mapping

import pytest

from streams.turns import SHARE, Turns

STEP, LONG = 0.05, 300.0


def read(costs: Mapping[str, float]) -> tuple[Counter[str], float]:
    """How often each model is read in five minutes, one after the other, and the seconds spent with it."""
    turns, now, spent, reads = Turns(), 0.0, 0.0, Counter[str]()
    while now < LONG:
        for model, cost in costs.items():
            if turns.is_due(model, now):
                now, spent = now + cost, spent + cost
                turns.took(model, cost, now)
                reads[model] += 1
        now += STEP
    return reads, spent


def test_who_has_waited_longest_is_next() -> None:
    turns = Turns()
    for model, now in (("a", 10.0), ("b", 11.0), ("c", 12.0)):
        turns.took(model, 0.1, now)
    assert turns.next("cba", 12.5) == "a"
    assert turns.next(["c", "new", "a"], 12.5) == "new"
    assert turns.next("abc", 10.05) is None


def test_one_alone_rests_twice_as_long_as_it_is_read() -> None:
    reads, spent = read({"credit": 1.0})
    assert reads["credit"] == pytest.approx(LONG / SHARE, rel=0.1)
    assert spent == pytest.approx(LONG / SHARE, rel=0.1)


def test_those_that_cost_the_same_take_turns() -> None:
    reads, spent = read(dict.fromkeys("abcdef", 0.5))
    assert max(reads.values()) - min(reads.values()) <= 1
    assert spent <= 1.1 * LONG / SHARE


def test_one_that_costs_much_hardly_holds_back_the_others() -> None:
    """As where a producer invents groups for it. Resting together, all would be read every six seconds."""
    light = dict.fromkeys("abcdefghi", 0.02)
    reads, spent = read({**light, "flooded": 1.5})
    assert min(reads[model] for model in light) > LONG / 2
    assert reads["flooded"] > LONG / 15
    assert spent <= 1.1 * LONG / SHARE


def test_whoever_moved_away_is_forgotten() -> None:
    turns = Turns()
    turns.took("credit", 9.0, now=10.0)
    turns.forget(["credit", "hiring"])
    turns.took("hiring", 1.0, now=10.0)
    assert turns.is_due("credit", 10.0)
    assert turns.is_due("hiring", 12.0)
