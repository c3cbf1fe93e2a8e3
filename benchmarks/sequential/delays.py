"""Outcomes that come late: when equal opportunity keeps its error rate, and when it does not.

Each day so many decisions about each of two groups; the outcome of each comes some days later. The gap of
true positive rates lies exactly at the limit. What is drawn are counts, day by day.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.sequential.methods import ALPHA
from benchmarks.sequential.streams import chunks
from benchmarks.sequential.tables import Table, Tick
from monitor.sequential.eprocess import Cells

Ints = NDArray[np.int64]

TAU = 0.05
DAYS, EACH = 365, 60  # days of decisions, decisions a day and group
LONGEST = 60  # days until an outcome has come at the latest
GOOD = 0.6  # of whom the outcome would be good
TPR = (0.55, 0.5)  # in groups a and b
FPR = 0.4
WRONG, PUT_RIGHT = 0.4, 12  # share of group b's refused whose outcome is first reported as good; days


@dataclass(frozen=True)
class Cohorts:
    """Decisions by day, by whether they select, and by whether the outcome is good: each (days, runs)."""

    selected_good: Ints
    refused_good: Ints
    refused_bad: Ints


def cohorts(rng: np.random.Generator, runs: int, tpr: float) -> Cohorts:
    """One group's decisions."""
    n = np.full((DAYS, runs), EACH)
    good = rng.binomial(n, GOOD)
    selected = rng.binomial(good, tpr)
    refused_bad = rng.binomial(n - good, 1 - FPR)
    return Cohorts(selected, good - selected, refused_bad)


def waiting(mean: float) -> NDArray[np.float64]:
    """The chances of delays of 0 to 60 days that fall off exponentially."""
    falling = np.exp(-np.arange(LONGEST + 1) / mean)
    return np.asarray(falling / falling.sum())


def come(rng: np.random.Generator, made: Ints, delays: NDArray[np.float64]) -> Ints:
    """When the outcomes of decisions (days, runs) come: (days + 60, runs)."""
    came = np.zeros((DAYS + LONGEST, made.shape[1]), np.int64)
    for day, n in enumerate(made):
        came[day : day + LONGEST + 1] += rng.multinomial(n, delays).T
    return came


def alarmed(a: tuple[Ints, Ints], b: tuple[Ints, Ints]) -> NDArray[np.bool_]:
    """Whether each run is ever called out: of groups a and b (events, positives), each (days, runs)."""
    cells = Cells(a[0].shape[1], limit=TAU)
    for slice_ in zip(*a, *b, strict=True):
        cells.update(*slice_)
    return np.asarray(cells.peak >= 1 / ALPHA)


def reported(rng: np.random.Generator, made: Cohorts, selected: float, refused: float) -> tuple[Ints, Ints]:
    """Good outcomes as they come, and those of them who had been selected, if delays are on average so many
    days for who was selected, and for who was refused."""
    positive = come(rng, made.selected_good, waiting(selected))
    return positive + come(rng, made.refused_good, waiting(refused)), positive


def by_decision(made: Cohorts) -> tuple[Ints, Ints]:
    """The same, each outcome reported when its decision has a fixed age, or fed by the decision's day."""
    return made.selected_good + made.refused_good, made.selected_good


def provisional(rng: np.random.Generator, made: Cohorts) -> dict[str, tuple[Ints, Ints]]:
    """Good outcomes of a group, some of whose bad ones are first reported as good; by how they are fed."""
    events, positive = by_decision(made)
    wrong = rng.binomial(made.refused_bad, WRONG)
    late = np.concatenate([np.zeros((PUT_RIGHT, wrong.shape[1]), np.int64), wrong[:-PUT_RIGHT]])
    return {
        "as it comes": (events + wrong, positive),
        "corrections subtracted": (np.maximum(events + wrong - late, positive), positive),
        "when it has matured (Fairlead)": (events, positive),
    }


Case = Callable[[np.random.Generator, Cohorts, Cohorts], Iterator[tuple[str, NDArray[np.bool_]]]]


def _independent(rng: np.random.Generator, a: Cohorts, b: Cohorts) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield "no delay", alarmed(by_decision(a), by_decision(b))
    yield "delay by chance", alarmed(reported(rng, a, 15, 15), reported(rng, b, 15, 15))
    yield "delay by group", alarmed(reported(rng, a, 5, 5), reported(rng, b, 25, 25))


def _provisional(rng: np.random.Generator, a: Cohorts, b: Cohorts) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for name, fed in provisional(rng, b).items():
        yield f"provisional outcomes of a group, fed {name}", alarmed(by_decision(a), fed)


def _dependent(rng: np.random.Generator, a: Cohorts, b: Cohorts) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield "delay by decision, alike in both groups", alarmed(reported(rng, a, 5, 25), reported(rng, b, 5, 25))
    uneven = reported(rng, a, 5, 25), reported(rng, b, 15, 15)
    yield "delay by decision, in one group", alarmed(*uneven)
    settled = [(events[LONGEST:DAYS], positive[LONGEST:DAYS]) for events, positive in uneven]
    yield f"the same, tested from day {LONGEST} on", alarmed(*settled)
    yield "the same, outcomes reported at a fixed age", alarmed(by_decision(a), by_decision(b))


CASES: tuple[Case, ...] = (_independent, _provisional, _dependent)


def delays(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """How often a model at the limit is ever called out in a year, by how its outcomes come and are fed."""
    table = Table(f"Late outcomes: equal opportunity at its limit of {TAU}, {DAYS} days, {runs} runs")
    found: dict[str, list[NDArray[np.bool_]]] = {}
    for size in chunks(runs):
        for case in CASES:
            a, b = (cohorts(rng, size, tpr) for tpr in TPR)
            for name, alarms in case(rng, a, b):
                found.setdefault(name, []).append(alarms)
            tick()
    for name, parts in found.items():
        table.values[name, "false alarms"] = float(np.concatenate(parts).mean())
    return table
