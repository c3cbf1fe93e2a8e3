import math

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from monitor import drift, rates
from monitor.fairness import pairs
from monitor.fairness.intervals import Estimates
from monitor.panes import histogram
from monitor.panes.table import Table
from tests.monitor.fairness.published import CLARIFY, COUNTS, FIGURES, labelled
from tests.monitor.tables import counted, table

COUNTS_OF = st.fixed_dictionaries({atom: st.integers(1, 80) for atom in ("tp", "fp", "fn", "tn")})


def between(name: str, groups: Table, compare: str = "difference") -> Estimates:
    """The first group against the second."""
    composite = pairs.find(name, compare)
    assert composite is not None
    return composite.between(groups, np.array([0]), np.array([1]))


def odds(counts: dict[str, int]) -> tuple[float, float]:
    tpr = counts["tp"] / (counts["tp"] + counts["fn"])
    return tpr, counts["fp"] / (counts["fp"] + counts["tn"])


@given(COUNTS_OF, COUNTS_OF)
def test_odds_are_aif360s_and_fairlearns_formulas(one, other):
    groups = table({"a": one, "b": other})
    (tpr, fpr), (tpr_b, fpr_b) = odds(one), odds(other)
    gaps = [tpr - tpr_b, fpr - fpr_b]
    expected = {
        ("equalized_odds", "difference"): max(map(abs, gaps)),
        ("equalized_odds", "ratio"): min(
            min(tpr, tpr_b) / max(tpr, tpr_b), min(fpr, fpr_b) / max(fpr, fpr_b)
        ),
        ("average_odds", "difference"): sum(gaps) / 2,
        ("average_absolute_odds", "difference"): sum(map(abs, gaps)) / 2,
    }
    for (name, compare), value in expected.items():
        found = between(name, groups, compare)
        assert found.value[0] == pytest.approx(value, abs=1e-12)
        assert found.low[0] - 1e-12 <= value <= found.high[0] + 1e-12


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()), min_size=4, max_size=40))
def test_equalized_odds_is_fairlearns(stream):
    groups = counted(stream)
    group, decided, truth = map(list, zip(*stream, strict=True))
    if len(groups.groups) == 2 and all((rates.rate(name, groups)[1] > 0).all() for name in pairs.ODDS):
        found = between("equalized_odds", groups)
        expected = fairlearn.equalized_odds_difference(truth, decided, sensitive_features=group)
        assert found.value[0] == pytest.approx(expected, abs=1e-12)


def test_a_ratio_to_nothing_is_nothing_as_in_fairlearn():
    groups = table({"a": {"tp": 5, "fn": 5, "fp": 5, "tn": 5}, "b": {"tp": 0, "fn": 10, "fp": 5, "tn": 5}})
    assert between("equalized_odds", groups, "ratio").value[0] == 0


def test_odds_without_negatives_are_undefined():
    groups = table({"a": {"tp": 5, "fn": 5}, "b": {"tp": 5, "fn": 5, "fp": 5, "tn": 5}})
    for name, compare in [
        ("equalized_odds", "difference"),
        ("equalized_odds", "ratio"),
        ("average_odds", "difference"),
    ]:
        assert np.isnan(between(name, groups, compare).value[0])


@pytest.mark.parametrize(
    "shares", [(0.6, 0.6, 0.3, 0.3), (0.6, 0.4, 0.3, 0.3), (0.6, 0.4, 0.3, 0.1)], ids=["none", "one", "both"]
)
def test_odds_limits_cover_the_truth(shares):
    tpr, tpr_b, fpr, fpr_b = shares
    rng = np.random.default_rng(2)
    rows = []
    for p, q in ((tpr, fpr), (tpr_b, fpr_b)):
        tp, fp = rng.binomial(100, p, 2000), rng.binomial(100, q, 2000)
        rows.append({"tp": tp, "fn": 100 - tp, "fp": fp, "tn": 100 - fp})
    groups = Table(
        [str(place) for place in range(4000)],
        {atom: np.concatenate([row[atom] for row in rows]) for atom in rows[0]},
    )
    a, b = np.arange(2000), np.arange(2000, 4000)
    gaps = [tpr - tpr_b, fpr - fpr_b]
    truths = {"equalized_odds": max(map(abs, gaps)), "average_odds": sum(gaps) / 2}
    truths["average_absolute_odds"] = sum(map(abs, gaps)) / 2
    for name, truth in truths.items():
        found = pairs.PAIRS[name, "difference"].between(groups, a, b)
        covered = np.mean((found.low <= truth + 1e-12) & (truth - 1e-12 <= found.high))
        assert covered > 0.93, name


def test_class_imbalance_is_clarifys():
    found = between("class_imbalance", CLARIFY)
    assert found.value[0] == pytest.approx(-1 / 6)
    assert -1 <= found.low[0] < found.value[0] < found.high[0] <= 1


GERMAN = {
    "foreign": (
        labelled(COUNTS["german"]["foreign_worker by housing by risk"], "good", lambda parts: parts[0]),
        "A201",
    ),
    "older": (
        labelled(COUNTS["german"]["age over 40 by housing by risk"], "good", lambda parts: parts[0]),
        "over 40",
    ),
}


def against_the_rest(name: str, groups: Table, facet: str) -> float:
    place = groups.groups.index(facet)
    composite = pairs.find(name, "difference")
    assert composite is not None
    return float(composite.between(groups, np.array([place]), np.array([1 - place])).value[0])


def test_smclarify_on_german_credit():
    figures = FIGURES["german"]["smclarify_foreign_worker_A201"]
    ours = {"class_imbalance": "CI", "label_lp": "LP", "label_tvd": "TVD", "label_kl": "KL", "label_js": "JS"}
    for name, theirs in {**ours, "label_ks": "KS"}.items():
        assert against_the_rest(name, *GERMAN["foreign"]) == pytest.approx(figures[theirs], abs=1e-12), name
    older = FIGURES["german"]["smclarify_age_over_40"]
    assert against_the_rest("class_imbalance", *GERMAN["older"]) == pytest.approx(older["CI"], abs=1e-12)


@given(st.integers(0, 50), st.integers(0, 50))
def test_divergences_are_scipys(k, m):
    groups = table({"a": {"up": k, "un": 50 - k}, "b": {"up": m, "un": 50 - m}})
    p, q = np.array([m, 50 - m]) / 50, np.array([k, 50 - k]) / 50
    kl = stats.entropy(p, q)
    expected = {"js": distance.jensenshannon(p, q) ** 2, "tvd": np.abs(p - q).sum() / 2}
    expected |= {"lp": np.linalg.norm(p - q), "ks": abs(p[0] - q[0]), "kl": kl}
    for name, value in expected.items():
        found = between(f"decision_{name}", groups)
        if math.isinf(value):
            assert np.isnan(found.value[0])
        else:
            assert found.value[0] == pytest.approx(value, abs=1e-12), name
            assert found.low[0] - 1e-12 <= value <= found.high[0] + 1e-12, name


@pytest.mark.parametrize("name", pairs.DIVERGENCES)
@pytest.mark.parametrize(("p", "q"), [(0.3, 0.3), (0.3, 0.45), (0.2, 0.6)])
def test_divergences_limits_cover_the_truth(name, p, q):
    k = np.arange(41)
    positives = np.concatenate([k, k])
    groups = Table([str(place) for place in range(82)], {"up": positives, "un": 40 - positives})
    a, b = (part.ravel() for part in np.meshgrid(k, k + 41, indexing="ij"))
    found = pairs.PAIRS[f"decision_{name}", "difference"].between(groups, a, b)
    weight = np.outer(stats.binom.pmf(k, 40, q), stats.binom.pmf(k, 40, p)).ravel()
    truth = pairs.DIVERGENCES[name](np.array(p), np.array(q))
    assert weight[(found.low <= truth + 1e-12) & (truth - 1e-12 <= found.high)].sum() > 0.94


def spread(one, other) -> Table:
    return Table(["a", "b"], {}, {"value": [histogram.numeric(one), histogram.numeric(other)]})


def test_standardized_mean_difference():
    one, other = np.array([1, 2, 3, 4, 5]), np.array([3, 5, 7, 9])
    found = between("value.smd", spread(one, other))
    pooled = math.sqrt((4 * one.var(ddof=1) + 3 * other.var(ddof=1)) / 7)
    assert found.value[0] == pytest.approx((3 - 6) / pooled)
    assert found.low[0] < found.value[0] < found.high[0]


def test_standardized_mean_difference_of_constants_is_undefined():
    assert np.isnan(between("value.smd", spread([1, 1], [2, 2])).value[0])
    assert np.isnan(between("value.smd", spread([1, 2], [])).value[0])


def test_distances_are_the_drift_measures_between_groups():
    one, other = np.arange(60), np.arange(60) // 2
    for name in ("ks", "jensen_shannon", "psi"):
        measure = drift.measures()[name]
        spreads = histogram.numeric(other), histogram.numeric(one)
        found = between(f"value.{name}", spread(one, other))
        assert found.value[0] == measure.distance(*spreads)
        assert (found.low[0], found.high[0]) == measure.interval(*spreads)
    assert between("value.ks", spread(one, other)).value[0] == pytest.approx(
        stats.ks_2samp(one, other).statistic
    )


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=8), st.lists(st.integers(0, 60), min_size=1, max_size=8)
)
def test_quantile_drift_compares_tenths(one, other):
    def tenths(values):
        # Each value ten times over, so that tenths hold whole values.
        return np.sort(np.repeat(values, 10)).reshape(10, -1).mean(axis=1)

    found = between("value.qdd", spread(one, other))
    assert found.value[0] == pytest.approx(np.abs(tenths(one) - tenths(other)).max(), abs=1e-9)
    assert np.isnan(found.low[0])


def test_an_unknown_composite_is_none():
    assert pairs.find("no_such_thing", "difference") is None
    assert pairs.find("value.linf", "difference") is None
    assert pairs.find("average_odds", "ratio") is None
