"""`fairlead plan`: from a configuration, past decisions or a baseline to what people and programs read."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from monitor.config import ConfigError
from streams import cli, settings
from streams.commands import plan
from streams.commands.plan import Assumption

CONFIG = """
[models.loans]
positive = ["yes"]
attributes = ["sex", "age"]
windows = ["all"]
[models.loans.columns]
id = "id"
[[models.loans.rules]]
metric = "selection_rate"
compare = "ratio"
min = 0.8
name = "four fifths"
"""
ROWS = [
    f"{sex}{i},2026-01-{1 + i % 10:02},{'yes' if i % 2 else 'no'},{sex},old\n"
    for sex, n in (("F", 50), ("M", 150))
    for i in range(n)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fairlead.toml").write_text(CONFIG)
    (tmp_path / "loans.csv").write_text("id,time,decision,sex,age\n" + "".join(ROWS))
    return tmp_path


def run(folder: Path, *arguments: object) -> int:
    words = ["plan", *map(str, arguments), "-c", str(folder / "fairlead.toml"), "--runs", "10"]
    return cli.main(words)


def test_without_anything_known_it_assumes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--json", "--per-day", "500", "--share", "0.2", "--rate", "0.3") == 0
    found = json.loads(capsys.readouterr().out)
    model = found["models"]["loans"]
    assert (model["per_day"], model["assumed"], found["runs"]) == (500, True, 10)
    assert [(each["attribute"], each["share"], each["reference_rate"]) for each in model["tests"]] == [
        ("sex", 0.2, 0.3),
        ("age", 0.2, 0.3),
    ]


@pytest.mark.parametrize("name", ["loans.csv", "baseline.json"])
def test_past_decisions_or_a_baseline(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    csv = folder / "loans.csv"
    config = folder / "fairlead.toml"
    assert cli.main(["baseline", str(csv), "-c", str(config), "-o", str(folder / "baseline.json")]) == 0
    assert run(folder, folder / name, "--json") == 0
    model = json.loads(capsys.readouterr().out)["models"]["loans"]
    assert (model["per_day"], model["assumed"]) == (20, False)
    (found,) = model["tests"]  # all are old: there is nobody to hold them against
    assert (found["group"], found["reference"], found["share"]) == ("F", "M", 0.25)
    assert found["reference_rate"] == 0.5


def test_for_people_tests_that_are_alike_are_shown_once(folder: Path) -> None:
    config = settings.load(folder / "fairlead.toml")
    people = plan.expected(config, Assumption(), {})
    out = io.StringIO()
    plan.show(
        Console(file=out, width=120), plan.document(config, people, runs=10, seed=1, tick=lambda _: None)
    )
    text = out.getvalue()
    assert text.count("a group against the others: 10.0% of both, 50.0% there") == 1
    for words in (
        "loans: 1,000 decisions a day",
        "four fifths, by sex, age",
        "0.56",
        "Found in four of five",
    ):
        assert words in text


def test_nothing_to_test_is_said(folder: Path) -> None:
    path = folder / "fairlead.toml"
    path.write_text(path.read_text().partition("[[")[0])
    config = settings.load(path)
    people, out = plan.expected(config, Assumption(), {}), io.StringIO()
    plan.show(Console(file=out), plan.document(config, people, runs=10, seed=1, tick=lambda _: None))
    assert "Nothing is tested" in out.getvalue()


def test_of_means_it_is_said_that_they_are_not_simulated(folder: Path) -> None:
    path = folder / "fairlead.toml"
    path.write_text(
        path.read_text().partition("[[")[0].replace("windows", "bounds = { score = [0, 1] }\nwindows")
        + '[[models.loans.rules]]\nmetric = "mean_score"\nmax = 0.1\nname = "scores"\n'
    )
    config = settings.load(path)
    people, out = plan.expected(config, Assumption(), {}), io.StringIO()
    found = plan.document(config, people, runs=10, seed=1, tick=lambda _: None)
    assert (found["models"]["loans"]["tests"], found["models"]["loans"]["not_simulated"]) == ([], ["scores"])
    plan.show(Console(file=out, width=120), found)
    assert "scores: tests of means are not simulated" in out.getvalue()
    assert "Nothing is tested" not in out.getvalue()


@pytest.mark.parametrize(
    ("assumption", "says"),
    [
        (Assumption(per_day=0), "--per-day: 0 is not allowed; allowed: a positive number"),
        (Assumption(share=1), "--share: 1 is not allowed; allowed: a number between 0 and 1"),
        (Assumption(rate=-1), "--rate: -1 is not allowed; allowed: a number between 0 and 1"),
        (Assumption(runs=0), "--runs: 0 is not allowed; allowed: 1 or more"),
    ],
)
def test_assumptions_that_cannot_be(assumption: Assumption, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan.check(assumption)
    assert str(caught.value) == says


def test_a_baseline_that_is_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other.json").write_text("{}")
    assert run(folder, folder / "other.json") == 2
    assert capsys.readouterr().err.startswith("fairlead: FILE: '")
