"""What only AIF360 or Clarify define, against their formulas written out again, on random counts.

Clarify: Das et al. 2021, "Fairness measures for machine learning in finance", sections 3.1 and 3.2: labels y
and predictions ŷ of facet a (the reference) and d (the group). AIF360: Bellamy et al. 2018.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import rates
from monitor.config import Model, Rule
from monitor.fairness import composites, read, strata
from monitor.panes.table import Table
from tests.monitor.tables import table

Counts = dict[str, int]
CONFUSION = st.fixed_dictionaries({atom: st.integers(1, 60) for atom in ("tp", "fp", "fn", "tn")})


def clarify(a: Counts, d: Counts) -> dict[str, float]:
    """By the name that people know the metric by; a difference is turned to group minus reference."""
    y, no_y = (lambda c: c["tp"] + c["fn"]), (lambda c: c["fp"] + c["tn"])
    hat, no_hat = (lambda c: c["tp"] + c["fp"]), (lambda c: c["fn"] + c["tn"])
    n = lambda c: sum(c.values())  # noqa: E731
    q_a, q_d = y(a) / n(a), y(d) / n(d)
    kl = lambda p, q: p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))  # noqa: E731
    middle = (q_a + q_d) / 2
    return {
        "ci": (n(a) - n(d)) / (n(a) + n(d)),
        "dpl": -(q_a - q_d),
        "label_kl": kl(q_a, q_d),
        "label_js": (kl(q_a, middle) + kl(q_d, middle)) / 2,
        "label_lp": math.hypot(q_a - q_d, (1 - q_a) - (1 - q_d)),
        "label_tvd": (abs(q_a - q_d) + abs(q_d - q_a)) / 2,
        "label_ks": max(abs(q_a - q_d), abs((1 - q_a) - (1 - q_d))),
        "dppl": -(hat(a) / n(a) - hat(d) / n(d)),
        "dca": -(y(a) / hat(a) - y(d) / hat(d)),
        "dcr": no_y(d) / no_hat(d) - no_y(a) / no_hat(a),
        "dar": -(a["tp"] / hat(a) - d["tp"] / hat(d)),
        "drr": d["tn"] / no_hat(d) - a["tn"] / no_hat(a),
        "rd": -(a["tp"] / y(a) - d["tp"] / y(d)),
        "sd": d["tn"] / no_y(d) - a["tn"] / no_y(a),
        "ad": -((a["tp"] + a["tn"]) / n(a) - (d["tp"] + d["tn"]) / n(d)),
        "te": d["fn"] / d["fp"] - a["fn"] / a["fp"],
        "di": (hat(d) / n(d)) / (hat(a) / n(a)),
        "aod": ((d["fp"] / no_y(d) - a["fp"] / no_y(a)) + (d["tp"] / y(d) - a["tp"] / y(a))) / 2,
    }


@given(CONFUSION, CONFUSION)
def test_clarifys_and_aif360s_metrics_of_two_groups(a: Counts, d: Counts) -> None:
    groups, expected = table({"a": a, "d": d}), clarify(a, d)
    model = Model(
        positive=[True], reference={"x": "a"}, rules=[Rule(metric=name, max=9) for name in expected]
    )
    found = read(groups, attribute="x", model=model, window="all").comparisons
    found = [*found, *composites.read(groups, attribute="x", model=model, window="all")]
    ours = {(c.metric, c.compare): c.value for c in found if c.rule and c.group == "d"}
    for name, value in expected.items():
        assert ours[rates.resolve(name)] == pytest.approx(value, abs=1e-12), name


@given(st.lists(st.tuples(CONFUSION, CONFUSION), min_size=1, max_size=5))
def test_clarifys_conditional_demographic_disparity(parts: list[tuple[Counts, Counts]]) -> None:
    total, expected = 0, 0.0
    for a, d in parts:
        rejected, accepted = (
            sum(c[one] + c[two] for c in (a, d)) for one, two in (("fn", "tn"), ("tp", "fp"))
        )
        disparity = (d["fn"] + d["tn"]) / rejected - (d["tp"] + d["fp"]) / accepted
        total, expected = total + rejected + accepted, expected + (rejected + accepted) * disparity
    tables: list[Table] = [table({"a": a, "d": d}) for a, d in parts]
    found = strata.demographic_disparity(["a", "d"], tables)
    assert float(found.value[1]) == pytest.approx(expected / total, abs=1e-12)


@given(CONFUSION, CONFUSION, st.sampled_from(["generalized_entropy", "theil_index"]))
def test_aif360s_entropy_of_individuals(a: Counts, d: Counts, name: str) -> None:
    """b = ŷ − y + 1 for each person, one after the other."""
    each = {"tp": 1, "tn": 1, "fp": 2, "fn": 0}
    b = np.concatenate([np.full(n, each[atom], float) for c in (a, d) for atom, n in c.items()])
    relative = b / b.mean()
    theil = sum(x * math.log(x) for x in relative if x) / len(b)
    expected = theil if name == "theil_index" else float(np.mean(relative**2 - 1) / 2)
    model = Model(positive=[True], rules=[Rule(metric=name, compare="value", max=1)])
    found = composites.read(table({"a": a, "d": d}), attribute="x", model=model, window="all")
    assert [c.value for c in found if c.rule] == [pytest.approx(expected, abs=1e-12)]
