"""Which blocks are merged: many small ones of one model, never again what does not get fewer by it."""

import numpy as np
import pytest

from monitor.arrays.codes import Codes
from monitor.facts import blocks
from monitor.facts.blocks import Block
from streams.shelf import MANY, MERGED, SMALL, Shelf


def block(model: str | None, rows: int = 3) -> bytes:
    ids = np.random.default_rng(rows).integers(0, 2**63, rows).astype(np.uint64)
    return blocks.encode(Block(model, {"id": ids}), Codes())


def keys(stem: str, count: int) -> list[bytes]:
    return [f"{stem}/{number}".encode() for number in range(count)]


@pytest.mark.parametrize("model", ["loans", None])
def test_many_small_ones_of_one_model_are_due_the_oldest_first(model: str | None) -> None:
    shelf, record = Shelf(), block(model)
    for key in keys("w", MANY):
        assert shelf.due() == []
        shelf.put(key, record)
    assert shelf.due() == keys("w", MANY)
    for key in keys("w", MANY):
        shelf.remove(key)
    assert (shelf.due(), shelf.keys()) == ([], [])


def test_one_of_each_of_many_models_is_left_alone() -> None:
    """Put together they would be as many as before, again and again."""
    shelf = Shelf()
    for number in range(3 * MANY):
        shelf.put(b"%d" % number, block(f"m{number}"))
    assert shelf.due() == []
    assert len(shelf) == 3 * MANY


def test_large_ones_are_left_alone_and_no_more_is_merged_than_makes_one() -> None:
    shelf = Shelf()
    small, large = block("loans", SMALL // 10), block("loans", SMALL // 4)
    assert len(small) < SMALL < len(large)
    for key in keys("large", MANY):
        shelf.put(key, large)
    assert shelf.due() == []
    for key in keys("small", MANY):
        shelf.put(key, small)
    due = shelf.due()
    assert due == keys("small", len(due))
    assert MERGED - len(small) < len(due) * len(small) <= MERGED


def test_what_never_was_there_is_removed_without_a_word() -> None:
    shelf = Shelf()
    shelf.remove(b"nothing")
    assert shelf.keys() == []
