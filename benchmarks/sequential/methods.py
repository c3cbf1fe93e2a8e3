"""Ways to watch the gap of two rates: Fairlead's, and those of its peers. Each reads the same streams.

A method takes (events, tau) and returns :class:`Alarms`. All test \\|p_a - p_b\\| <= tau, but for ADWIN and
Page-Hinkley, which look for any change in a group's rate, as they are used for "fairness drift".
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from river import drift

from benchmarks.sequential.streams import Events
from monitor.sequential.changes import Changes
from monitor.sequential.eprocess import Cells
from monitor.sequential.projections import project_difference

ALPHA = 0.05
SLICE = 50  # so that blocks close at 100 to 250 events
LOOK = 100
WINDOW = 1_000
RESAMPLES = 100


@dataclass(frozen=True)
class Alarms:
    """When each run alarmed, in events: (alarms, runs), nan where it did not."""

    at: NDArray[np.float64]

    def first(self, after: float = 0) -> NDArray[np.float64]:
        """The first alarm of each run later than ``after``, inf where there is none."""
        return np.asarray(np.where(self.at > after, self.at, np.inf).min(axis=0, initial=np.inf))

    def count(self) -> NDArray[np.float64]:
        """How often each run alarmed."""
        return np.asarray(np.isfinite(self.at).sum(axis=0), dtype=float)


def _looks(alarmed: NDArray[np.bool_], every: int) -> Alarms:
    """From what was seen at looks after each ``every`` events (looks, runs): an excursion is one alarm."""
    at = every * np.arange(1, len(alarmed) + 1)[:, None]
    new = alarmed.copy()
    new[1:] &= ~alarmed[:-1]
    return Alarms(np.where(new, at, np.nan))


def _rates(counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both groups' rates of counts (..., 4, runs); nan where a group is empty."""
    with np.errstate(invalid="ignore"):
        return counts[..., 1, :] / counts[..., 0, :], counts[..., 3, :] / counts[..., 2, :]


def _windows(events: Events, step: int) -> NDArray[np.int64]:
    """Counts of the last :data:`WINDOW` events at each ``step``, once there are so many."""
    total = np.cumsum(events.slices(step), axis=0)
    wide = WINDOW // step
    return np.asarray(total[wide - 1 :] - np.concatenate([np.zeros_like(total[:1]), total[:-wide]]))


def window(events: Events, tau: float) -> Alarms:
    """The gap of the last 1,000 events lies beyond tau: looked at every 100."""
    p_a, p_b = _rates(_windows(events, LOOK))
    early = np.zeros((WINDOW // LOOK - 1, p_a.shape[1]), bool)
    return _looks(np.concatenate([early, np.abs(p_a - p_b) > tau]), LOOK)


def clarify(events: Events, tau: float) -> Alarms:
    """SageMaker Clarify's rule: each window of 1,000 events by itself, a normal bootstrap interval of
    95 %, an alarm if it lies wholly beyond the allowed range.
    """
    counts = events.slices(WINDOW)
    p_a, p_b = _rates(counts)
    rng, n_a, n_b = np.random.default_rng(0), counts[:, 0], counts[:, 2]
    draws = [
        rng.binomial(n_a, np.nan_to_num(p_a)) / np.maximum(n_a, 1)
        - rng.binomial(n_b, np.nan_to_num(p_b)) / np.maximum(n_b, 1)
        for _ in range(RESAMPLES)
    ]
    half = NormalDist().inv_cdf(1 - ALPHA / 2) * np.std(draws, axis=0, ddof=1)
    return _looks(np.abs(p_a - p_b) - half > tau, WINDOW)


def _cumulative_z(events: Events, tau: float, level: float) -> Alarms:
    counts = np.cumsum(events.slices(LOOK), axis=0)
    p_a, p_b = _rates(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(p_a * (1 - p_a) / counts[:, 0] + p_b * (1 - p_b) / counts[:, 2])
        z = (np.abs(p_a - p_b) - tau) / error
    enough = (counts[:, [1, 3]] >= 5).all(axis=1) & (counts[:, [0, 2]] - counts[:, [1, 3]] >= 5).all(axis=1)
    return _looks(enough & (z > NormalDist().inv_cdf(1 - level / 2)), LOOK)


def repeated_z(events: Events, tau: float) -> Alarms:
    """A z-test of all data so far at 5 %, every 100 events, once all four counts are 5."""
    return _cumulative_z(events, tau, ALPHA)


def bonferroni_z(events: Events, tau: float) -> Alarms:
    """The same, with 5 % divided by the number of looks."""
    return _cumulative_z(events, tau, ALPHA * LOOK / events.minority.shape[1])


def pair_betting(events: Events, tau: float) -> Alarms:
    """Betting on pairs, one event of each group, by online Newton step (Chugg et al. 2023)."""
    at, payoff = _pairs(events)
    runs = at.shape[1]
    wealth, bet, seen = np.zeros((2, runs)), np.zeros((2, runs)), np.ones((2, runs))
    first = np.full(runs, np.nan)
    for when, gain in zip(at, payoff, strict=True):
        surplus = np.stack([gain, -gain]) - tau
        wealth += np.log1p(bet * surplus)
        slope = surplus / (1 + bet * surplus)
        seen += slope**2
        bet = np.clip(bet + 2 / (2 - np.log(3)) * slope / seen, 0, 0.5 / (1 + tau))
        first = np.where(np.isnan(first) & (np.logaddexp(*wealth) > np.log(2 / ALPHA)), when, first)
    return Alarms(first[None])


def _pairs(events: Events) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the i-th events of both groups are there, and the difference of their decisions: (pairs, runs)."""
    both = [(np.flatnonzero(~minority), np.flatnonzero(minority)) for minority in events.minority]
    longest = max(min(len(a), len(b)) for a, b in both)
    at, gain = np.full((longest, len(both)), np.inf), np.zeros((longest, len(both)))
    for run, (a, b) in enumerate(both):
        n = min(len(a), len(b))
        at[:n, run] = np.maximum(a[:n], b[:n]) + 1
        gain[:n, run] = events.positive[run, a[:n]].astype(float) - events.positive[run, b[:n]]
        gain[n:, run] = 0
    return at, gain


def ripr(events: Events, tau: float, kind: str = "difference") -> Alarms:
    """Fairlead: block-wise RIPr on a grid of gaps; alarms once, at E >= 1/alpha."""
    cells = Cells(len(events.minority), kind, tau)
    first = np.full(len(cells), np.nan)
    for i, (n_a, k_a, n_b, k_b) in enumerate(events.slices(SLICE)):
        cells.update(n_a, k_a, n_b, k_b)
        first[np.isnan(first) & (cells.state["log_peak"] >= np.log(1 / ALPHA))] = (i + 1) * SLICE
    return Alarms(first[None])


def oracle(events: Events, tau: float, p_a: float, p_b: float) -> Alarms:
    """The same test by someone who knows the true rates: nobody can be faster for long."""
    counts = events.slices(LOOK)
    n_a, k_a, n_b, k_b = counts[:, 0], counts[:, 1], counts[:, 2], counts[:, 3]
    o_a, o_b = project_difference(n_a * p_a, n_a, n_b * p_b, n_b, tau)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_e = k_a * np.log(p_a / o_a) + (n_a - k_a) * np.log((1 - p_a) / (1 - o_a))
        log_e += k_b * np.log(p_b / o_b) + (n_b - k_b) * np.log((1 - p_b) / (1 - o_b))
    log_e[(n_a == 0) | (n_b == 0)] = 0
    return _looks(np.cumsum(log_e, axis=0) >= np.log(1 / ALPHA), LOOK)


def e_sr(events: Events, tau: float, threshold: float = 1000) -> Alarms:
    """Fairlead's change detector: e-SR over the same blocks, begins anew after an alarm."""
    changes = Changes(len(events.minority), "difference", tau, threshold)
    alarms = np.full((len(events.minority[0]) // SLICE, len(changes)), np.nan)
    for i, (n_a, k_a, n_b, k_b) in enumerate(events.slices(SLICE)):
        at = (i + 1) * SLICE
        for alarm in changes.update(n_a, k_a, n_b, k_b, at):
            alarms[i, alarm.cell] = at
    return Alarms(alarms)


def _detectors(events: Events, make: Callable[[], drift.ADWIN | drift.PageHinkley]) -> Alarms:
    alarms = np.full(events.minority.T.shape, np.nan)
    for run, (minority, positive) in enumerate(zip(events.minority, events.positive, strict=True)):
        detectors = (make(), make())
        for i, (group, x) in enumerate(zip(minority.tolist(), positive.tolist(), strict=True)):
            detector = detectors[group]
            detector.update(x)
            if detector.drift_detected:
                alarms[i, run] = i + 1
    return Alarms(alarms)


def adwin(events: Events, tau: float) -> Alarms:  # noqa: ARG001
    """River's ADWIN with its defaults, one on each group's decisions."""
    return _detectors(events, drift.ADWIN)


def page_hinkley(events: Events, tau: float) -> Alarms:  # noqa: ARG001
    """River's Page-Hinkley with its defaults, one on each group's decisions."""
    return _detectors(events, drift.PageHinkley)
