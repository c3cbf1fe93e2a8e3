"""Bar 1: the closed forms against a bounded optimiser, 3,000 random cases each."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import xlog1py, xlogy

from monitor.sequential.projections import project_difference, project_ratio

CASES = 3_000


def loss(p_a: float, p_b: float, counts: NDArray[np.float64]) -> float:
    n_a, k_a, n_b, k_b = counts
    p_a, p_b = min(max(p_a, 0), 1), min(max(p_b, 0), 1)
    terms = xlogy(k_a, p_a), xlog1py(n_a - k_a, -p_a), xlogy(k_b, p_b), xlog1py(n_b - k_b, -p_b)
    return -float(sum(terms))


def cases(seed: int) -> NDArray[np.float64]:
    """Counts (4, cases) n_a, k_a, n_b, k_b: 1 to 10,000 events, a third whole numbers, some none or all."""
    rng = np.random.default_rng(seed)
    n = np.exp(rng.uniform(0, np.log(10_000), (2, CASES)))
    k = n * rng.beta(0.4, 0.4, (2, CASES))
    whole = np.arange(CASES) % 3 == 0
    n[:, whole] = np.round(n[:, whole])
    k[:, whole] = np.minimum(np.round(k[:, whole]), n[:, whole])
    k[0, ::10] = 0
    k[1, ::13] = n[1, ::13]
    return np.stack([n[0], k[0], n[1], k[1]])


def best(low: float, high: float, loss_at_b):
    found = minimize_scalar(loss_at_b, bounds=(low, high), method="bounded", options={"xatol": 1e-13})
    return min(found.fun, loss_at_b(low), loss_at_b(high))


def test_the_difference_is_as_likely_as_an_optimiser_finds() -> None:
    counts = cases(1)
    gaps = np.random.default_rng(2).uniform(-0.95, 0.95, CASES)
    gaps[::7] = 0
    n_a, k_a, n_b, k_b = counts
    p_a, p_b = project_difference(k_a, n_a, k_b, n_b, gaps)
    np.testing.assert_allclose(p_a - p_b, gaps, atol=1e-15)
    for i, gap in enumerate(gaps):

        def loss_at(b: float, gap: float = gap, case: NDArray[np.float64] = counts[:, i]) -> float:
            return loss(b + gap, b, case)

        assert loss_at(p_b[i]) - best(max(0, -gap), min(1, 1 - gap), loss_at) <= 1e-9, (counts[:, i], gap)


def test_the_ratio_is_as_likely_as_an_optimiser_finds() -> None:
    counts = cases(3)
    ratios = np.random.default_rng(4).uniform(0.05, 1, CASES)
    ratios[::7] = 1
    n_a, k_a, n_b, k_b = counts
    p_a, p_b = project_ratio(k_a, n_a, k_b, n_b, ratios)
    np.testing.assert_allclose(p_a, ratios * p_b, rtol=1e-12)
    for i, ratio in enumerate(ratios):

        def loss_at(b: float, ratio: float = ratio, case: NDArray[np.float64] = counts[:, i]) -> float:
            return loss(ratio * b, b, case)

        assert loss_at(p_b[i]) - best(0, 1, loss_at) <= 1e-9, (counts[:, i], ratio)


@pytest.mark.parametrize("gap", [0.0, 0.3, -0.3])
def test_rates_that_have_the_gap_are_their_own_projection(gap: float) -> None:
    p_a, p_b = project_difference(700 * (0.4 + gap), 700, 300 * 0.4, 300, gap)
    assert (p_a, p_b) == pytest.approx((0.4 + gap, 0.4), abs=1e-12)


def test_arguments_broadcast() -> None:
    gaps = np.array([[0.1], [0.2]])
    p_a, p_b = project_difference([5, 6, 7], 10, 3, 10, gaps)
    assert p_a.shape == p_b.shape == (2, 3)
