"""How long until a gap is found? The tests run on random counts, many runs at once.

Counts are those of two groups whose rates and shares do not change, block by block. In a test since the
start blocks grow with what came before (2 % of it): alternatives chosen that much later are hardly
worse, and ten million events take some 400 blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.sequential.blocks import SIZE
from monitor.sequential.changes import Changes
from monitor.sequential.detector import HALF_LIFE
from monitor.sequential.logs import log_mean_exp
from monitor.sequential.nulls import Null
from monitor.sequential.plan import STRIDE
from monitor.sequential.projections import Array


@dataclass(frozen=True)
class Pair:
    """Two groups of one stream: their rates, and the share of b, 0 to 1, among the events of both."""

    rate_a: float
    rate_b: float
    share_b: float


def events_to_prove(
    rng: np.random.Generator, null: Null, pairs: Sequence[Pair], alpha: float, *, runs: int, horizon: float
) -> Array:
    """Events of both groups until E reaches 1/alpha in each of ``runs`` streams: (pairs, runs), inf beyond
    ``horizon``.

    >>> rng, pair = np.random.default_rng(1), Pair(0.4, 0.3, 0.1)
    >>> found = events_to_prove(rng, Null("difference", 0.02), [pair], 0.05, runs=200, horizon=1e5)
    >>> bool(2_500 < np.median(found) < 4_000)
    True
    """
    first = np.full(len(pairs) * runs, np.inf)
    running, rates = np.arange(len(first)), _repeated(pairs, runs)
    past, log_e, gone = np.zeros((4, len(first))), np.zeros((*null.shape, len(first))), 0
    while len(running) and gone < horizon:
        step = max(SIZE, SIZE * round(STRIDE * gone / SIZE))
        block = _block(rng, step, rates[:, running])
        log_e = log_e + null.log_e(block, null.alternatives(past))
        past, gone = past + block, gone + step
        proved = log_mean_exp(log_e) >= np.log(1 / alpha)
        first[running[proved]] = gone
        running, past, log_e = running[~proved], past[:, ~proved], log_e[..., ~proved]
    return np.where(first <= horizon, first, np.inf).reshape(len(pairs), runs)


def events_to_notice(
    rng: np.random.Generator,
    null: Null,
    pairs: Sequence[Pair],
    threshold: float,
    *,
    runs: int,
    horizon: float,
) -> Array:
    """Events of both groups from a change until SR reaches ``threshold``: (pairs, runs), inf beyond
    ``horizon``.

    Until the change both groups have b's rate, for 5,000 events. ``horizon`` is finite.
    """
    rates, first = _repeated(pairs, runs), np.full(len(pairs) * runs, np.inf)
    changes = Changes(len(first), null.kind, null.limit, threshold)
    before = np.stack([rates[1], rates[1], rates[2]])
    for _ in range(HALF_LIFE // SIZE):
        _alarmed(changes, _block(rng, SIZE, before))
    running = np.arange(len(first))
    for gone in range(SIZE, int(horizon) + 1, SIZE):
        alarmed = _alarmed(changes, _block(rng, SIZE, rates[:, running]))
        first[running[alarmed]] = gone
        if alarmed.any():
            running = running[~alarmed]
            changes.state = {name: array[..., ~alarmed] for name, array in changes.state.items()}
        if not len(running):
            break
    return first.reshape(len(pairs), runs)


def _alarmed(changes: Changes, block: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Feeds a block; which cells alarmed."""
    found = np.zeros(len(changes), np.bool_)
    found[[alarm.cell for alarm in changes.update(block[0], block[1], block[2], block[3], time=0)]] = True
    return found


def _repeated(pairs: Sequence[Pair], runs: int) -> Array:
    """Rates of a and b and the share of b, of each pair ``runs`` times: (3, pairs x runs)."""
    each = [(pair.rate_a, pair.rate_b, pair.share_b) for pair in pairs]
    return np.repeat(np.array(each).reshape(-1, 3), runs, axis=0).T


def _block(rng: np.random.Generator, events: int, rates: Array) -> NDArray[np.int64]:
    """Counts n_a, k_a, n_b, k_b of so many events: (4, cells)."""
    n_b = rng.binomial(events, rates[2])
    n_a = events - n_b
    return np.stack([n_a, rng.binomial(n_a, rates[0]), n_b, rng.binomial(n_b, rates[1])])
