"""Years of a whole deployment that complies: do all its tests together keep its budget of false alarms?

Three models, five metrics, three attributes of five groups: 12 pairs and so 180 hypotheses. Volumes and base
rates move by the hour of the day, by the season and by chance; each group comes at hours of its own. Of each
attribute's pairs two are at the limit, one half-way there, one has no gap, in every hour. Where base rates
and the mix of groups move together, a gap over whole days is another than that of each hour (Simpson's
paradox): a deployment that complies keeps its limits in both. Hourly counts are drawn, not events; levels,
thresholds, blocks and tests are the product's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from benchmarks.sequential.tables import Table, Tick
from monitor.config import Alerts, Config, Model, Rule
from monitor.sequential.calendar import Side, p_value
from monitor.sequential.changes import Changes
from monitor.sequential.eprocess import Cells
from monitor.sequential.nulls import Null
from monitor.trials import Levels, families, levels
from monitor.trials.levels import SPARE
from monitor.trials.running import MOST_A_MONTH

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DAYS, HOURS, MONTHS = 365, 24, 12
BUDGET = "1 per year"
VOLUMES = {"loans": 1000, "hiring": 300, "housing": 30}  # decisions a day, on average
ATTRIBUTES = ["sex", "race", "age"]
SHARES = np.array([0.4, 0.25, 0.15, 0.12, 0.08])  # the first group is the reference
SWING = 0.5  # by how much a group's share of the decisions rises and falls within a day
FROM_LIMIT = np.array([0.0, 1.0, 1.0, 0.5, 0.0])  # how far towards the limit each group's gap is
RULES = [
    Rule(metric="selection_rate", compare="ratio", min=0.8),
    *(Rule(metric=name, min=-0.05, max=0.05) for name in ("tpr", "fpr", "accuracy", "override_rate")),
]
BASE = {
    "selection_rate": 0.5,
    "true_positive_rate": 0.6,
    "false_positive_rate": 0.3,
    "accuracy": 0.65,
    "override_rate": 0.2,
}
GOOD = 0.5  # of the decisions that turn out well, before base rates move
BY_HOUR = "Fairlead, limits kept by hour only"
PLAUSIBLE = 3.0  # scores below it have p-values far above the level of a month: they are not computed


@dataclass(frozen=True)
class Hypotheses:
    """One metric of one model in all years: cells are years x attributes x pairs."""

    model: str
    metric: str
    null: Null
    alpha: float
    threshold: float
    month: float


def config() -> Config:
    """The deployment, as its configuration says it."""
    model = Model(
        positive=["yes"], attributes=list(ATTRIBUTES), rules=RULES, mature_after="1d", windows=["24h"]
    )
    return Config(models=dict.fromkeys(VOLUMES, model), alerts=Alerts(false_alarms=BUDGET))


def hypotheses() -> list[Hypotheses]:
    """Each model's metrics with the levels that the product gives them."""
    whole = config()
    return [found for name, model in whole.models.items() for found in _of(name, model, levels(whole))]


def _of(name: str, model: Model, share: Levels) -> Iterator[Hypotheses]:
    room = SPARE * (len(SHARES) - 1)
    for family in families(model):
        if family.attribute == ATTRIBUTES[0] and isinstance(family.side.null, Null):
            threshold = share.threshold(room, VOLUMES[name] * 365.25)
            terms = share.alpha(room), threshold, share.month(room)
            yield Hypotheses(name, family.metric, family.side.null, *terms)


class Weather:
    """What moves volumes and base rates in each of so many years of one model."""

    def __init__(self, rng: np.random.Generator, years: int, volume: float) -> None:
        self._rng, self._years, self._volume = rng, years, volume
        self._season = rng.uniform(0, 2 * np.pi, (2, years))
        self._walk = np.cumsum(rng.normal(0, 0.03, (2, DAYS, years)), axis=1)
        self._walk -= self._walk.mean(axis=1, keepdims=True)
        hours = rng.uniform(0, HOURS, (years, len(ATTRIBUTES), len(SHARES)))  # when most of a group come
        turned = 2 * np.pi * (np.arange(HOURS)[:, None, None, None] - hours) / HOURS
        mix = SHARES * (1 + SWING * np.cos(turned))
        self.mix = mix / mix.sum(axis=-1, keepdims=True)  # (hours, years, attributes, groups)

    def volume(self, day: int) -> Floats:
        """Decisions to be expected in each hour: (hours, years)."""
        hours = 1 + 0.8 * np.cos(2 * np.pi * (np.arange(HOURS) - 14) / HOURS)
        season = 1 + 0.3 * np.sin(2 * np.pi * day / DAYS + self._season[0])
        found: Floats = self._volume / HOURS * hours[:, None] * season * np.exp(self._walk[0, day])
        return found

    def factor(self, day: int) -> Floats:
        """By how much base rates are higher or lower in each hour: (hours, years)."""
        hours = 0.15 * np.sin(2 * np.pi * np.arange(HOURS) / HOURS)
        season = 0.15 * np.sin(2 * np.pi * day / DAYS + self._season[1])
        found: Floats = np.clip(1 + hours[:, None] + season + np.tanh(self._walk[1, day]) * 0.1, 0.6, 1.4)
        return found


def rates(null: Null, base: Floats, events: Floats, *, by_day: bool = True) -> Floats:
    """Rates of each group that comply in every hour and, if `by_day`, over the day: (hours, ..., groups).

    `base` are a reference's rates, (hours, ..., 1); `events` how many of each group are to be expected.
    """
    mean = (events * base).sum(axis=0) / events.sum(axis=0)  # of the day, if all groups were treated alike
    if null.kind == "ratio":
        factor = 1 - (1 - null.limit) * FROM_LIMIT
        needed = null.limit * mean[..., :1] / mean
        return base * (np.maximum(factor, needed) if by_day else factor)
    gap = null.limit * FROM_LIMIT
    room = null.limit - (mean[..., :1] - mean)
    return base - (np.minimum(gap, room) if by_day else gap)


def drawn(
    rng: np.random.Generator, weather: Weather, asked: list[Hypotheses], day: int, *, by_day: bool = True
) -> list[tuple[Ints, Ints]]:
    """A day's counts of each metric: events and positives, each (hours, years, attributes, groups)."""
    expected = weather.volume(day)[..., None, None] * weather.mix
    factor = weather.factor(day)[..., None, None]
    n = rng.poisson(expected)
    good = rng.binomial(n, GOOD * factor)
    came = {
        "true_positive_rate": (good, expected * GOOD * factor),
        "false_positive_rate": (n - good, expected * (1 - GOOD * factor)),
    }
    found = []
    for each in asked:
        of, likely = came.get(each.metric, (n, expected))
        p = rates(each.null, BASE[each.metric] * factor, likely, by_day=by_day)
        found.append((of, rng.binomial(of, p)))
    return found


def paired(n: Ints, k: Ints) -> Ints:
    """Counts n_a, k_a, n_b, k_b of one slice, b the reference: (4, years x attributes x pairs)."""
    others = n[..., 1:], k[..., 1:]
    reference = (np.broadcast_to(x[..., :1], others[0].shape) for x in (n, k))
    return np.stack([*others, *reference]).reshape(4, -1)


class Watched:
    """One metric of one model: the product's tests, fed hour by hour, and the counts of each day."""

    def __init__(self, asked: Hypotheses, cells: int) -> None:
        self.asked = asked
        self.cells = Cells(cells, asked.null.kind, asked.null.limit)
        self.changes = Changes(cells, asked.null.kind, asked.null.limit, asked.threshold)
        self.changed = np.zeros(cells, np.int64)
        self.monthly = np.zeros(cells, np.int64)
        self.days: NDArray[Any] = np.zeros((DAYS, 4, cells), np.int32)

    def feed(self, day: int, n: Ints, k: Ints) -> None:
        for hour in range(HOURS):
            slice_ = n_a, k_a, n_b, k_b = paired(n[hour], k[hour])
            self.cells.update(n_a, k_a, n_b, k_b)
            for alarm in self.changes.update(n_a, k_a, n_b, k_b, time=day * HOURS + hour):
                self.changed[alarm.cell] += 1
            self.days[day] += slice_.astype(np.int32)

    @property
    def proved(self) -> Ints:
        """Whether each was called out since the start: (cells,)."""
        return np.asarray(self.cells.state["log_peak"] >= -np.log(self.asked.alpha), np.int64)

    def alarms(self) -> dict[str, Ints]:
        """How many there were of each kind: (cells,)."""
        return {"since the start": self.proved, "changes": self.changed, "months": self.monthly}

    def test_months(self) -> None:
        """The exact test of each calendar month, as in :mod:`monitor.trials.running`."""
        for month in np.array_split(self.days, MONTHS):
            counts = month.sum(axis=0, dtype=np.int64)
            events = counts[0] + counts[2]
            wanted = (counts[0] > 0) & (counts[2] > 0) & (events <= MOST_A_MONTH)
            wanted &= plausible(self.asked.null, counts)
            for cell in np.flatnonzero(wanted).tolist():
                n_a, k_a, n_b, k_b = counts[:, cell].tolist()
                self.monthly[cell] += p_value(n_a, k_a, n_b, k_b, self.asked.null) <= self.asked.month


def plausible(null: Null, counts: Ints) -> NDArray[np.bool_]:
    """Where a month is so far beyond the limit that its exact test is worth its time: (cells,)."""
    a, b = np.maximum(counts[:2], [[1], [0]]), np.maximum(counts[2:], [[1], [0]])
    if null.kind == "ratio":
        score = Side(1 / null.limit, 0).score(*b, *a)
    else:
        score = np.maximum(Side(1, null.limit).score(*a, *b), Side(1, null.limit).score(*b, *a))
    return np.asarray(score > PLAUSIBLE)


def year(rng: np.random.Generator, runs: int, tick: Tick) -> Table:
    """False alarms a year of the deployment: Fairlead's, and those of rules that look every day."""
    table = Table(f"A deployment that complies: 180 hypotheses, {runs} years, false alarms a year")
    found: dict[str, Ints] = {}
    for watched in _watched(rng, runs, tick):
        alarms = {f"Fairlead: {name}": counts for name, counts in watched.alarms().items()}
        alarms |= {name: rule(watched.days, watched.asked.null) for name, rule in NAIVE.items()}
        for name, counts in alarms.items():
            found[name] = found.get(name, 0) + counts.reshape(runs, -1).sum(axis=1)
    ours = np.sum([counts for name, counts in found.items() if "Fairlead" in name], axis=0)
    found = {f"Fairlead, budget {BUDGET}": ours} | found
    found[BY_HOUR] = np.zeros(runs, np.int64)
    for watched in _watched(rng, runs, tick, by_day=False):
        for counts in watched.alarms().values():
            found[BY_HOUR] += counts.reshape(runs, -1).sum(axis=1)
    for name, counts in found.items():
        low, high = _interval(counts)
        figures = {
            "a year": counts.mean(),
            "95 % from": low,
            "to": high,
            "years with one": (counts > 0).mean(),
        }
        table.values |= {(name, column): float(figure) for column, figure in figures.items()}
    return table


def _watched(rng: np.random.Generator, years: int, tick: Tick, *, by_day: bool = True) -> Iterator[Watched]:
    for name, volume in VOLUMES.items():
        asked = [each for each in hypotheses() if each.model == name]
        tests = [Watched(each, years * len(ATTRIBUTES) * (len(SHARES) - 1)) for each in asked]
        weather = Weather(rng, years, volume)
        for day in range(DAYS):
            for test, (n, k) in zip(tests, drawn(rng, weather, asked, day, by_day=by_day), strict=True):
                test.feed(day, n, k)
            tick()
        for test in tests:
            test.test_months()
            yield test


def _interval(counts: NDArray[np.int64]) -> tuple[float, float]:
    """95 % of the mean of counts (years,): Garwood's of a Poisson number where they are few."""
    total, years = int(counts.sum()), len(counts)
    if total < 100:
        low = chi2.ppf(0.025, 2 * total) / 2 if total else 0.0
        return low / years, chi2.ppf(0.975, 2 * total + 2) / 2 / years
    half = 1.96 * counts.std(ddof=1) / np.sqrt(years)
    return counts.mean() - half, counts.mean() + half


# what others do: each looks once a day, and each new excursion is an alarm


def _z(counts: Ints, null: Null) -> tuple[Floats, Floats]:
    """How far beyond the limit counts (..., 4, cells) lie, and that in standard errors; nan where unknown."""
    n_a, k_a, n_b, k_b = np.moveaxis(counts.astype(float), -2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_a, p_b = k_a / n_a, k_b / n_b
        slope = null.limit if null.kind == "ratio" else 1.0
        beyond = slope * p_b - p_a if null.kind == "ratio" else np.abs(p_a - p_b) - null.limit
        error = np.sqrt(p_a * (1 - p_a) / n_a + slope**2 * p_b * (1 - p_b) / n_b)
        few = (np.minimum(k_a, n_a - k_a) < 5) | (np.minimum(k_b, n_b - k_b) < 5)
        return beyond, np.where(few, np.nan, beyond / error)


def _excursions(alarmed: NDArray[np.bool_]) -> Ints:
    new = alarmed.copy()
    new[1:] &= ~alarmed[:-1]
    return np.asarray(new.sum(axis=0))


def _by_window(days: Ints, null: Null) -> Ints:
    total = np.cumsum(days, axis=0, dtype=np.int64)
    total[30:] -= total[:-30].copy()
    beyond, z = _z(total, null)
    return _excursions((beyond > 0) & np.isfinite(z))


def _by_day(days: Ints, null: Null) -> Ints:
    return _excursions(_z(days, null)[1] > NormalDist().inv_cdf(0.975))


def _cumulative(level: float) -> Callable[[Ints, Null], Ints]:
    def rule(days: Ints, null: Null) -> Ints:
        z = _z(np.cumsum(days, axis=0, dtype=np.int64), null)[1]
        return _excursions(z > NormalDist().inv_cdf(1 - level / 2))

    return rule


NAIVE: dict[str, Callable[[Ints, Null], Ints]] = {
    "last 30 days beyond the limit": _by_window,
    "each day by itself, 95 % interval": _by_day,
    "z-test of all so far, 5 %": _cumulative(0.05),
    "z-test of all so far, 5 % / 180": _cumulative(0.05 / 180),
}
