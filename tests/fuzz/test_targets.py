"""Every target takes its seeds, pieces of them, any bytes, and what once made it fail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import ALLOWED, SEEDS, TARGETS, run

CRASHES = [
    (  # a block from before the model had slices
        "block",
        b"\x84\xa7version\x01\xa5model\xa1m\xa5texts\x82\x03\xa3yes\x04\xa1F\xa7columns\x84"
        b"\xa2id\xc4\x08I\xa2\x93\xcd`\x08\xc2\x96\xa4time\xc4\x08\x88\x13\0\0\0\0\0\0"
        b"\xa8decision\xc4\x02\x03\0\xaeattributes.sex\xc4\x02\x04\0",
    ),
]


def test_each_target_has_seeds_and_errors() -> None:
    assert TARGETS.keys() == SEEDS.keys() == ALLOWED.keys()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str) -> None:
    for seed in SEEDS[name]():
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_seeds_do_no_harm(name: str) -> None:
    for seed in SEEDS[name]():
        for at in range(0, len(seed), max(1, len(seed) // 40)):
            for damaged in (seed[:at], seed[at:], seed[:at] + b"\xff" + seed[at + 1 :], seed[:at] + seed):
                run(name, damaged)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=20)
@given(data=st.binary(max_size=100))
def test_any_bytes_do_no_harm(name: str, data: bytes) -> None:
    run(name, data)


@pytest.mark.parametrize(("name", "data"), CRASHES)
def test_what_once_made_it_fail_does_so_no_more(name: str, data: bytes) -> None:
    run(name, data)
