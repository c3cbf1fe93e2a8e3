"""The likeliest pair of rates at a given gap: two closed forms, over arrays.

Both maximise the binomial log likelihood of two groups under one constraint.
With counts they give the constrained maximum likelihood estimates of
Miettinen and Nurminen (1985); with ``n * t`` in place of counts they give the
reverse information projection of the rates ``t`` onto the constraint, because
the expected log likelihood has the same form. Fractional counts are therefore
ordinary arguments here.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def project_difference(
    k_a: ArrayLike, n_a: ArrayLike, k_b: ArrayLike, n_b: ArrayLike, gap: ArrayLike
) -> tuple[Array, Array]:
    """The rates (p_a, p_b) that maximise the likelihood subject to p_a - p_b = gap.

    Arguments broadcast against each other: ``k`` positives among ``n`` events, 0 <= k <= n,
    n_a + n_b > 0, -1 < gap < 1. Miettinen and Nurminen (1985), equations 27 and 28: the
    stationary points are roots of a cubic, and the trigonometric form picks the right one.

    >>> p_a, p_b = project_difference(30, 50, 15, 50, 0.1)
    >>> f"{p_a:.4f} {p_b:.4f}"
    '0.4979 0.3979'
    """
    k_a, n_a, k_b, n_b, gap = (np.asarray(x, dtype=float) for x in (k_a, n_a, k_b, n_b, gap))
    total = n_a + n_b
    share, pooled, positive_b = n_b / total, (k_a + k_b) / total, k_b / total
    # p_b^3 + 3 third p_b^2 + c1 p_b + c0 = 0: the cubic divided by its leading coefficient n_a + n_b.
    third = ((1 + share) * gap - (1 + pooled)) / 3
    c1 = (share * gap - (1 + 2 * positive_b)) * gap + pooled
    c0 = positive_b * (gap * (1 - gap))
    square = third * third
    q = (third * (2 * square - c1) + c0) / 2
    radius = np.sqrt(np.maximum(square - c1 / 3, 1e-100))
    cosine = np.minimum(np.abs(q) / (radius * radius * radius), 1)
    root = np.copysign(2 * radius, q) * np.cos((np.pi + np.arccos(cosine)) / 3) - third
    p_b = np.minimum(np.maximum(root, np.maximum(0, -gap)), np.minimum(1, 1 - gap))
    return p_b + gap, p_b


def project_ratio(
    k_a: ArrayLike, n_a: ArrayLike, k_b: ArrayLike, n_b: ArrayLike, ratio: ArrayLike
) -> tuple[Array, Array]:
    """The rates (p_a, p_b) that maximise the likelihood subject to p_a = ratio * p_b.

    Arguments broadcast as in :func:`project_difference`; 0 < ratio <= 1. The smaller root of a
    quadratic (Miettinen and Nurminen 1985, equation 12), in the form that does not cancel.

    >>> p_a, p_b = project_ratio(15, 50, 30, 50, 0.8)
    >>> f"{p_a:.4f} {p_b:.4f}"
    '0.4083 0.5104'
    """
    k_a, n_a, k_b, n_b, ratio = (np.asarray(x, dtype=float) for x in (k_a, n_a, k_b, n_b, ratio))
    positives = k_a + k_b
    half = (ratio * (n_a + k_b) + (k_a + n_b)) / 2
    root = np.sqrt(np.maximum(half * half - ratio * ((n_a + n_b) * positives), 0))
    p_b = np.minimum(positives / (half + root), 1)
    return ratio * p_b, p_b
