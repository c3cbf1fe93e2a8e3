"""``benchmarks/sequential/deployment.py``: its deployment complies, and is tested as the product tests."""

import numpy as np
import pytest

from benchmarks.sequential import deployment
from benchmarks.sequential.deployment import BASE, DAYS, MONTHS, Hypotheses, Watched, Weather
from monitor.sequential.calendar import p_value
from monitor.sequential.nulls import Null
from monitor.trials import families, levels
from monitor.trials.levels import SPARE
from monitor.trials.running import Running, Terms
from monitor.trials.slices import Counts

GROUPS = ["a", "b", "c", "d", "e"]
HOUR = 3_600_000


def test_there_are_180_hypotheses_and_half_of_the_budget_is_kept_for_groups_to_come() -> None:
    asked = deployment.hypotheses()
    pairs = len(deployment.ATTRIBUTES) * (len(deployment.SHARES) - 1)
    assert len(asked) * pairs == 180
    changes = [deployment.VOLUMES[each.model] * 365.25 / 100 / each.threshold for each in asked]
    spent = [
        pairs * (each.alpha + change + MONTHS * each.month)
        for each, change in zip(asked, changes, strict=True)
    ]
    assert sum(spent) == pytest.approx(1 / SPARE)


def test_every_pair_complies_in_every_hour_and_over_every_day() -> None:
    weather = Weather(np.random.default_rng(1), 3, 1000)
    for each in deployment.hypotheses():
        for day in range(0, DAYS, 30):
            base = BASE[each.metric] * weather.factor(day)[..., None, None]
            events = weather.volume(day)[..., None, None] * weather.mix
            p = deployment.rates(each.null, base, events)
            assert ((p > 0) & (p < 1)).all()
            assert each.null.complies(p[..., 1:] + 1e-12, base).all()
            whole = (events * p).sum(axis=0) / events.sum(axis=0)
            assert each.null.complies(whole[..., 1:] + 1e-12, whole[..., :1]).all()


def test_limits_kept_in_every_hour_may_be_broken_over_the_day() -> None:
    weather = Weather(np.random.default_rng(1), 3, 1000)
    null = Null("difference", 0.05)
    base, events = 0.5 * weather.factor(7)[..., None, None], weather.mix
    p = deployment.rates(null, base, events, by_day=False)
    assert null.complies(p[..., 1:] + 1e-12, base).all()
    whole = (events * p).sum(axis=0) / events.sum(axis=0)
    assert not null.complies(whole[..., 1:] + 1e-12, whole[..., :1]).all()


def test_each_group_comes_at_hours_of_its_own() -> None:
    mix = Weather(np.random.default_rng(1), 40, 1000).mix
    assert mix.sum(axis=-1) == pytest.approx(1)
    assert mix.mean(axis=(0, 1, 2)) == pytest.approx(deployment.SHARES, abs=0.01)
    assert np.median(mix.max(axis=0) / mix.min(axis=0)) > 2


def test_the_tests_are_the_products() -> None:
    """A year of one attribute with a gap that comes and goes, through :class:`Running` and through ours."""
    whole = deployment.config()
    family = families(whole.models["housing"])[3]
    share, room = levels(whole), SPARE * 4
    terms = Terms(room, share.alpha(room), share.threshold(room, 30 * 365.25), share.month(room))
    asked = Hypotheses(
        "housing", family.metric, family.side.null, terms.alpha, terms.threshold, terms.monthly
    )
    ours, theirs = Watched(asked, 4), Running(family, terms, HOUR, "a", 0)
    theirs.welcome(GROUPS, 0)
    rng, found = np.random.default_rng(2), []
    for day in range(DAYS):
        n = rng.poisson(2, (24, 1, 1, 5))
        k = rng.binomial(n, [0.5, 0.5, 0.3 if 100 < day < 140 else 0.5, 0.45, 0.55])
        ours.feed(day, n, k)
        for hour in range(24):
            before = theirs.marks.state["changed"].copy()
            theirs.feed(day * 24 + hour, Counts(GROUPS, np.stack([n[hour, 0], k[hour, 0]])), 0)
            found += np.flatnonzero(
                (theirs.marks.state["changed"] != before) & ~np.isnan(theirs.marks.state["changed"])
            ).tolist()
    assert ours.changed.tolist() == [found.count(i) for i in range(4)]
    assert ours.changed[1] >= 1
    assert (ours.cells.state["log_peak"] == theirs.cells.state["log_peak"]).all()
    assert ours.proved.tolist() == (~np.isnan(theirs.marks.state["proved"])).astype(int).tolist()


@pytest.mark.parametrize("null", [Null("difference", 0.05), Null("ratio", 0.8)])
def test_months_that_are_not_tested_could_not_have_alarmed(null: Null) -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(20, 400, (2, 300))
    k = rng.binomial(n, [[0.35], [0.5]])
    counts = np.stack([n[0], k[0], n[1], k[1]])
    plausible = deployment.plausible(null, counts)
    assert 5 < plausible.sum() < 280
    level = max(each.month for each in deployment.hypotheses())
    for cell in np.flatnonzero(~plausible)[:40].tolist():
        assert p_value(*counts[:, cell].tolist(), null) > 5 * level


def test_a_rule_that_looks_every_day_alarms_once_an_excursion() -> None:
    days = np.full((10, 4, 2), 100, np.int64)
    days[:, 1::2] = 50
    days[[2, 3, 7], 1, 1] = 95
    found = deployment.NAIVE["each day by itself, 95 % interval"](days, Null("difference", 0.05))
    assert found.tolist() == [0, 2]


def test_few_alarms_have_an_interval_too() -> None:
    assert deployment._interval(np.zeros(200, np.int64)) == (0.0, pytest.approx(3.689 / 200, abs=1e-4))
    low, high = deployment._interval(np.tile([3, 5], 100))
    assert (low + high) / 2 == pytest.approx(4)
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(199))
