"""Every measure and detector is in the documentation, with the streams that it fits."""

from pathlib import Path

import pytest

from monitor import drift
from monitor.drift import detectors
from monitor.drift._reading import DEFAULTS

PAGE = (Path(__file__).parents[3] / "docs" / "drift.md").read_text()
ROWS = {
    cells[0].strip("` "): [cell.strip() for cell in cells[1:]]
    for cells in (line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| `"))
}


@pytest.mark.parametrize("name", [*drift.measures(), *detectors.names()])
def test_each_has_a_row(name: str) -> None:
    assert name in ROWS


@pytest.mark.parametrize("name", [name for name in drift.measures() if len(ROWS[name]) == 5])
def test_the_table_of_distances_says_which_streams_they_fit(name: str) -> None:
    numbers, categories = ROWS[name][:2]

    assert ("numeric" in drift.measures()[name].kinds) == (numbers == "✓")
    assert ("categorical" in drift.measures()[name].kinds) == (categories == "✓")


def test_the_defaults_are_those_of_the_page() -> None:
    assert [(rule.metric, rule.max) for rule in DEFAULTS] == [("psi", 0.2), ("ks", None)]
    assert "the default of .2" in PAGE
