# %% [markdown]
# Replicate a verdict
#
# From the slices that a test was fed, with NumPy and nothing of Fairlead, compute again whether and when a
# limit was proved broken, and whether and when a change was found. What is computed, and why it is right, is
# explained in docs/statistics-for-statisticians.md. The slices come from
#
#     fairlead slices -o slices.csv                  # of a deployment
#     fairlead slices decisions.csv -o slices.csv    # of a file

# %%
"""Replicates a sequential verdict from recorded slices: a notebook in cells, or `python` with this file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# %% What is to be replicated: fill in what the verdict says of itself
SLICES = "slices.csv"
MODEL, ATTRIBUTE, METRIC = "compas", "race", "false_positive_rate"
GROUP, REFERENCE = "African-American", "Caucasian"  # where the rule has a `max` of a ratio, swap the two
KIND, LIMIT = (
    "difference",
    0.1,
)  # "difference": either way; "excess": group minus reference; "ratio": at least
ALPHA, THRESHOLD = 1 / 155.6, 5615.0  # 1 in so many, and in so many blocks: `fairlead plan` prints them
SINCE = 0  # the slice that the test began with, if it began anew
MONTH = 1 / 32_000  # the level of a month's test, 1 in so many: `fairlead plan` prints it
WIDTH = 86_400_000  # of a slice, in ms
BOUNDS: tuple[float, float] | None = None  # of a mean those of the configuration; LIMIT is in the same unit

# %% The slices of the pair, in order: number, and n_a, k_a, n_b, k_b; of a mean n, k and squares of each
Slice = tuple[int, "NDArray[np.int64]"]


def read(
    path: str,
    *,
    model: str,
    attribute: str,
    metric: str,
    group: str,
    reference: str,
    since: int = 0,
    fields: Sequence[str] = ("n", "k"),
) -> list[Slice]:
    """Events and positives of group and reference in each slice that the test was fed; or other fields."""
    found: dict[int, NDArray[np.int64]] = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            number = int(row["slice"])
            if (row["model"], row["attribute"], row["metric"]) == (
                model,
                attribute,
                metric,
            ) and number >= since:
                counts = found.setdefault(number, np.zeros(2 * len(fields), np.int64))
                if row["group"] in (group, reference):
                    place = 0 if row["group"] == group else len(fields)
                    counts[place : place + len(fields)] = [int(row[field]) for field in fields]
    return sorted(found.items(), key=lambda item: item[0])


def width(slices: list[Slice]) -> int:
    """How many numbers a slice has: two of each group, or three."""
    return len(slices[0][1]) if slices else 4


# %% Blocks: closed at 100 events with both groups in them, and at 250 in any case
class Block(NamedTuple):
    """Counts n_a, k_a, n_b, k_b; the slice that it begins with, and the one that closed it."""

    counts: NDArray[np.int64]
    begun: int
    closed: int


def blocks(slices: list[Slice]) -> Iterator[Block]:
    """When a block closes depends on how many came, never on what was decided."""
    b = width(slices) // 2  # where group b's counts begin
    waiting, begun = np.zeros(2 * b, np.int64), None
    for number, counts in slices:
        events, n = counts[0] + counts[b], waiting[0] + waiting[b]
        begun = number if begun is None and events else begun
        if n and events and n + events > 250:
            yield Block(waiting, begun or 0, number)
            waiting, begun = 0 * waiting, number
        waiting = waiting + counts
        n = waiting[0] + waiting[b]
        if n >= 250 or (n >= 100 and waiting[0] and waiting[b]):
            yield Block(waiting, begun or 0, number)
            waiting, begun = 0 * waiting, number


# %% The likeliest rates with p_a = slope p_b + gap: by bisection of the score, no closed form is needed
def project(counts: Any, slope: Any, gap: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`counts` are n_a, k_a, n_b, k_b, which may be fractions."""
    n_a, k_a, n_b, k_b = (np.asarray(x, float) + 0 * (slope + gap) for x in counts)
    low, high = np.maximum(0, -gap / slope) + 0 * k_a, np.minimum(1, (1 - gap) / slope) + 0 * k_a
    for _ in range(100):
        b = (low + high) / 2
        p, q = np.clip(slope * b + gap, 1e-300, 1 - 1e-16), np.clip(b, 1e-300, 1 - 1e-16)
        with np.errstate(over="ignore"):
            rising = slope * (k_a / p - (n_a - k_a) / (1 - p)) + k_b / q - (n_b - k_b) / (1 - q) > 0
        low, high = np.where(rising, b, low), np.where(rising, high, b)
    return slope * b + gap, b


# %% What a block says: the log likelihood ratio of each alternative against its projection onto the null
GAPS, FACTORS = np.array([0.02, 0.05, 0.1, 0.2]), np.array([0.95, 0.85, 0.7, 0.5])


def gains(block: Any, past: Any, kind: str, limit: float) -> NDArray[np.float64]:
    """The logarithm of the block's e-value for each alternative, on each side. `past` counts choose the
    alternatives; the block itself does not.
    """
    found = []
    for order in ([0, 1, 2, 3], [2, 3, 0, 1])[: 2 if kind == "difference" else 1]:
        (n_a, k_a, n_b, k_b), before = np.asarray(block)[order], np.asarray(past)[order]
        prior = before + np.array([1, 0.5, 1, 0.5])
        null = (limit, 0.0) if kind == "ratio" else (1.0, limit)
        bet = (limit * FACTORS, 0.0) if kind == "ratio" else (1.0, limit + GAPS)
        t_a, t_b = (np.clip(t, 1e-4, 1 - 1e-4) for t in project(prior, *bet))
        o_a, o_b = project((max(n_a, 1), max(n_a, 1) * t_a, max(n_b, 1), max(n_b, 1) * t_b), *null)
        gain = k_a * np.log(t_a / o_a) + (n_a - k_a) * np.log((1 - t_a) / (1 - o_a))
        gain += k_b * np.log(t_b / o_b) + (n_b - k_b) * np.log((1 - t_b) / (1 - o_b))
        beyond = t_a < limit * t_b if kind == "ratio" else t_a - t_b > limit
        found.append(np.where(beyond & (n_a > 0) & (n_b > 0), gain, 0))
    return np.concatenate(found)


# %% The same of a mean: bets on the sums of values, in 65,536ths of the range from its lower bound on
STAKES = np.geomspace(1e-5, 0.9, 32)  # since the start
SHIFTS = np.geomspace(0.03, 0.9, 7)  # for changes
Gains = Callable[[Any, Any, str, float], NDArray[np.float64]]


def of_means(bounds: tuple[float, float], stakes: NDArray[np.float64]) -> Gains:
    """What a block says, for each stake l: l surplus - (-log(1 - l) - l) variation."""

    def gains(block: Any, past: Any, kind: str, limit: float) -> NDArray[np.float64]:
        (n, total, squares), (before, earlier, _) = (
            np.reshape(sums, (2, 3)).T / np.array([1, 65536, 65536**2])[:, None] for sums in (block, past)
        )
        guess = (earlier + 0.5) / (before + 1)  # of the two means, from what came before
        each = n[::-1] / n.sum()  # by how much a value of a, and of b, counts
        apart = (each[0] * total[0]) - (each[1] * total[1])
        variation = (each**2 * (squares - 2 * guess * total + n * guess**2)).sum()
        allowed = each[0] * n[0] * limit / (bounds[1] - bounds[0])
        sides = (apart, -apart)[: 2 if kind == "difference" else 1]
        cost = -np.log1p(-stakes) - stakes
        return np.concatenate([stakes * (side - allowed) - cost * variation for side in sides])

    return gains


def log_mean(logs: NDArray[np.float64]) -> float:
    """The logarithm of the mean of what these are the logarithms of."""
    return float(np.logaddexp.reduce(logs) - np.log(len(logs)))


# %% Unfair since the start: E, the mean of all products; a proof where it reaches 1/alpha
def evidence(
    slices: list[Slice], kind: str, limit: float, gains: Gains = gains
) -> list[tuple[int, int, float]]:
    """After each block: the slice that closed it, the events so far, log E."""
    past, logs, path = np.zeros(width(slices)), np.zeros(1), []
    for block in blocks(slices):
        logs = logs + gains(block.counts, past, kind, limit)
        past = past + block.counts
        path.append((block.closed, int(past[0] + past[len(past) // 2]), log_mean(logs)))
    return path


# %% Became unfair: SR, the sum of the products begun with each block; an alarm where it reaches A
def changes(
    slices: list[Slice], kind: str, limit: float, threshold: float, gains: Gains = gains
) -> list[tuple[int, float]]:
    """Of each alarm the slice that closed its block, and about the slice that the change began with."""
    past, sr, onset, found = np.zeros(width(slices)), np.full(1, -np.inf), np.zeros(1), []
    for block in blocks(slices):
        n_a, n_b = block.counts[:: len(block.counts) // 2]
        told = n_a > 0 and n_b > 0
        gain = gains(block.counts, past, kind, limit)
        if told:
            begun = np.logaddexp(sr, 0)
            onset, sr = block.begun + (onset - block.begun) * np.exp(sr - begun), begun
        sr = sr + gain
        past = past * 0.5 ** ((n_a + n_b) / 5000) + block.counts
        if log_mean(sr) >= np.log(threshold):
            weights = np.exp(sr - sr.max())
            found.append((block.closed, float((onset * weights).sum() / weights.sum())))
            sr = np.full_like(sr, -np.inf)
    return found


# %% Few decisions: an exact test of each calendar month (UTC) in which the pair has at most 1,000 events
def score(counts: Any, slope: float, gap: float) -> NDArray[np.float64]:
    """How far p_a lies above slope p_b + gap, in standard errors on the limit (Miettinen, Nurminen 1985)."""
    n_a, k_a, n_b, k_b = counts
    p_a, p_b = project(counts, slope, gap)
    variance = p_a * (1 - p_a) / n_a + slope**2 * p_b * (1 - p_b) / n_b
    return np.asarray((k_a / n_a - slope * k_b / n_b - gap) / np.sqrt(np.maximum(variance, 1e-12)))


def chances(n: int, p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of 0 to n positives among n, at each of the rates p: a row for each."""
    k, p = np.arange(n + 1), np.clip(p, 1e-300, 1 - 1e-16)[:, None]
    factorial = np.concatenate([[0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return np.asarray(
        np.exp(factorial[n] - factorial - factorial[::-1] + k * np.log(p) + (n - k) * np.log1p(-p))
    )


def tail(counts: Any, slope: float, gap: float, points: int = 2001) -> float:
    """The largest chance, over rates on the limit, of a month as extreme as this one (Chan 1998)."""
    n_a, _, n_b, _ = counts
    k_a, k_b = np.arange(n_a + 1)[:, None], np.arange(n_b + 1)
    extreme = score((n_a, k_a, n_b, k_b), slope, gap) >= score(counts, slope, gap) - 1e-9
    p_b = np.linspace(max(0, -gap / slope), min(1, (1 - gap) / slope), points)
    return float((chances(n_a, slope * p_b + gap) @ extreme * chances(n_b, p_b)).sum(axis=1).max())


def exact(counts: Any, kind: str, limit: float) -> float:
    """The p-value of counts n_a, k_a, n_b, k_b against the limit; 1 where they keep it."""
    n_a, k_a, n_b, k_b = (int(x) for x in counts)
    gap, swapped = k_a / n_a - k_b / n_b, (n_b, k_b, n_a, k_a)
    if kind == "ratio":
        return tail(swapped, 1 / limit, 0) if k_a / n_a < limit * k_b / n_b else 1.0
    if kind == "excess":
        return tail((n_a, k_a, n_b, k_b), 1, limit) if gap > limit else 1.0
    if abs(gap) <= limit:
        return 1.0
    return min(1.0, 2 * min(tail((n_a, k_a, n_b, k_b), 1, limit), tail(swapped, 1, limit)))


def months(slices: list[Slice], kind: str, limit: float, width: int) -> list[tuple[str, int, float]]:
    """Of each calendar month that was tested: its name, its events, the p-value. `width` is a slice's, in ms.

    The last one counts when it is over.
    """
    sums: dict[str, NDArray[np.int64]] = {}
    for number, counts in slices:
        month = str(np.datetime64(number * width, "ms").astype("datetime64[M]"))
        sums[month] = sums.get(month, np.zeros(4, np.int64)) + counts
    few = {m: c for m, c in sums.items() if c[0] and c[2] and c[0] + c[2] <= 1000}
    return [(month, int(c[0] + c[2]), exact(c, kind, limit)) for month, c in few.items()]


# %% What comes out
if __name__ == "__main__":
    whom = {"model": MODEL, "attribute": ATTRIBUTE, "metric": METRIC, "group": GROUP, "reference": REFERENCE}
    fields = ("n", "k") if BOUNDS is None else ("n", "k", "squares")
    pair = read(SLICES, **whom, since=SINCE, fields=fields)
    start, later = (of_means(BOUNDS, stakes) if BOUNDS else gains for stakes in (STAKES, SHIFTS))
    path = evidence(pair, KIND, LIMIT, start)
    proof = next((step for step in path if step[2] >= -np.log(ALPHA)), None)
    print(f"{len(pair)} slices, {len(path)} blocks")
    if path:  # no block is closed by few events: see above
        highest = max(0.0, *(log_e for _, _, log_e in path))
        print(f"E now {np.exp(path[-1][2]):.4g}, at its highest {np.exp(highest):.4g}")
    print("no proof" if proof is None else f"proved in slice {proof[0]} by {proof[1]:,} events")
    for closed, began in changes(pair, KIND, LIMIT, THRESHOLD, later):
        print(f"a change was found in slice {closed}, which began about slice {began:.0f}")
    for month, events, p in months(pair, KIND, LIMIT, WIDTH) if BOUNDS is None else ():
        print(f"{month}: {events:,} events, p = {p:.3g}{', proved' if p <= MONTH else ''}")
