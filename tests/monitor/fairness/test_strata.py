import itertools

import numpy as np
import pytest

from monitor.fairness import strata
from monitor.panes import histogram
from monitor.panes.table import Table
from tests.monitor.fairness.published import COUNTS, FIGURES, labelled
from tests.monitor.tables import table


def by_housing(cells: str) -> list[Table]:
    rows = sorted(COUNTS["german"][cells], key=lambda row: row[1])
    return [
        labelled(list(part), "good", lambda parts: parts[0])
        for _, part in itertools.groupby(rows, lambda row: row[1])
    ]


def test_smclarify_on_german_credit_by_housing():
    tables = by_housing("age over 40 by housing by risk")
    found = strata.demographic_disparity(["over 40", "up to 40"], tables, strata.LABELLED)
    expected = FIGURES["german"]["smclarify_age_over_40"]["CDDL_by_housing"]
    assert found.value.tolist() == pytest.approx([expected, -expected], abs=1e-9)
    tables = by_housing("foreign_worker by housing by risk")
    found = strata.demographic_disparity(["A201"], tables, strata.LABELLED)
    expected = FIGURES["german"]["smclarify_foreign_worker_A201"]["CDDL_by_housing"]
    assert found.value[0] == pytest.approx(expected, abs=1e-9)


# Berkeley's two departments in small: women apply where few get in.
EASY = table({"women": {"up": 80, "un": 20}, "men": {"up": 640, "un": 160}})
HARD = table({"women": {"up": 160, "un": 640}, "men": {"up": 20, "un": 80}})
SUM = table({"women": {"up": 240, "un": 660}, "men": {"up": 660, "un": 240}})


def test_simpsons_paradox_vanishes_within_strata():
    groups = ["women", "men"]
    assert strata.demographic_disparity(groups, [SUM]).value[0] == pytest.approx(660 / 900 - 240 / 900)
    assert strata.demographic_disparity(groups, [EASY, HARD]).value[0] == pytest.approx(0, abs=1e-12)
    found = strata.conditional_difference("selection_rate", groups, [EASY, HARD], (0, 1))
    assert float(found.value) == pytest.approx(0, abs=1e-12)
    assert float(found.low) < 0 < float(found.high)


def test_a_stratum_where_nobody_was_accepted_says_nothing():
    none = table({"women": {"un": 50}, "men": {"un": 5}})
    alone = strata.demographic_disparity(["women"], [SUM])
    assert strata.demographic_disparity(["women"], [SUM, none]).value[0] == alone.value[0]
    assert np.isnan(strata.demographic_disparity(["women"], [none]).value[0])
    assert np.isnan(strata.demographic_disparity(["women"], []).value[0])


def test_conditional_difference_has_cochrans_weights():
    one = table({"a": {"up": 30, "un": 10}, "b": {"up": 20, "un": 40}})
    other = table({"b": {"up": 10, "un": 10}, "a": {"up": 12, "un": 8}})
    lacking = table({"a": {"up": 5}})
    found = strata.conditional_difference("selection_rate", ["a", "b"], [one, other, lacking], (0, 1))
    weights = [40 * 60 / 100, 20 * 20 / 40]
    gaps = [30 / 40 - 20 / 60, 12 / 20 - 10 / 20]
    assert float(found.value) == pytest.approx(np.average(gaps, weights=weights))
    assert float(found.low) < float(found.value) < float(found.high)
    assert int(found.n) == 40 + 20


def test_without_a_stratum_that_has_both_it_is_undefined():
    found = strata.conditional_difference("selection_rate", ["a", "b"], [table({"a": {"up": 5}})], (0, 1))
    assert np.isnan(found.value)


def test_aligned_orders_and_fills():
    spread = {"value": [histogram.numeric([1]), histogram.numeric([2])]}
    found = strata.aligned(["b", "c", "a"], Table(["a", "b"], {"up": np.array([1, 2])}, spread))
    assert found.counts["up"].tolist() == [2, 0, 1]
    assert [one.total for one in found.histograms["value"]] == [1, 0, 1]
