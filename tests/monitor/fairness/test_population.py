import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fairness import population
from tests.monitor.fairness.published import CLARIFY, COUNTS, FIGURES, labelled
from tests.monitor.tables import table

COUNTS_OF = st.fixed_dictionaries({atom: st.integers(1, 40) for atom in ("tp", "fp", "fn", "tn")})


def individuals(counts: dict[str, int]) -> np.ndarray:
    """Each person's benefit: decision − outcome + 1 (Speicher et al. 2018)."""
    return np.repeat([0, 1, 2], [counts["fn"], counts["tp"] + counts["tn"], counts["fp"]]).astype(float)


@given(COUNTS_OF)
def test_entropies_are_of_individuals(counts):
    relative = individuals(counts) / individuals(counts).mean()
    groups = table({"a": counts})
    logs = np.log(np.where(relative > 0, relative, 1))
    found = {
        name: float(population.WHOLE[name](groups).value) for name in ("generalized_entropy", "theil_index")
    }
    assert found["generalized_entropy"] == pytest.approx(np.mean(relative**2 - 1) / 2)
    assert found["theil_index"] == pytest.approx(np.mean(relative * logs))


def test_entropy_is_clarifys():
    found = population.WHOLE["generalized_entropy"](CLARIFY)
    assert float(found.value) == pytest.approx(FIGURES["smclarify_unit_vectors"]["GE"], abs=5e-7)


@given(COUNTS_OF, COUNTS_OF)
def test_entropy_between_groups_gives_everyone_the_mean_of_their_group(one, other):
    groups = table({"a": one, "b": other})
    people = np.concatenate([np.full(x.size, x.mean()) for x in map(individuals, (one, other))])
    relative = people / people.mean()
    found = population.WHOLE["between_group_generalized_entropy"](groups)
    assert float(found.value) == pytest.approx(np.mean(relative**2 - 1) / 2, abs=1e-12)
    theil = population.WHOLE["between_group_theil_index"](groups)
    assert float(theil.value) == pytest.approx(np.mean(relative * np.log(relative)), abs=1e-12)


@pytest.mark.parametrize(("name", "alpha"), [("generalized_entropy", 2), ("theil_index", 1)])
def test_entropys_interval_covers_the_truth(name, alpha):
    shares = np.array([0.15, 0.7, 0.15])
    truth = population.entropy_index(population.BENEFITS, shares, alpha)
    rows = np.random.default_rng(4).multinomial(300, shares, size=1000).tolist()
    covered = 0
    for fn, tp, fp in rows:
        found = population.WHOLE[name](table({"a": {"fn": fn, "tp": tp, "fp": fp}}))
        covered += bool(found.low <= truth <= found.high)
    assert 0.93 < covered / 1000 < 0.97


def test_entropy_of_nobody_and_of_no_benefit_is_undefined():
    for counts in ({"tp": 0}, {"fn": 7}):
        assert math.isnan(population.WHOLE["theil_index"](table({"a": counts})).value)


@pytest.mark.parametrize(
    ("cells", "figure"),
    [
        ("white x United-States x sex by income", "white x United-States x male (three binary attributes)"),
        ("race x United-States x sex by income", "race (5 values) x United-States x male"),
    ],
)
def test_differential_fairness_is_aif360s_on_adult(cells, figure):
    groups = labelled(COUNTS["adult test rows"][cells], ">50K")
    found = population.WHOLE["label_differential_fairness"](groups)
    expected = FIGURES["adult"]["smoothed_empirical_differential_fairness"][figure]
    assert float(found.value) == pytest.approx(expected, abs=1e-9)


def test_differential_fairness_leaves_unknown_out_and_needs_two_groups():
    counts = {"a": {"up": 30, "un": 70}, "b": {"up": 50, "un": 50}}
    fair = population.WHOLE["differential_fairness"]
    assert float(fair(table(counts)).value) == float(fair(table({**counts, "unknown": {"up": 99}})).value)
    assert math.isnan(fair(table({"a": counts["a"]})).value)


def test_the_worst_group():
    groups = table(
        {"a": {"tp": 30, "fn": 10}, "b": {"tp": 20, "fn": 20}, "c": {"fn": 3}, "unknown": {"fn": 50}}
    )
    name, found = population.worst("min", "accuracy", groups) or ("", None)
    assert name == "b"
    assert float(found.value) == 0.5
    assert population.worst("max", "accuracy", groups)[0] == "a"
    assert population.worst("max", "false_positive_rate", groups) is None


def test_an_extreme_of_no_metric_is_none():
    assert population.extreme("group_min.nothing") is None
    assert population.extreme("group_max.score.mean") == ("max", "score.mean")
