"""Cells against the scalar reference; merging, batching, restarting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sequential.eprocess import Cells
from tests.monitor.sequential.reference import Scalar, log_mean
from tests.monitor.sequential.streams import counts

KINDS = [("difference", 0.05), ("difference", 0.0), ("excess", 0.02), ("excess", -0.1), ("ratio", 0.8)]
SHARES = np.repeat([0.5, 0.1, 0.01, 0.002], 5)
RATES = np.tile([0.02, 0.2, 0.4, 0.6, 0.97], 4)


def mixed_stream(seed: int, slices: int, size: int = 50):
    """20 hypotheses: four shares of the minority, five rates of the majority; the minority's drifts."""
    rng = np.random.default_rng(seed)
    for i in range(slices):
        n_b = rng.binomial(size, SHARES)
        p_b = np.clip(RATES - 0.1 * np.sin(i / 20), 0, 1)
        n_a = size - n_b
        yield np.stack([n_a, rng.binomial(n_a, RATES), n_b, rng.binomial(n_b, p_b)])


@pytest.mark.parametrize(("kind", "limit"), KINDS)
@pytest.mark.parametrize("size", [7, 50, 240])
def test_cells_agree_with_the_scalar_reference(kind: str, limit: float, size: int) -> None:
    cells = Cells(20, kind, limit)
    scalars = [Scalar(kind, limit) for _ in range(20)]
    for slice_ in mixed_stream(6, 60, size):
        cells.update(*slice_)
        for scalar, column in zip(scalars, slice_.T, strict=True):
            scalar.update(column.tolist())
        expected = [log_mean(scalar.log_e) for scalar in scalars]
        np.testing.assert_allclose(cells.log_e, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(cells.state["log_peak"], [s.log_peak for s in scalars], rtol=0, atol=1e-10)
    assert (cells.log_e != 0).any()


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_shards_merge_to_the_last_bit(seed: int, shards: int) -> None:
    rng = np.random.default_rng(seed)
    whole, merged = Cells(20), Cells(20)
    for slice_ in mixed_stream(seed, 40):
        n_a, k_a, n_b, k_b = slice_
        parts = []
        for left in range(shards, 1, -1):
            k = rng.binomial([k_a, k_b], 1 / left)
            rest = rng.binomial([n_a - k_a, n_b - k_b], 1 / left)
            parts.append(np.stack([k[0] + rest[0], k[0], k[1] + rest[1], k[1]]))
            n_a, k_a, n_b, k_b = np.stack([n_a, k_a, n_b, k_b]) - parts[-1]
        parts.append(np.stack([n_a, k_a, n_b, k_b]))
        whole.update(*slice_)
        merged.update(*sum(rng.permutation(parts)))
    assert merged.to_bytes() == whole.to_bytes()


def test_cells_alone_or_together_are_the_same_to_the_last_bit() -> None:
    together, alone = Cells(20), [Cells(1) for _ in range(20)]
    for slice_ in mixed_stream(8, 80):
        together.update(*slice_)
        for cell, column in zip(alone, slice_.T, strict=True):
            cell.update(*column)
    for name, array in together.state.items():
        separate = np.concatenate([cell.state[name] for cell in alone], axis=-1)
        np.testing.assert_array_equal(array, separate)


def test_a_restart_in_the_middle_of_a_block_changes_nothing() -> None:
    running, stored = Cells(20), Cells(20)
    for slice_ in mixed_stream(9, 50, size=30):
        running.update(*slice_)
        stored.update(*slice_)
        stored = Cells.from_bytes(stored.to_bytes())
    assert stored.to_bytes() == running.to_bytes()
    assert running.state["open"].any()


def test_the_state_of_a_cell_is_at_most_160_bytes() -> None:
    assert all(len(Cells(50, kind, limit).to_bytes()) <= 50 * 160 for kind, limit in KINDS)


def test_a_proof_stands_though_the_evidence_fades() -> None:
    cells = Cells(1, limit=0.02)
    for _ in range(20):
        cells.update(50, 30, 50, 10)
    proved = cells.e[0]
    for _ in range(200):
        cells.update(50, 20, 50, 20)
    assert cells.e[0] < 1e-3 * proved
    assert cells.peak[0] == pytest.approx(proved)


def test_evidence_beyond_the_largest_float_is_held() -> None:
    cells = Cells(1, limit=0.0)
    for _ in range(100):
        cells.update(100, 95, 100, 5)
    assert cells.log_e[0] > 1_000
    assert np.isfinite(cells.e[0])


def test_both_directions_count_for_a_difference_and_one_for_an_excess() -> None:
    difference, excess = Cells(2, "difference", 0.05), Cells(2, "excess", 0.05)
    for cells in (difference, excess):
        for _ in range(20):
            cells.update(50, [30, 10], 50, [10, 30])
    assert (difference.e > 1e6).tolist() == [True, True]
    assert (excess.e > 1e6).tolist() == [True, False]
    assert difference.e[0] == pytest.approx(difference.e[1])


def test_within_limits_is_proved_by_many_fair_decisions() -> None:
    cells = Cells(3, "difference", 0.05)
    for slice_ in counts(10, 3, 1_000, share=0.4, p_a=0.3, p_b=0.3):
        cells.update(*slice_)
    assert cells.within(0.05).all()
    assert not Cells(3, "difference", 0.05).within(0.05).any()
