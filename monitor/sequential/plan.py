"""How many decisions will a proof take? The test run on the counts to be expected.

Fed with expected counts, log E rises as it does on average. It does so with a variance of twice its mean
(as every log likelihood ratio of near rates), so the time until it has risen by b is inverse
Gaussian, and its median is close to exp(-1/b) times the time on the average path.

Of means the five sums that all bets are about grow in proportion, so that the time on the average path is
found by scaling them; it is given as it is.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.sequential.blocks import SIZE, events
from monitor.sequential.bounded import Gap, Means
from monitor.sequential.eprocess import Cells
from monitor.sequential.logs import log_mean_exp
from monitor.sequential.nulls import Null
from monitor.sequential.projections import Array

STRIDE = 0.02  # of the events so far, taken as one step once that is more than a block
HALVINGS = 20
HORIZON = 10_000_000  # events beyond which a proof counts as out of reach


def decisions_to_prove(
    null: Null, rate_a: ArrayLike, rate_b: ArrayLike, share_b: ArrayLike, alpha: float
) -> Array:
    """About how many events of both groups it takes to prove, at level ``alpha``, that rates are out of
    limits, if they are ``rate_a`` and ``rate_b`` and group b has ``share_b`` (0 to 1) of the events; each
    (cases,). inf where it cannot be proved within ten million.

    >>> decisions_to_prove(Null("difference", 0.02), [0.4, 0.3], 0.3, 0.1, alpha=0.05).tolist()
    [3203.0, inf]
    """
    given = (np.asarray(x, dtype=float) for x in (rate_a, rate_b, share_b))
    a, b, share = np.atleast_1d(*np.broadcast_arrays(*given))
    flow = np.stack([1 - share, (1 - share) * a, share, share * b])
    fresh = np.zeros((*null.shape, len(a)))
    return _median_events(null, flow, np.zeros_like(flow), fresh, alpha)


def decisions_left(cells: Cells | Means, alpha: float) -> Array:
    """About how many more events of both groups each cell's verdict at level ``alpha`` will take,
    (cells,), if rates and means stay what they have been: until its limit is proved broken or proved kept,
    whichever they say. 0 where that is done, inf where it is out of reach or nothing came yet.
    """
    past = cells.state["past"].astype(float)
    came = np.maximum(events(past).sum(axis=0), 1)
    if isinstance(cells, Means):
        left = (_times_to_prove(cells, cells.state["sums"], alpha) - 1) * came
    else:
        left = _median_events(cells.null, past / came, past, cells.state["log_e"], alpha)
    kept = (_times_within(cells, alpha) - 1) * came
    return np.asarray(np.where(np.isfinite(left), left, kept))


def _median_events(null: Null, flow: Array, past: Array, log_e: Array, alpha: float) -> Array:
    """Events until E crosses 1/alpha, with ``flow`` (4, cells) the expected counts of one event."""
    rise = np.log(np.prod(null.shape) / alpha) - log_e.max(axis=(0, 1))
    left, gone, rates = np.full(flow.shape[1], np.inf), 0.0, flow[1::2] / np.maximum(flow[0::2], 1e-300)
    never = null.complies(*rates) | (flow[0] == 0) | (flow[2] == 0)
    while gone <= HORIZON:
        proved = log_mean_exp(log_e) >= np.log(1 / alpha)
        left[proved & np.isinf(left)] = gone
        if (proved | never).all():
            break
        step = max(SIZE, SIZE * round(STRIDE * gone / SIZE))
        past, log_e = past + step * flow, log_e + null.log_e(step * flow, null.alternatives(past))
        gone += step
    return np.asarray(np.ceil(left * np.exp(-1 / np.maximum(rise, 1))))


def _times_within(cells: Cells | Means, alpha: float) -> Array:
    """How many times the evidence so far until the interval lies within the limit, (cells,); 1 if it does."""
    return _first(
        len(cells), lambda times: cells.null.contains(*cells.bounds(cells.state["sums"] * times, alpha))
    )


def _first(cells: int, reached: Callable[[Array], NDArray[np.bool_]]) -> Array:
    """From how many times on, 1 to ten million, something is reached, (cells,); inf where it is not."""
    low, high = np.zeros(cells), np.full(cells, np.log(HORIZON))
    ever = reached(np.exp(high))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        there = reached(np.exp(middle))
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return np.where(reached(np.ones(cells)), 1.0, np.where(ever, np.exp(high), np.inf))


def values_to_prove(gap: Gap, difference: float, deviation: float, share_b: float, alpha: float) -> float:
    """About how many values of both groups it takes to prove, at level ``alpha``, that means are out of
    limits, if a's is ``difference`` above b's, both have the standard ``deviation``, and group b has
    ``share_b`` (0 to 1) of the values. inf where it cannot be proved within ten million.

    >>> gap = Gap("difference", 0.02, low=0, high=1)
    >>> [values_to_prove(gap, far, 0.25, share_b=0.1, alpha=0.05) for far in (0.12, 0.02)]
    [1842.0, inf]
    """
    weight, sigma = share_b * (1 - share_b), deviation / gap.widest  # of one value, on average
    spread = weight * sigma**2 * np.array([share_b, 1 - share_b])
    sums = np.array([[weight], [weight * difference / gap.widest], [0.0], *spread[:, None]])
    return float(np.ceil(_times_to_prove(Means(1, gap.kind, gap.limit, gap.low, gap.high), sums, alpha)[0]))


def _times_to_prove(means: Means, sums: Array, alpha: float) -> Array:
    """How many times sums (5, cells) until E is 1/alpha, (cells,): it rises for ever once it is above 1."""
    return _first(sums.shape[1], lambda times: means.log_evidence(sums * times) >= np.log(1 / alpha))
