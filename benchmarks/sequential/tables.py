"""The tables of measured error rates and delays: each a dict from row and column to a number."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.sequential import methods
from benchmarks.sequential.methods import ALPHA, SLICE, Alarms
from benchmarks.sequential.streams import EVENTS, MIXES, P_MINORITY, Events, chunks, drifting, stream
from monitor.sequential.control import e_bh
from monitor.sequential.eprocess import Cells

TAU = 0.02
GAPS = (0.05, 0.1, 0.2)
CHANGE_AT, CHANGE_TAU = 20_000, 0.05
METRIC_CODES = 10 * np.arange(5)[:, None]
SLOW_RUNS = 10  # of the detectors that go event by event

Method = Callable[[Events, float], Alarms]
Values = dict[tuple[str, str], float]
Tick = Callable[[], None]


@dataclass
class Table:
    """A title, and numbers by (row, column), in the order in which they came."""

    title: str
    values: Values = field(default_factory=dict)


FAST: dict[str, Method] = {
    "window of 1000 beyond τ": methods.window,
    "Clarify's bootstrap rule": methods.clarify,
    "z-test every 100": methods.repeated_z,
    "z, Bonferroni over looks": methods.bonferroni_z,
    "pair betting": methods.pair_betting,
    "RIPr grid (Fairlead)": methods.ripr,
}
SLOW: dict[str, Method] = {"ADWIN": methods.adwin, "Page-Hinkley": methods.page_hinkley}
CHANGE: dict[str, Method] = {
    "window of 1000 beyond τ": methods.window,
    "Clarify's bootstrap rule": methods.clarify,
    "e-SR, A = 1000 (Fairlead)": methods.e_sr,
}


def _firsts(found: dict[str, list[NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    return {name: np.concatenate(firsts) for name, firsts in found.items()}


def proof(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """The chance of a false alarm in 100,000 events at the boundary, and the median events to detect."""
    table = Table(f"Unfair since the start: τ = {TAU}, 100,000 events, {runs} runs, share 50 / 10 / 1 %")
    for gap in (TAU, *GAPS):
        column = "false alarms" if gap == TAU else f"gap {gap}"
        for share in MIXES:
            found: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
            for size in chunks(runs):
                events = stream(rng, size, share, gap)
                for name, method in FAST.items():
                    found[name].append(method(events, TAU).first())
                known = methods.oracle(events, TAU, P_MINORITY + gap, P_MINORITY)
                found["oracle that knows the rates"].append(known.first())
                tick()
            for name, first in _firsts(found).items():
                value = np.isfinite(first).mean() if gap == TAU else np.median(first)
                table.values[name, f"{column} {share:.0%}"] = float(value)
    return table


def ratio(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """The chance of a false alarm of the ratio test at the four-fifths boundary."""
    table = Table(f"Four-fifths rule at its boundary, 100,000 events, {runs} runs")
    for share in MIXES:
        false = []
        for size in chunks(runs):
            events = stream(rng, size, share, P_MINORITY / 0.8 - P_MINORITY)
            swapped = Events(~events.minority, events.positive)  # group a is the one with the lower rate
            false.append(np.isfinite(methods.ripr(swapped, 0.8, "ratio").first()))
            tick()
        table.values["RIPr grid, ratio (Fairlead)", f"false alarms {share:.0%}"] = float(
            np.concatenate(false).mean()
        )
    return table


def change(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """False alarms in 100,000 events, and the median delay after a change at event 20,000."""
    table = Table(
        f"Became unfair: τ = {CHANGE_TAU}, change at {CHANGE_AT:,}, {runs} runs, share 50 / 10 / 1 %"
    )
    after = np.arange(EVENTS) >= CHANGE_AT
    for label, gap in (("gap 0", 0.0), ("gap τ", CHANGE_TAU), ("0→.1", 0.1), ("0→.2", 0.2)):
        changes = "→" in label
        for share in MIXES:
            found: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
            for size in chunks(runs):
                events = stream(rng, size, share, gap * after if changes else gap)
                for name, method in (CHANGE if found else CHANGE | SLOW).items():
                    alarms = method(events[:SLOW_RUNS] if name in SLOW else events, CHANGE_TAU)
                    found[name].append(alarms.first(CHANGE_AT) - CHANGE_AT if changes else alarms.count())
                tick()
            for name, seen in _firsts(found).items():
                value = np.median(seen) if changes else seen.mean()
                table.values[name, f"{'delay' if changes else 'false'} {label} {share:.0%}"] = float(value)
    return table


def drift(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """A fair stream whose base rate and mix drift together: who alarms ever, and how often."""
    table = Table(f"A fair stream whose base rates drift: τ = {TAU}, 100,000 events, {runs} runs")
    ever: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for size in chunks(runs):
        events = drifting(rng, size)
        for name, method in (FAST if ever else FAST | SLOW).items():
            ever[name].append(method(events[:SLOW_RUNS] if name in SLOW else events, TAU).count())
        tick()
    for name, counts in _firsts(ever).items():
        table.values[name, "runs with an alarm"] = float((counts > 0).mean())
        table.values[name, "alarms per 100k"] = float(counts.mean())
    return table


def many(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """50 hypotheses, 40 at the boundary and 10 with a gap of 0.1, a minority of 10 %, 10,000 events each."""
    table = Table(f"50 hypotheses, 10 unfair: τ = {TAU}, {runs} runs")
    unfair = np.arange(50) < 10
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(runs):
        events = [stream(rng, n, 0.1, gap, events=10_000) for n, gap in ((10, 0.1), (40, TAU))]
        both = Events(
            *(np.concatenate(x) for x in zip(*((e.minority, e.positive) for e in events), strict=True))
        )
        cells = Cells(50, limit=TAU)
        for counts in both.slices(SLICE):
            cells.update(*counts)
        lists = {
            "z-test every 100": np.isfinite(methods.repeated_z(both, TAU).first()),
            "e-BH on current E (Fairlead)": e_bh(cells.e, ALPHA),
            "Bonferroni on peak E (Fairlead)": cells.peak >= 50 / ALPHA,
        }
        for name, listed in lists.items():
            found[name].append(((listed & ~unfair).sum() / max(listed.sum(), 1), listed[unfair].mean()))
        tick()
    for name, pairs in found.items():
        table.values[name, "false share of the list"], table.values[name, "power"] = map(
            float, np.mean(pairs, axis=0)
        )
    return table


def intervals(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """The confidence sequence beside the pointwise interval: how often ever wrong, how wide at the end."""
    table = Table(f"95 % intervals of the gap, looked at every 1,000 of 30,000 events, {runs} runs, gap .1")
    for share in (0.5, 0.1):
        looked: dict[str, list[tuple[NDArray[np.bool_], float]]] = defaultdict(list)
        for size in chunks(runs):
            counts = stream(rng, size, share, 0.1, events=30_000).slices(SLICE)
            for name, bounds in (("pointwise", _pointwise), ("confidence sequence (Fairlead)", _sequence)):
                low, high = np.moveaxis(np.array(bounds(counts)), 1, 0)
                looked[name].append(
                    (((low > 0.1) | (high < 0.1)).any(axis=0), float((high - low)[-1].mean() / 2))
                )
            tick()
        for name, seen in looked.items():
            wrong, half = zip(*seen, strict=True)
            table.values[name, f"ever wrong {share:.0%}"] = float(np.concatenate(wrong).mean())
            table.values[name, f"half width {share:.0%}"] = float(np.mean(half))
    return table


def _pointwise(counts: NDArray[np.int64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    n_a, k_a, n_b, k_b = np.cumsum(counts, axis=0)[19::20].transpose(1, 0, 2)
    p_a, p_b = k_a / n_a, k_b / n_b
    half = 1.96 * np.sqrt(p_a * (1 - p_a) / n_a + p_b * (1 - p_b) / n_b)
    return list(zip(p_a - p_b - half, p_a - p_b + half, strict=True))


def _sequence(counts: NDArray[np.int64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    cells, bounds = Cells(counts.shape[2]), []
    for i, slice_ in enumerate(counts):
        cells.update(*slice_)
        if i % 20 == 19:
            bounds.append(cells.interval(ALPHA))
    return bounds


def speed(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """What it costs: 10 groups and 5 metrics, so 45 pairs with the largest group; batches of 1,000."""
    table = Table("Cost, best of the runs")
    batch = rng.integers(0, 10, 1000), rng.random((5, 1000)) < 0.4
    cells, wide = Cells(45), Cells(50)
    block = [np.full(50, n) for n in (70, 30, 30, 10)]
    close, event = [], []
    for _ in range(max(runs, 50)):
        started = perf_counter()
        wide.update(*block)
        closed = perf_counter()
        cells.update(*_counts(*batch))
        close.append(closed - started)
        event.append(perf_counter() - closed)
    tick()
    table.values["RIPr grid (Fairlead)", "µs to close 50 cells"] = min(close) * 1e6
    table.values["RIPr grid (Fairlead)", "ns an event"] = min(event) * 1e9 / 1000
    table.values["RIPr grid (Fairlead)", "bytes of state a cell"] = len(wide.to_bytes()) / 50
    return table


def _counts(group: NDArray[np.int64], positive: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    n = np.bincount(group, minlength=10)
    k = np.bincount((group + METRIC_CODES)[positive], minlength=50).reshape(5, 10)
    shape = (5, 9)
    pairs = (
        np.broadcast_to(n[0], shape),
        np.broadcast_to(k[:, :1], shape),
        np.broadcast_to(n[1:], shape),
        k[:, 1:],
    )
    return tuple(x.ravel() for x in pairs)
