"""What sampling alone does to a distance, so that small samples are not called drift.

Two families of distances, two rules. Both give limits between which the true distance lies; each limit is
wrong with probability `error`, for one look at independent values.

**Divergences** (PSI, KL, Jensen-Shannon, Hellinger, χ², G) are locally the same number: Σ (p−q)² / p̄ over
the cells, times a constant. Between samples of n and m values whose distributions differ by the divergence
θ, the estimate over (1/n + 1/m) follows a noncentral χ² law with cells − 1 degrees of freedom and
noncentrality θ / (1/n + 1/m) (Pearson's test under local alternatives: Cochran 1952; for PSI without drift:
Yurdakul, Naranjo 2020). Without drift its mean is (cells − 1)(1/n + 1/m). Inverting that law in θ gives the
limits.

**Norms** of the difference of two distributions (KS, Wasserstein, energy, Cramér–von Mises,
Anderson-Darling, total variation, L∞): by the triangle inequality the estimate is off by at most the norm
of the noise, whose tail is that of a Gaussian norm (Borell, Tsirelson, Ibragimov, Sudakov): it exceeds its
mean by √(2σ² ln(1/error)) with probability ≤ error, σ² being the largest variance of one direction.
"""

import math
from statistics import NormalDist

Limits = tuple[float, float]

# One look in a thousand for each limit: there are many streams and many looks. It is a pointwise level;
# a stream watched for ever crosses any such limit sooner or later (docs/drift.md).
ERROR = 0.001


def rate(n: int, m: int) -> float:
    """1/n + 1/m: what the variance of a difference of two samples' means is proportional to."""
    return 1 / n + 1 / m


def divergence_limits(value: float, n: int, m: int, cells: int, error: float = ERROR) -> Limits:
    """Limits of the true divergence, on the scale of Σ (p−q)² / p̄.

    >>> [round(limit, 3) for limit in divergence_limits(0.3, 1000, 1000, 10)]
    [0.154, 0.453]
    """
    freedom, scale = max(1, cells - 1), rate(n, m)
    z = NormalDist().inv_cdf(1 - error)
    x = value / scale
    # Samples that agree better than chance lets them prove no more than those that agree as chance has it.
    return scale * _noncentrality(x, freedom, z), scale * _noncentrality(max(x, freedom), freedom, -z)


def norm_limits(value: float, mean: float, variance: float, error: float = ERROR) -> Limits:
    """Limits of the true norm, from the mean of the noise's norm and its largest directional variance."""
    margin = mean + math.sqrt(2 * variance * math.log(1 / error))
    return max(0.0, value - margin), value + margin


def share_limits(k: int, n: int, error: float = ERROR) -> Limits:
    """Wilson's limits (1927) of a share of which `k` of `n` were seen; each is wrong with about `error`.

    >>> [round(limit, 4) for limit in share_limits(8, 10, 0.025)]
    [0.4902, 0.9433]
    """
    z = NormalDist().inv_cdf(1 - error)
    centre = (k + z * z / 2) / (n + z * z)
    half = z * math.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return max(0.0, centre - half) if k else 0.0, min(1.0, centre + half) if k < n else 1.0


def absolute(low: float, high: float) -> Limits:
    """Limits of the absolute value of what lies in [low, high].

    >>> absolute(-3, 1), absolute(-3, -1)
    ((0.0, 3), (1, 3))
    """
    return max(0.0, low, -high), max(-low, high)


def chi_square_tail(x: float, freedom: int) -> float:
    """P(χ² ≥ x), by the recursion that is exact for whole degrees of freedom.

    >>> round(chi_square_tail(16.919, 9), 4)
    0.05
    """
    if x <= 0:
        return 1.0
    odd = freedom % 2
    terms = (
        math.exp(nu / 2 * math.log(x / 2) - x / 2 - math.lgamma(nu / 2 + 1)) for nu in range(odd, freedom, 2)
    )
    return min(1.0, (math.erfc(math.sqrt(x / 2)) if odd else 0.0) + sum(terms))


def _noncentrality(x: float, freedom: int, z: float) -> float:
    """The noncentrality under which `x` lies `z` standard deviations up; 0 if even 0 puts it lower."""
    low, high = 0.0, x + freedom + 30 * math.sqrt(x + freedom) + 100
    if _score(x, freedom, low) <= z:
        return 0.0
    for _ in range(60):
        between = (low + high) / 2
        low, high = (between, high) if _score(x, freedom, between) > z else (low, between)
    return (low + high) / 2


def _score(x: float, freedom: int, noncentrality: float) -> float:
    """Where `x` lies in the noncentral χ² law, as a standard normal score (Sankaran 1963, third form)."""
    mean, spread = freedom + noncentrality, freedom + 2 * noncentrality
    h = 1 - 2 / 3 * mean * (freedom + 3 * noncentrality) / spread**2
    p = spread / mean**2
    m = (h - 1) * (1 - 3 * h)
    centre = 1 + h * p * (h - 1 - (2 - h) * m * p / 2)
    return (math.pow(x / mean, h) - centre) / (h * math.sqrt(2 * p) * (1 + m * p / 2))
