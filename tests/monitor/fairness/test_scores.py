import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn

from monitor.fairness import scores
from monitor.fairness.intervals import Estimates
from monitor.panes import bins, histogram
from monitor.panes.table import Table

# Scores that lie in the middle of their bin, so that binning loses nothing.
MIDDLES = np.unique(bins.middle(bins.code(np.linspace(0.01, 0.98, 400))))
ROWS = st.lists(st.tuples(st.sampled_from(MIDDLES.tolist()), st.booleans()), min_size=1, max_size=60)


def scored(*groups) -> Table:
    """A table of groups, each a pair of arrays: scores, outcomes."""
    spread = {
        name: [histogram.numeric(score[outcome == positive]) for score, outcome in groups]
        for name, positive in (("score.neg", False), ("score.pos", True))
    }
    return Table([str(place) for place in range(len(groups))], {}, spread)


def sample(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.02, 0.95, n)
    return score, rng.random(n) < score**1.5


def metric(name: str, table: Table) -> Estimates:
    return scores.METRICS[name](table)


@settings(max_examples=60)
@given(ROWS)
def test_metrics_are_sklearns_where_bins_lose_nothing(rows):
    score, outcome = (np.array(column) for column in zip(*rows, strict=True))
    table = scored((score, outcome.astype(bool)))
    assert metric("brier_score", table).value[0] == pytest.approx(
        sklearn.brier_score_loss(outcome, score, pos_label=True, labels=[False, True])
    )
    assert metric("log_loss", table).value[0] == pytest.approx(
        sklearn.log_loss(outcome, score, labels=[False, True])
    )
    assert metric("calibration_gap", table).value[0] == pytest.approx(outcome.mean() - score.mean())
    if 2 <= outcome.sum() <= len(outcome) - 2:
        assert metric("auc", table).value[0] == pytest.approx(sklearn.roc_auc_score(outcome, score))


@pytest.mark.parametrize("seed", range(5))
def test_what_binning_costs_is_inside_the_limits(seed):
    score, outcome = sample(2000, seed)
    table = scored((score, outcome))
    exact = {
        "auc": sklearn.roc_auc_score(outcome, score),
        "brier_score": sklearn.brier_score_loss(outcome, score),
        "calibration_gap": outcome.mean() - score.mean(),
    }
    for name, value in exact.items():
        found = metric(name, table)
        assert found.low[0] < value < found.high[0]
        assert found.value[0] == pytest.approx(value, abs=0.005)


def test_aucs_interval_covers_the_truth():
    truth = stats.norm.cdf(1 / np.sqrt(2))
    rng = np.random.default_rng(3)
    groups = []
    for _ in range(1500):
        outcome = np.arange(120) < 60
        groups.append((8 + rng.normal(size=120) + outcome, outcome))
    found = metric("auc", scored(*groups))
    assert np.mean((found.low <= truth) & (truth <= found.high)) > 0.94


def test_loss_and_calibration_ask_for_probabilities():
    table = scored((np.array([1.0, 7.0, 10.0] * 4), np.array([False, True, True] * 4)))
    for name in ("brier_score", "log_loss", "calibration_gap", "calibration_error"):
        assert np.isnan(metric(name, table).value[0]), name
    assert metric("auc", table).value[0] == 1


def test_calibration_error_weighs_tenths():
    score = np.array([0.15] * 10 + [0.85] * 10)
    outcome = np.array([True] * 3 + [False] * 7 + [True] * 8 + [False] * 2)
    table = scored((score, outcome))
    low, high = bins.middle(bins.code([0.15, 0.85]))
    expected = (abs(low - 0.3) + abs(high - 0.8)) / 2
    assert metric("calibration_error", table).value[0] == pytest.approx(expected)
    n, _, rate = (part[0] for part in scores.calibration(scores.scored(table)))
    assert n.tolist() == [0, 10, 0, 0, 0, 0, 0, 0, 10, 0]
    assert rate[[1, 8]].tolist() == [0.3, 0.8]


def test_no_scores_and_one_outcome_only_are_undefined():
    empty = (np.array([]), np.array([], bool))
    one_sided = (np.array([0.2, 0.4, 0.6]), np.array([True, True, True]))
    table = scored(empty, one_sided)
    for name in scores.METRICS:
        assert np.isnan(metric(name, table).value[0]), name
    assert np.isnan(metric("auc", table).value[1])
    assert metric("auc", table).n.tolist() == [0, 3]
