"""What `fairlead measure` hands to people: the report, the impact ratios."""

import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from monitor.fairness.impact import Impacts
from streams import cli
from streams.commands import options, paper
from streams.commands.measure import FOREVER, Measured, Measurement
from streams.commands.options import Source
from streams.files import reader

CONFIG = """
[models.hiring]
positive = ["hired"]
attributes = ["sex", "race", ["sex", "race"]]
windows = ["all"]
feedback_within = "30d"
[models.hiring.columns]
score = "score"
outcome = "stayed"
outcome_time = "known"
"""
CELLS = {  # (sex, race): people, hired
    ("F", "A"): (60, 30),
    ("F", "B"): (60, 20),
    ("M", "A"): (60, 40),
    ("M", "B"): (60, 30),
    ("", "A"): (20, 5),
    ("F", "C"): (3, 3),
}


def applicants(folder: Path) -> Path:
    """One applicant a row; who is hired scores above who is not. A third is heard of after 40 days."""
    rows = ["id,time,decision,score,sex,race,stayed,known"]
    for (sex, race), (n, hired) in CELLS.items():
        for i in range(n):
            chosen = i < hired
            known = "2026-02-10" if i % 3 == 0 else "2026-01-20"
            row = (
                f"{sex}{race}{i}",
                "2026-01-01",
                "hired" if chosen else "no",
                9 if chosen else 1,
                sex,
                race,
            )
            rows.append(",".join(map(str, (*row, "true", known))))
    (folder / "hiring.toml").write_text(CONFIG)
    (folder / "hiring.csv").write_text("\n".join(rows) + "\n")
    return folder / "hiring.csv"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return applicants(tmp_path)


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def measured_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    run("measure", *arguments, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def source_and_measured(path: Path) -> tuple[Source, Measured]:
    parser = cli.parser()
    source = options.source(parser.parse_args(["measure", str(path)]))
    measurement = Measurement(source.config, source.name)
    for chunk in reader.read(path, source.name, source.columns, FOREVER):
        measurement.take(chunk)
    return source, measurement.result()


def ratios(found: dict[str, Any], attribute: str, kind: str = "selection") -> dict[str, float | None]:
    return {row["name"]: row["impact_ratio"] for row in found["impact"][attribute][kind]["categories"]}


def test_impact_ratios_of_every_attribute(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = measured_json(capsys, path, "--impact")
    assert list(found["impact"]) == ["sex", "race", "sex & race"]
    sex = found["impact"]["sex"]["selection"]
    assert (sex["highest"], sex["unknown"]) == ("M", 20)
    assert ratios(found, "sex") == pytest.approx({"F": (53 / 123) / (70 / 120), "M": 1.0})
    both = found["impact"]["sex & race"]["selection"]
    assert (both["highest"], both["unknown"]) == ("F & C", 20)
    assert "impact" not in measured_json(capsys, path)


def test_small_categories_may_be_left_out(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = measured_json(capsys, path, "--impact", "--exclude-small")
    assert ratios(found, "sex & race") == pytest.approx(
        {"F & A": 0.75, "F & B": 0.5, "F & C": None, "M & A": 1.0, "M & B": 0.75}
    )
    left = next(row for row in found["impact"]["sex & race"]["selection"]["categories"] if row["small"])
    assert (left["name"], left["n"], left["rate"]) == ("F & C", 3, 1.0)


def test_scoring_rates_are_of_everybody_s_median(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = measured_json(capsys, path, "--impact")["impact"]["sex"]["scoring"]
    assert found["median"] == 9.0  # 123 of the 243 known are hired
    assert [row["selected"] for row in found["categories"]] == [0, 0]


def test_an_intersection_without_a_configuration(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.with_suffix(".toml").unlink()
    found = measured_json(capsys, path, "--positive", "hired", "--attribute", "sex & race", "--impact")
    assert list(found["impact"]) == ["sex", "race", "sex & race"]
    assert found["impact"]["sex"]["scoring"] is None


def test_the_tables_of_impact_ratios(path: Path) -> None:
    source, measured = source_and_measured(path)
    text = printed(paper.impacts(measured, source, False), favourable=True)
    assert "impact ratios of sex, by selection rate" in text
    assert re.search(r"F +123 +53 +43\.1 +0\.739 +0\.\d+ to 0\.\d+ +0\.\d+ +-2\.\d+", text)
    assert re.search(r"M \(highest\) +120 +70 +58\.3 +1\.000", text)
    assert "20 of unknown category, left out" in text
    assert "the share that scores above the median, 9" in text
    assert "selected are those with another decision" not in text
    assert "selected are those with another decision" in printed({}, favourable=False)


def printed(found: dict[str, Impacts], favourable: bool) -> str:
    out = io.StringIO()
    paper.show(Console(file=out, width=120), found, favourable)
    return out.getvalue()


def report(path: Path, *more: str) -> str:
    out = path.with_suffix(".html")
    assert run("measure", path, "--html", out, *more) == 0
    return html.unescape(out.read_text())


def test_a_public_report_holds_no_small_group(path: Path) -> None:
    found = report(path, "--impact")
    assert "Impact ratios" in found
    assert "F & A" in found
    assert not re.search(r">C<|F & C", found)
    assert "Not for publication" not in found


def test_an_internal_report_holds_all(path: Path) -> None:
    found = report(path, "--internal", "--impact")
    assert re.search(r"F & C", found)
    assert "Not for publication" in found


def test_what_is_published_of_impact_follows_from_the_groups_that_are_shown(path: Path) -> None:
    source, measured = source_and_measured(path)
    public = paper.for_everybody(measured, source.model.min_group)
    (reading,) = public.readings
    for name, found in paper.impacts(public, source, False).items():
        shown = reading.attributes[name].groups
        assert {row.name for row in found.selection.categories} <= set(shown)
        assert found.selection.unknown == sum(g.n for group, g in shown.items() if "unknown" in group)


def test_a_report_that_cannot_be_written(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("measure", path, "--html", path.parent / "nowhere" / "x.html") == 2
    assert "--html" in capsys.readouterr().err


def test_late_feedback_counts_and_is_counted(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = measured_json(capsys, path)
    late = sum((n + 2) // 3 for n, _ in CELLS.values())
    assert (found["overdue"], found["feedback"], found["decisions"]) == (late, 263, 263)
    run("measure", path)
    said = " ".join(capsys.readouterr().out.split())
    assert f"{late} feedback events came later than 30d after their decision" in said
    assert f"{late} events came later than 30d" in report(path)
    path.with_suffix(".toml").write_text(CONFIG.replace("30d", "90d"))
    assert measured_json(capsys, path)["overdue"] == 0
    run("measure", path)
    assert "came later" not in capsys.readouterr().out
