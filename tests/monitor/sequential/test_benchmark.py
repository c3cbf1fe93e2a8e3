"""``python -m benchmarks.stats``: that it runs, prints and writes; not what it measures."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.sequential.bars import Bar, judged
from benchmarks.sequential.plot import svg, years
from benchmarks.sequential.tables import Table
from benchmarks.stats import main


def test_tables_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--runs", "4", "--only", "many", "means", "--docs", str(tmp_path)])
    printed, written = capsys.readouterr().out, (tmp_path / "statistics-measured.md").read_text()
    for text in ("e-BH on current E (Fairlead)", "betting on sums (Fairlead)"):
        assert text in printed
        assert f"| {text} |" in written
    assert "e-BH on current E (Fairlead): power" in printed


def test_tables_that_are_not_measured_anew_stay(tmp_path: Path) -> None:
    document = tmp_path / "statistics-measured.md"
    for only, seed in (("many", "1"), ("means", "1")):
        main(["--runs", "4", "--seed", seed, "--only", only, "--docs", str(tmp_path)])
    both = document.read_text()
    main(["--runs", "4", "--only", "many", "means", "--docs", str(tmp_path)])
    assert document.read_text() == both
    main(["--runs", "4", "--seed", "2", "--only", "means", "--docs", str(tmp_path)])
    assert "50 hypotheses" in both
    assert "50 hypotheses" not in document.read_text()  # it was of another seed


def test_a_bar_holds_up_to_its_limit() -> None:
    ours = "RIPr grid (Fairlead)"
    costs = {"µs to close 50 cells": 300.0, "ns an event": 251.0, "bytes of state a cell": 154.0}
    table = Table("cost", {(ours, column): figure for column, figure in costs.items()})
    assert [(bar.column, holds) for bar, _, holds in judged({"speed": table})] == [
        ("µs to close 50 cells", True),
        ("ns an event", False),
        ("bytes of state a cell", True),
    ]
    assert isinstance(judged({"speed": table})[0][0], Bar)


def test_the_plot_is_an_image_with_every_method() -> None:
    values = {("A & B", "false alarms 50%"): 0.2, ("A & B", "gap 0.1 50%"): 900.0}
    values |= {("C", "false alarms 50%"): 0.01, ("C", "gap 0.1 50%"): float("inf")}
    image = ElementTree.fromstring(svg(Table("Title", values), ["gap 0.1 50%"]))
    texts = [text.text for text in image.iter("{http://www.w3.org/2000/svg}text")]
    assert {"A & B", "C", "900  (20.0% false)", "not within 100,000  (1.0% false)"} <= set(texts)


def test_the_plot_of_years_shows_every_rule_beside_the_budget() -> None:
    values = {("Fairlead", "a year"): 0.03, ("Fairlead", "95 % from"): 0.011, ("Fairlead", "to"): 0.065}
    values |= {("a z-test", "a year"): 84.0, ("a z-test", "95 % from"): 80.4, ("a z-test", "to"): 87.7}
    image = ElementTree.fromstring(years(Table("Title", values)))
    spaced = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in image.iter(spaced + "text")]
    assert {"0.03 (95 %: 0.01 to 0.07)", "84 (95 %: 80 to 88)"} <= set(texts)
    budget, bars = float(image.find(spaced + "line").get("x1")), list(image.iter(spaced + "rect"))[1:]
    ends = [float(bar.get("x")) + float(bar.get("width")) for bar in bars]
    assert ends[0] < budget < ends[1]
