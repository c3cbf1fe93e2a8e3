"""The algorithm once more, one number at a time, as it is written down: slow, and easy to read.

Nothing here is shared with the code under test. Times are not kept, nor is anything stored.
"""

from dataclasses import dataclass, field
from math import acos, copysign, cos, exp, inf, log, log1p, pi, sqrt

DELTAS, FACTORS = (0.02, 0.05, 0.1, 0.2), (0.95, 0.85, 0.7, 0.5)


def proj_diff(ka: float, na: float, kb: float, nb: float, d: float) -> tuple[float, float]:
    total, c = na + nb, ka + kb
    l3, l2 = total, (na + 2 * nb) * d - total - c
    l1, l0 = (nb * d - total - 2 * kb) * d + c, kb * d * (1 - d)
    b = l2 / (3 * l3)
    q = b**3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
    p = copysign(sqrt(max(b**2 - l1 / (3 * l3), 1e-100)), q)
    root = 2 * p * cos((pi + acos(min(max(q / p**3, -1), 1))) / 3) - b
    pb = min(max(root, 0, -d), 1, 1 - d)
    return pb + d, pb


def proj_ratio(ka: float, na: float, kb: float, nb: float, r: float) -> tuple[float, float]:
    a, b, c = r * (na + nb), -(r * na + ka + nb + r * kb), ka + kb
    pb = (-b - sqrt(max(b * b - 4 * a * c, 0))) / (2 * a)
    return r * pb, pb


def clip(p: float) -> float:
    return min(max(p, 1e-4), 1 - 1e-4)


def block_log_e(kind: str, limit: float, delta: float, past: list[float], block: list[int]) -> float:
    """One side, one alternative: past and block are na, ka, nb, kb."""
    big_na, big_ka, big_nb, big_kb = past
    na, ka, nb, kb = block
    project = proj_ratio if kind == "ratio" else proj_diff
    bound = limit * delta if kind == "ratio" else limit + delta
    ta, tb = (clip(t) for t in project(big_ka + 0.5, big_na + 1, big_kb + 0.5, big_nb + 1, bound))
    complies = ta >= limit * tb if kind == "ratio" else ta - tb <= limit
    if complies or na == 0 or nb == 0:
        return 0.0
    oa, ob = project(na * ta, na, nb * tb, nb, limit)
    terms = ((na, ka, ta, oa), (nb, kb, tb, ob))
    return sum(k * log(t / o) + (n - k) * log((1 - t) / (1 - o)) for n, k, t, o in terms)


def log_add(x: float, y: float) -> float:
    high, low = max(x, y), min(x, y)
    return high if low == -inf else high + log1p(exp(low - high))


def log_mean(xs: list[float]) -> float:
    top = max(xs)
    return top if top == -inf else top + log(sum(exp(x - top) for x in xs) / len(xs))


@dataclass
class Scalar:
    """One hypothesis: both E and SR, slice by slice."""

    kind: str
    limit: float
    threshold: float = 1000
    open: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    past: list[float] = field(default_factory=lambda: [0.0] * 4)
    faded: list[float] = field(default_factory=lambda: [0.0] * 4)
    alarms: int = 0
    log_peak: float = 0.0

    def __post_init__(self) -> None:
        deltas = FACTORS if self.kind == "ratio" else DELTAS
        sides = (False, True) if self.kind == "difference" else (False,)
        self.components = [(swap, delta) for delta in deltas for swap in sides]
        self.log_e = [0.0] * len(self.components)
        self.log_sr = [-inf] * len(self.components)

    def update(self, slice_: list[int]) -> None:
        waiting, events = self.open[0] + self.open[2], slice_[0] + slice_[2]
        if waiting and events and waiting + events > 250:
            self.close()
        self.open = [x + y for x, y in zip(self.open, slice_, strict=True)]
        na, _, nb, _ = self.open
        if na + nb >= 250 or (na + nb >= 100 and na and nb):
            self.close()

    def close(self) -> None:
        block, self.open = self.open, [0, 0, 0, 0]
        told = block[0] > 0 and block[2] > 0
        for i, (swap, delta) in enumerate(self.components):
            past, faded, seen = (x[2:] + x[:2] if swap else x for x in (self.past, self.faded, block))
            self.log_e[i] += block_log_e(self.kind, self.limit, delta, past, seen)
            if told:
                step = block_log_e(self.kind, self.limit, delta, faded, seen)
                self.log_sr[i] = step + log_add(self.log_sr[i], 0)
        self.past = [x + y for x, y in zip(self.past, block, strict=True)]
        fade = 0.5 ** ((block[0] + block[2]) / 5000)
        self.faded = [fade * x + y for x, y in zip(self.faded, block, strict=True)]
        self.log_peak = max(self.log_peak, log_mean(self.log_e))
        if log_mean(self.log_sr) >= log(self.threshold):
            self.alarms += 1
            self.log_sr = [-inf] * len(self.components)
