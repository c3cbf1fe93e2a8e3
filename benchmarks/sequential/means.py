"""Means of bounded numbers: how soon a gap is proved, and how often one at the limit is called out."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.sequential.methods import ALPHA
from benchmarks.sequential.streams import EVENTS, MIXES
from benchmarks.sequential.tables import Table, Tick
from monitor.sequential.bounded import Means
from monitor.sequential.shifts import Shifts
from monitor.sequential.steps import STEPS, Sums, sums

TAU, A = 0.05, 1000
SLICE = 50  # values of both groups
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KINDS: dict[str, Callable[[np.random.Generator, float, tuple[int, int]], Floats]] = {
    "beta, sd .22": lambda rng, mean, size: rng.beta(4 * mean, 4 * (1 - mean), size),
    "at both ends": lambda rng, mean, size: (rng.random(size) < mean).astype(float),
    "within .05 of the mean": lambda rng, mean, size: rng.uniform(mean - 0.05, mean + 0.05, size),
}


def means(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """Bounded numbers: betting on sums against online Newton step on block means of 100 and of 10."""
    table = Table(
        f"Gap of means of numbers in [0, 1] (beta, sd .22), τ = .05, half and half, median of {runs} runs"
    )
    for gap in (0.05, 0.1, 0.2):
        first = {"betting on sums (Fairlead)": np.full(runs, np.inf)}
        x = [rng.beta(4 * m, 4 * (1 - m), (runs, 10_000)) for m in (0.4 + gap, 0.4)]
        test = Means(runs, "difference", 0.05, 0.0, 1.0)
        for i in range(200):
            a, b = (values[:, 50 * i : 50 * i + 50] for values in x)
            test.update(sums(a, 0, 1), sums(b, 0, 1))
            new = (test.e >= 1 / ALPHA) & np.isinf(first["betting on sums (Fairlead)"])
            first["betting on sums (Fairlead)"][new] = (i + 1) * 100
        for size in (100, 10):
            first[f"Newton step, blocks of {size}"] = _newton(x[0], x[1], size)
        for name, events in first.items():
            column = "false alarms" if gap == 0.05 else f"gap {gap}"
            table.values[name, column] = float(
                np.isfinite(events).mean() if gap == 0.05 else np.median(events)
            )
        tick()
    return table


def _newton(a: NDArray[np.float64], b: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Events until online Newton step on the difference of block means proves a gap beyond .05, (runs,)."""
    runs, half = len(a), size // 2
    gains = a.reshape(runs, -1, half).mean(axis=2) - b.reshape(runs, -1, half).mean(axis=2)
    wealth, bet, seen = np.zeros((2, runs)), np.zeros((2, runs)), np.ones((2, runs))
    first = np.full(runs, np.inf)
    for i, gain in enumerate(gains.T):
        surplus = np.stack([gain, -gain]) - 0.05
        wealth += np.log1p(bet * surplus)
        slope = surplus / (1 + bet * surplus)
        seen += slope**2
        bet = np.clip(bet + 2 / (2 - np.log(3)) * slope / seen, 0, 0.5 / 1.05)
        first[np.isinf(first) & (np.logaddexp(*wealth) > np.log(2 / ALPHA))] = (i + 1) * size
    return first


def limits(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """Streams whose gap lies exactly at the limit: how many are ever called out, and how many changes are
    called in each 100,000 values."""
    table = Table(
        f"Gap of means of numbers in [0, 1] exactly at τ = .05, {EVENTS:,} values, {runs} runs, share 50 / 10"
        f" / 1 %: called out since the start (α = .05), and changes called in a stream (A = {A:,})"
    )
    for share in MIXES:
        for kind in KINDS:
            proved, called = _at_limit(rng, runs, kind, share)
            table.values[kind, f"false alarms {100 * share:g}%"] = proved
            table.values[kind, f"false changes {100 * share:g}%"] = called
            tick()
    return table


def _at_limit(rng: np.random.Generator, runs: int, kind: str, share: float) -> tuple[float, float]:
    means, called = Means(runs, "difference", TAU, 0, 1), 0
    shifts = Shifts(runs, "difference", TAU, low=0, high=1, threshold=A)
    for time in range(EVENTS // SLICE):
        n_b = rng.binomial(SLICE, share, runs)
        a, b = _drawn(rng, kind, 0.4 + TAU, SLICE - n_b), _drawn(rng, kind, 0.4, n_b)
        means.update(a, b)
        called += len(shifts.update(a, b, time=time))
    return float((means.peak >= 1 / ALPHA).mean()), called / runs


def _drawn(rng: np.random.Generator, kind: str, mean: float, n: Ints) -> Sums:
    """The sums of so many values in each run."""
    most = max(1, int(n.max()))
    steps = np.rint(KINDS[kind](rng, mean, (len(n), most)) * STEPS).astype(np.int64)
    steps *= np.arange(most) < n[:, None]
    return Sums(n, steps.sum(axis=1), (steps * steps).sum(axis=1), 0)
