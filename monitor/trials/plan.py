"""Before going live: how many decisions and days will a configuration's tests take to find a gap?

Answered by simulation of each test, at the level that the whole configuration leaves it, for each group of
each limit and for gaps of several sizes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from monitor.config import Config, Model
from monitor.fairness.reference import WORDS
from monitor.panes.table import UNKNOWN
from monitor.sequential.nulls import FACTORS, GAPS, Null
from monitor.sequential.power import Pair, events_to_notice, events_to_prove
from monitor.trials.asked import Family, Side, families
from monitor.trials.expected import Expected
from monitor.trials.levels import SPARE, Levels, levels
from monitor.trials.running import Terms
from monitor.trials.trials import YEAR

MONTHS = {"1 month": 30.4, "3 months": 91.3, "12 months": 365.25}  # in days
POWER = 0.8  # the chance with which a detectable gap is proved in time
FINE_GAPS = np.array([0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3])  # beyond the limit
FINE_FACTORS = np.array([0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5])
LONGEST = 3 * YEAR  # days
MOST_AFTER_A_CHANGE = 50_000  # events: who waits longer does not watch for changes

Floats = NDArray[np.float64]
Tick = Callable[[float], None]


@dataclass(frozen=True)
class Question:
    """One pair of groups of one limit. `share` is the group's of the events of both, `per_day` their number,
    `rate` the reference's."""

    model: str
    family: Family
    null: Null
    group: str
    reference: str
    share: float
    per_day: float
    rate: float
    terms: Terms


class Size(Struct, frozen=True):
    """One size of gap: its `value` (group minus, or over, reference); decisions of the model, and days, until
    it is proved from the start on, and days until it is noticed as a change. p50 and p90: in half of all
    streams, and in nine of ten. None: not within three years, for changes not within 50,000 events."""

    value: float
    group_rate: float
    decisions_p50: float | None
    decisions_p90: float | None
    days_p50: float | None
    days_p90: float | None
    noticed_days_p50: float | None
    noticed_days_p90: float | None


class Planned(Struct, frozen=True):
    """The answer to a question. `once_in`, `threshold` and `month_once_in` are its part of the budget: how
    rarely a compliant model is ever called out; in how many blocks a change is called out falsely once; in
    how many months. `detectable`: the nearest value that is proved in time with a chance of 80 %."""

    model: str
    rule: str
    attribute: str
    metric: str
    test: str
    kind: str
    limit: float
    group: str
    reference: str
    share: float
    reference_rate: float
    events_per_day: float
    once_in: float
    threshold: float
    month_once_in: float
    sizes: list[Size]
    detectable: dict[str, float | None]


def questions(config: Config, expected: dict[str, Expected]) -> list[Question]:
    """All pairs of groups of the models that something is expected of, of rules about rates. Where all
    ordered pairs are tested, each group is held against the largest, for an example."""
    share = levels(config)
    return [
        question
        for name, known in expected.items()
        for family in families(config.models[name])
        for question in _of(name, family, known, share)
    ]


def unplanned(model: Model) -> list[str]:
    """The rules that are tested and not simulated: those about means, whose spread nobody has said."""
    means = [family.rule for family in families(model) if not isinstance(family.side.null, Null)]
    return list(dict.fromkeys(means))


def _of(name: str, family: Family, known: Expected, share: Levels) -> Iterator[Question]:
    null, groups = family.side.null, known.groups(family.attribute, family.metric)
    named = family.word not in WORDS and family.word in groups
    reference = family.word if named else next((group for group in groups if group != UNKNOWN), None)
    if reference is None or not isinstance(null, Null):
        return
    room, per_year = SPARE * known.pairs(family), known.per_day * YEAR
    terms = Terms(room, share.alpha(room), share.threshold(room, per_year), share.month(room))
    other = groups[reference]
    for group, own in groups.items():
        if group != reference:
            both = own.events + other.events
            yield Question(
                name,
                family,
                null,
                group,
                reference,
                own.events / both,
                both * known.per_day,
                other.rate,
                terms,
            )


def plan(
    asked: Sequence[Question], per_day: dict[str, float], runs: int, seed: int, tick: Tick
) -> list[Planned]:
    """Answers questions, those that are alike but once. `per_day`: decisions by model; `tick` hears the
    share that is done, 0 to 1."""
    found: dict[object, tuple[list[Size], dict[str, float | None]]] = {}
    answers = []
    for i, question in enumerate(asked):
        key = (
            question.family.side,
            question.family.test,
            *(question.share, question.per_day, question.rate, question.terms, per_day[question.model]),
        )
        if key not in found:
            rng = np.random.default_rng([seed, len(found)])
            found[key] = _simulated(rng, question, per_day[question.model], runs)
        answers.append(_answer(question, *found[key]))
        tick((i + 1) / len(asked))
    return answers


def _answer(question: Question, sizes: list[Size], detectable: dict[str, float | None]) -> Planned:
    family, terms = question.family, question.terms
    return Planned(
        model=question.model,
        rule=family.rule,
        attribute=family.attribute,
        metric=family.metric,
        test=family.test,
        kind=family.side.null.kind,
        limit=family.side.null.limit,
        group=question.group,
        reference=question.reference,
        share=question.share,
        reference_rate=question.rate,
        events_per_day=question.per_day,
        once_in=1 / terms.alpha,
        threshold=terms.threshold,
        month_once_in=1 / terms.monthly,
        sizes=sizes,
        detectable=detectable,
    )


def _simulated(
    rng: np.random.Generator, question: Question, per_day: float, runs: int
) -> tuple[list[Size], dict[str, float | None]]:
    side, null, terms = question.family.side, question.null, question.terms
    ratio = null.kind == "ratio"
    pairs = {size: _pair(question, size) for size in (FINE_FACTORS if ratio else FINE_GAPS).tolist()}
    possible = {size: pair for size, pair in pairs.items() if pair is not None}
    horizon = question.per_day * LONGEST
    proved = np.full((len(possible), runs), np.inf)
    if question.family.test == "sequential":
        proved = events_to_prove(rng, null, list(possible.values()), terms.alpha, runs=runs, horizon=horizon)
    shown = [i for i, size in enumerate(possible) if size in (FACTORS if ratio else GAPS)]
    chosen = list(possible.values())
    noticed = events_to_notice(
        rng,
        null,
        [chosen[i] for i in shown],
        terms.threshold,
        runs=runs,
        horizon=min(horizon, MOST_AFTER_A_CHANGE),
    )
    sizes = [
        _size(side, chosen[i], proved[i] / question.per_day, late / question.per_day, per_day)
        for i, late in zip(shown, noticed, strict=True)
    ]
    values = [_value(side, pair) for pair in chosen]
    return sizes, {
        name: _detectable(values, (proved / question.per_day <= days).mean(axis=1))
        for name, days in MONTHS.items()
    }


def _pair(question: Question, size: float) -> Pair | None:
    """The rates of a gap so far beyond the limit; None where there are no such rates. Where both directions
    are out of limits it is the one with more room."""
    side, rate, share = question.family.side, question.rate, question.share
    limit = side.null.limit
    if side.null.kind == "ratio":
        own = rate / (limit * size) if side.flipped else rate * limit * size
    else:
        up = not side.flipped if side.null.kind == "excess" else rate < 0.5
        own = rate + limit + size if up else rate - limit - size
    if not 0 < own < 1:
        return None
    return Pair(rate, own, share) if side.flipped else Pair(own, rate, 1 - share)


def _value(side: Side, pair: Pair) -> float:
    own, other = (pair.rate_b, pair.rate_a) if side.flipped else (pair.rate_a, pair.rate_b)
    return round(own / other if side.null.kind == "ratio" else own - other, 6)


def _size(side: Side, pair: Pair, proved: Floats, noticed: Floats, per_day: float) -> Size:
    """`proved` and `noticed`: days, (runs,)."""
    middle, most = _quantiles(proved)
    return Size(
        _value(side, pair),
        pair.rate_b if side.flipped else pair.rate_a,
        None if middle is None else round(middle * per_day),
        None if most is None else round(most * per_day),
        middle,
        most,
        *_quantiles(noticed),
    )


def _quantiles(days: Floats) -> tuple[float | None, float | None]:
    found = np.quantile(days, [0.5, 0.9], method="higher").tolist()
    middle, most = (value if np.isfinite(value) else None for value in found)
    return middle, most


def _detectable(values: Sequence[float], power: Floats) -> float | None:
    """Of values ever further beyond the limit the first with enough power, interpolated."""
    enough = np.flatnonzero(power >= POWER)
    if not len(enough):
        return None
    i = int(enough[0])
    if i == 0:
        return values[0]
    part = (POWER - power[i - 1]) / (power[i] - power[i - 1])
    return round(float(values[i - 1] + part * (values[i] - values[i - 1])), 6)
