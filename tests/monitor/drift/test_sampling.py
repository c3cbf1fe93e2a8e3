"""The laws of sampling noise, against scipy."""

import math

import pytest
from scipy import stats

from monitor.drift import _sampling


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 10, 50])
@pytest.mark.parametrize("x", [0.1, 1.0, 7.5, 40.0, 300.0])
def test_the_chi_square_tail_is_exact(freedom: int, x: float) -> None:
    assert _sampling.chi_square_tail(x, freedom) == pytest.approx(stats.chi2.sf(x, freedom), rel=1e-10)


def test_the_chi_square_tail_is_1_at_0() -> None:
    assert _sampling.chi_square_tail(0, 3) == _sampling.chi_square_tail(-1e-12, 4) == 1


@pytest.mark.parametrize("freedom", [1, 4, 9, 30])
@pytest.mark.parametrize("noncentrality", [0.5, 10, 100, 3000])
@pytest.mark.parametrize("error", [0.05, 0.001])
def test_divergence_limits_invert_the_noncentral_law(
    freedom: int, noncentrality: float, error: float
) -> None:
    n, m, scale = 2000, 500, 1 / 2000 + 1 / 500
    value = scale * stats.ncx2.mean(freedom, noncentrality)

    low, high = _sampling.divergence_limits(value, n, m, freedom + 1, error)

    for limit, tail in ((low, stats.ncx2.sf), (high, stats.ncx2.cdf)):
        if limit > 0:
            assert tail(value / scale, freedom, limit / scale) == pytest.approx(error, rel=0.2)


@pytest.mark.parametrize("error", [0.05, 0.001])
def test_without_drift_the_lower_limit_is_0_up_to_the_chi_square_quantile(error: float) -> None:
    quantile = (1 / 1000 + 1 / 1000) * stats.chi2.isf(error, 9)

    assert _sampling.divergence_limits(0.98 * quantile, 1000, 1000, 10, error)[0] == 0
    assert _sampling.divergence_limits(1.02 * quantile, 1000, 1000, 10, error)[0] > 0


@pytest.mark.parametrize("cells", [1, 2, 10])
def test_agreement_to_the_last_value_is_no_proof_of_no_drift(cells: int) -> None:
    low, high = _sampling.divergence_limits(0.0, 100, 100, cells)

    assert low == 0
    assert 0.1 < high < 0.6


def test_limits_of_a_share_are_wilsons() -> None:
    for k, n in ((0, 10), (3, 10), (10, 10), (499, 1000)):
        expected = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
        assert _sampling.share_limits(k, n, 0.025) == pytest.approx((expected.low, expected.high))


def test_the_margin_of_a_norm_falls_with_the_error_allowed() -> None:
    low, high = _sampling.norm_limits(1.0, mean=0.1, variance=0.01, error=0.05)

    assert high - 1 == pytest.approx(1 - low) == pytest.approx(0.1 + math.sqrt(0.02 * math.log(20)))
    assert _sampling.norm_limits(0.1, mean=0.1, variance=0.01)[0] == 0
