"""What a configuration tests, in words: hypotheses, levels, how long a proof takes, what restarts tests."""

from collections.abc import Iterator
from functools import cache
from math import isfinite

from monitor.config import Config
from monitor.sequential.bounded import Gap
from monitor.sequential.nulls import Null
from monitor.sequential.plan import decisions_to_prove, values_to_prove
from monitor.trials.asked import SOURCES, Family, families
from monitor.trials.levels import CALENDAR, SPARE, Levels, levels
from monitor.trials.trials import ALTERED, WARM_UP, YEAR

PAIRS = 4  # of groups in an attribute, for the example: five groups, one of them the reference
# Of the examples: one rate, how far beyond the limit the other is, and its group's share; of means, as parts
# of their range, how far beyond the limit they are apart, and the standard deviation.
HIGH, BEYOND, SHARE, SPREAD = 0.5, 0.1, 0.1, 0.25
EDITS = (
    "A test begins anew, with the slices that come then, when its rule's metric, compare, min, max,"
    " attribute, reference or test is edited, its number's bounds, or its model's positive, positive_outcome,"
    " mature_after or the shortest of its windows. Names, severities, other windows and the budget change no"
    " evidence, only who is told and when."
)


def told(config: Config) -> list[str]:
    """Sentences about all tests; none where nothing is tested."""
    asked = {name: families(model) for name, model in config.models.items()}
    number = sum(map(len, asked.values()))
    if not number:
        return []
    return [*_budget(config, number), *_models(config, asked), EDITS]


def _budget(config: Config, number: int) -> Iterator[str]:
    share = levels(config)
    alpha = share.alpha(SPARE * PAIRS)
    models = f"{len(config.models)} model{'s' if len(config.models) > 1 else ''}"
    yield (
        f"{models}: {number} limit{'s are' if number > 1 else ' is'} tested, each rule's in each attribute."
        f" With {PAIRS} pairs of groups each that makes {number * PAIRS} hypotheses."
    )
    yield (
        f"False alarms: {config.alerts.false_alarms} for all of them together, {CALENDAR:.0%} of it for tests"
        f" of single months, half of each limit's part for groups that come later. So a hypothesis is called"
        f" out of limits at an e-value of {1 / alpha:,.0f}, which a compliant model ever reaches with a"
        f" chance of at most 1 in {1 / alpha:,.0f}."
    )
    yield (
        f"Tests of a model begin when {WARM_UP} of its decisions, of a day at least, are in finished slices;"
        f" when more than {ALTERED:.0%} of what a test was fed is corrected afterwards, it begins anew."
    )


def _models(config: Config, asked: dict[str, list[Family]]) -> Iterator[str]:
    share = levels(config)
    for name, model in config.models.items():
        if model.events_per_day is not None and asked[name]:
            a = share.threshold(SPARE * PAIRS, model.events_per_day * YEAR)
            yield f"{name}: a change is called at a detector's value of {a:,.0f}."
        for family in asked[name]:
            yield f"{name}, {family.rule}, by {family.attribute}: {_family(family, share)}"


def _family(family: Family, share: Levels) -> str:
    null, alpha = family.side.null, share.alpha(SPARE * PAIRS)
    said, events = _rates(null, alpha) if isinstance(null, Null) else _means(null, alpha)
    taking = f"about {events:,.0f} cases" if isfinite(events) else "more than ten million cases"
    return (
        f"tested against {_limit(null)}, {family.test}; each event counts {SOURCES[family.source]}. {said},"
        f" one of them in a group with a {SHARE:.0%} share, take {taking} of both to prove."
    )


def _rates(null: Null, alpha: float) -> tuple[str, float]:
    low, high, events = _example(null, alpha)
    return f"Rates of {high:.0%} and {low:.0%}", events


def _means(gap: Gap, alpha: float) -> tuple[str, float]:
    deviation, apart = SPREAD * gap.widest, gap.limit + BEYOND * gap.widest
    said = (
        f"Values count from {gap.low:g} to {gap.high:g}, those beyond as the nearest of the two. Means that"
        f" are {apart:g} apart, with a standard deviation of {deviation:g}"
    )
    return said, values_to_prove(gap, apart, deviation, SHARE, alpha)


def _limit(null: Null | Gap) -> str:
    named = {"difference": "a gap of {:g} either way", "excess": "a gap of {:g}", "ratio": "a ratio of {:g}"}
    return named[null.kind].format(null.limit)


@cache
def _example(null: Null, alpha: float) -> tuple[float, float, float]:
    """Two rates out of limits, the lower first, and the events of both groups that their proof takes."""
    if null.kind == "ratio":
        low = max(HIGH * null.limit - BEYOND, 0.01)
        return low, HIGH, float(decisions_to_prove(null, low, HIGH, 1 - SHARE, alpha)[0])
    low = max(HIGH - null.limit - BEYOND, 0.01)
    high = min(low + null.limit + BEYOND, 1.0)
    return low, high, float(decisions_to_prove(null, high, low, SHARE, alpha)[0])
