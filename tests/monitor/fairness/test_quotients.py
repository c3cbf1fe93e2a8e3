import numpy as np
import pytest

from monitor.fairness import quotients
from tests.monitor.tables import table

COUNTS = {"tp": 40, "fp": 20, "fn": 30, "tn": 60}


def test_treatment_equality_is_the_odds_of_a_missed_positive():
    found = quotients.treatment_equality(table({"a": COUNTS}))
    assert found.value[0] == pytest.approx(30 / 20)
    assert found.low[0] < found.value[0] < found.high[0]
    assert found.n[0] == 50


def test_treatment_equality_without_false_positives_is_undefined():
    found = quotients.treatment_equality(table({"a": {"fn": 3}, "b": {}}))
    assert np.isnan(found.value).all()
    assert np.isnan(found.low).all()


def test_conditional_acceptance_and_rejection_are_clarifys():
    groups = table({"a": COUNTS})
    assert quotients.conditional_acceptance(groups).value[0] == pytest.approx(70 / 60)
    assert quotients.conditional_rejection(groups).value[0] == pytest.approx(80 / 90)


def test_conditional_acceptance_covers_the_truth():
    rng = np.random.default_rng(5)
    shares = np.array([0.3, 0.15, 0.2, 0.35])
    counts = rng.multinomial(300, shares, size=4000)
    groups = table({str(i): dict(zip(COUNTS, row, strict=True)) for i, row in enumerate(counts.tolist())})
    found = quotients.conditional_acceptance(groups)
    truth = (0.3 + 0.2) / (0.3 + 0.15)
    covered = np.mean((found.low <= truth) & (truth <= found.high))
    assert 0.94 < covered < 0.96


def test_perfect_agreement_has_no_width_and_nothing_is_undefined():
    found = quotients.conditional_acceptance(table({"a": {"tp": 9}, "b": {"fn": 9}, "c": {"fp": 9}}))
    assert (found.value[0], found.low[0], found.high[0]) == (1, 1, 1)
    assert np.isnan(found.value[1])
    assert found.value[2] == 0


def test_balanced_accuracy_is_the_mean_of_two_rates():
    found = quotients.balanced_accuracy(table({"a": COUNTS}))
    assert found.value[0] == pytest.approx((40 / 70 + 60 / 80) / 2)
    assert found.n[0] == 70
    assert found.low[0] < found.value[0] < found.high[0]
