import math

import numpy as np
import pytest
from scipy import stats

from monitor.fairness import exposure
from tests.monitor.tables import table

SHOWN = {
    "a": {"decision.books": 50, "decision.films": 25, "decision.games": 25},
    "b": {"decision.books": 100},
    "c": {},
}


def test_entropy_is_scipys_in_bits():
    found = exposure.entropy(table(SHOWN))
    assert found.value[:2].tolist() == [pytest.approx(stats.entropy([50, 25, 25], base=2)), 0]
    assert math.isnan(found.value[2])
    assert found.n.tolist() == [100, 100, 0]


def test_entropys_interval_covers_the_truth():
    shares = [0.5, 0.2, 0.2, 0.1]
    rows = np.random.default_rng(1).multinomial(500, shares, size=3000)
    names = [f"decision.{name}" for name in "wxyz"]
    found = exposure.entropy(
        table({str(i): dict(zip(names, row, strict=True)) for i, row in enumerate(rows.tolist())})
    )
    truth = stats.entropy(shares, base=2)
    assert np.mean((found.low <= truth) & (truth <= found.high)) > 0.93


def test_top_share_is_of_the_class_shown_most():
    found = exposure.top_share(table(SHOWN))
    assert found.value[:2].tolist() == [0.5, 1]
    assert math.isnan(found.value[2])


def test_without_classes_nobody_has_exposure():
    found = exposure.top_share(table({"a": {"up": 5}}))
    assert math.isnan(found.value[0])
