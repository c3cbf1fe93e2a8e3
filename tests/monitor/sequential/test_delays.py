"""Late outcomes: the level holds where it is said to, and is lost where it is said to be."""

import numpy as np

from benchmarks.sequential import delays


def test_what_keeps_the_level_and_what_loses_it() -> None:
    table = delays.delays(np.random.default_rng(5), 40, lambda: None)
    found = {row: figure for (row, _), figure in table.values.items()}
    kept = (
        "no delay",
        "delay by chance",
        "delay by group",
        "provisional outcomes of a group, fed when it has matured (Fairlead)",
        "delay by decision, alike in both groups",
        "the same, outcomes reported at a fixed age",
    )
    assert all(found[name] <= 0.1 for name in kept)  # of 40 runs; 2 are expected at most
    assert found["provisional outcomes of a group, fed as it comes"] >= 0.9
    assert found["delay by decision, in one group"] >= 0.9


def test_every_outcome_comes_once() -> None:
    rng = np.random.default_rng(6)
    made = rng.integers(0, 50, (delays.DAYS, 3))
    came = delays.come(rng, made, delays.waiting(15))
    assert came.sum(axis=0).tolist() == made.sum(axis=0).tolist()
    assert (np.cumsum(came[: delays.DAYS], axis=0) <= np.cumsum(made, axis=0)).all()
