"""Readings as tables."""

import sys
from collections.abc import Callable

import pytest

from monitor import notebook
from monitor.config import Model, Rule
from monitor.events import Decision, Feedback
from monitor.monitor import Monitor
from monitor.notebook import Columns
from monitor.readings import Comparison, Drift, Reading, Verdict


@pytest.fixture(scope="module")
def reading() -> Reading:
    rules = [Rule(metric="selection_rate", min=-0.1, max=0.1), Rule(metric="psi", stream="score", max=0.2)]
    model = Model(positive=["yes"], attributes=["sex"], windows=["all"], reference={"sex": "M"}, rules=rules)
    monitor = Monitor("loans", model)
    monitor.observe(
        [
            Decision(
                id=str(i),
                model="loans",
                time=float(i),
                decision="yes" if i % 4 else "no",
                score=i / 200,
                attributes={"sex": "F" if i % 4 < 2 else "M"},
            )
            for i in range(200)
        ]
    )
    monitor.learn([Feedback(decision_id="1", time=1.0, outcome=True)])
    [found] = monitor.advance(1000)
    return found


def test_groups_have_their_rates_in_a_row(reading: Reading) -> None:
    found = notebook.groups(reading, "sex")
    assert (found["group"], found["n"], found["coverage"]) == (["F", "M"], [100, 100], [0.01, 0.0])
    assert found["selection_rate"] == [0.5, 1.0]
    assert found["true_positive_rate"] == [1.0, None]


def test_rates_have_their_intervals(reading: Reading) -> None:
    found = notebook.rates(reading, "sex")
    row = list(zip(found["group"], found["metric"], strict=True)).index(("F", "selection_rate"))
    rate = reading.attributes["sex"].groups["F"].rates["selection_rate"]
    assert {name: column[row] for name, column in found.items()} == {
        "group": "F",
        "metric": "selection_rate",
        "value": 0.5,
        "low": rate.low,
        "high": rate.high,
        "n": 100,
        "rough": False,
    }


def test_comparisons_and_composites_are_rows_with_all_fields(reading: Reading) -> None:
    found = notebook.comparisons(reading)
    assert tuple(found) == Comparison.__struct_fields__
    row = next(i for i, rule in enumerate(found["rule"]) if rule is not None)
    assert (found["group"][row], found["value"][row], found["n"][row]) == ("F", -0.5, 100)
    assert isinstance(found["verdict"][row], Verdict)
    assert "equalized_odds" in found["metric"]


def test_drift(reading: Reading) -> None:
    found = notebook.drift(reading)
    assert tuple(found) == Drift.__struct_fields__
    assert ("psi", "score") in zip(found["measure"], found["stream"], strict=True)


TABLES: list[Callable[[Reading], Columns]] = [
    lambda reading: notebook.groups(reading, "sex"),
    lambda reading: notebook.rates(reading, "sex"),
    notebook.comparisons,
    notebook.drift,
]


@pytest.mark.parametrize("table", TABLES)
def test_each_makes_a_frame(table: Callable[[Reading], Columns], reading: Reading) -> None:
    pandas = pytest.importorskip("pandas")
    columns = table(reading)
    made = notebook.frame(columns)
    assert isinstance(made, pandas.DataFrame)
    assert list(made.columns) == list(columns)
    assert {len(column) for column in columns.values()} == {len(made)}


def test_a_frame_by_group(reading: Reading) -> None:
    pytest.importorskip("pandas")
    made = notebook.frame(notebook.groups(reading, "sex"), index="group")
    assert made.loc["M", "selection_rate"] == 1.0
    assert made["true_positive_rate"].isna().tolist() == [False, True]


def test_an_empty_table_keeps_its_columns() -> None:
    [empty] = Monitor("loans", Model(positive=["yes"], attributes=["sex"], windows=["all"])).advance(0)
    assert notebook.groups(empty, "sex") == {"group": [], "n": [], "coverage": []}
    assert notebook.rates(empty, "sex")["value"] == []
    with pytest.raises(KeyError, match="race"):
        notebook.groups(empty, "race")


def test_without_pandas_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^pandas: not installed; allowed: pip install pandas$"):
        notebook.frame({"n": [1]})
