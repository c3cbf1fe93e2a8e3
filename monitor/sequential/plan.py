"""How many decisions will a proof take? The test run on the counts to be expected.

Fed with expected counts, log E rises as it does on average. It does so with a variance of twice its mean
(as every log likelihood ratio of near rates), so the time until it has risen by b is inverse
Gaussian, and its median is close to exp(-1/b) times the time on the average path.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.sequential.blocks import SIZE
from monitor.sequential.confidence import difference_bounds, ratio_bounds
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


def decisions_left(cells: Cells, alpha: float) -> Array:
    """About how many more events of both groups each cell's verdict at level ``alpha`` will take,
    (cells,), if the rates stay what they have been: until its limit is proved broken or proved kept,
    whichever its rates say. 0 where that is done, inf where it is out of reach or nothing came yet.
    """
    past = cells.state["past"].astype(float)
    events = past[0] + past[2]
    flow = past / np.maximum(events, 1)
    left = _median_events(cells.null, flow, past, cells.state["log_e"], alpha)
    kept = _times_within(cells, alpha)
    return np.where(np.isfinite(left), left, (kept - 1) * np.maximum(events, 1))


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


def _times_within(cells: Cells, alpha: float) -> Array:
    """How many times the evidence so far until the interval lies within the limit, (cells,); 1 if it does."""
    bounds = ratio_bounds if cells.null.kind == "ratio" else difference_bounds
    low, high = np.zeros(len(cells)), np.full(len(cells), np.log(HORIZON))

    def within(log_times: Array) -> NDArray[np.bool_]:
        return cells.null.contains(*bounds(cells.state["sums"] * np.exp(log_times), alpha))

    reached = within(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        kept = within(middle)
        low, high = np.where(kept, low, middle), np.where(kept, middle, high)
    return np.where(within(np.zeros(len(cells))), 1.0, np.where(reached, np.exp(high), np.inf))
