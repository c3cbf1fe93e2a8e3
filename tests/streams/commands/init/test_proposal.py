"""`fairlead init`: what it writes passes `check` and `measure` at once."""

import csv
import json
import string
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import ConfigError, Preset
from monitor.config.presets import RULES
from streams import cli
from streams.commands import options
from streams.commands.init import proposal
from streams.commands.init.explained import GENERAL, explained
from streams.settings import build
from tests.streams.test_cli import complaint, run

DATA = Path(__file__).parents[3] / "data"
FILES = {
    "compas": options.BUNDLED.with_suffix(".csv"),
    "german": DATA / "german.csv",
    "adult": DATA / "adult.csv",
}
PRESETS = (None, *get_args(Preset))


def written(tmp_path: Path, *arguments: object) -> Path:
    path = tmp_path / "fairlead.toml"
    assert run("init", *arguments, "-o", path) == 0
    return path


def beginning(file: Path, folder: Path) -> Path:
    """A copy of its first thousand rows: each day of all of COMPAS would be tested, for every preset."""
    copy = folder / file.name
    copy.write_text("".join(file.read_text().splitlines(keepends=True)[:1001]))
    return copy


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", FILES)
def test_what_it_writes_passes_check_and_measure(
    name: str, preset: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = beginning(FILES[name], tmp_path)
    path = written(tmp_path, file, *(["--preset", preset] if preset else []))
    assert run("check", "-c", path) == 0
    capsys.readouterr()
    assert run("measure", file, "-c", path, "--json") in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["invalid"]) == (name, {})
    assert found["decisions"] == (1000 if name == "compas" else 100)
    assert all(len(attribute["groups"]) > 1 for attribute in found["attributes"].values())


def test_compas_is_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, FILES["compas"], "--preset", "credit")
    out = capsys.readouterr().out
    assert "decision    score_text: positive is High, Medium, bad for the person" in out
    assert "attributes  sex, race, age_cat" in out
    assert f"fairlead check -c {path}" in out
    run("measure", FILES["compas"], "-c", path, "--json")
    groups = json.loads(capsys.readouterr().out)["attributes"]["race"]["groups"]
    counts = groups["African-American"]["counts"]
    assert [counts[atom] for atom in ("tp", "fp", "tn", "fn")] == [1369, 805, 990, 532]


def test_a_rule_that_waits_for_data_says_for_what(tmp_path: Path) -> None:
    text = written(tmp_path, FILES["german"], "--preset", "hiring").read_text()
    rules = tomllib.loads(text)["models"]["german"]["rules"]
    assert [rule["metric"] for rule in rules] == ["selection_rate"]
    assert "# It waits for what no column holds: what a person decided in the end." in text
    assert "# It waits for what no column holds: what happened afterwards (the outcome)." in text
    assert '# metric = "final_selection_rate"' in text


def test_ages_without_protected_columns_and_times(tmp_path: Path) -> None:
    model = tomllib.loads(written(tmp_path, FILES["adult"], "--preset", "hiring").read_text())["models"][
        "adult"
    ]
    assert "age_band" in model["attributes"]
    assert model["columns"]["bands"] == {"age_band": [40]}
    assert (model["columns"]["id"], model["columns"]["time"]) == ("row", "#")
    assert model["windows"] == ["all"]


def test_stand_ins_and_ideas_where_nothing_is_protected(tmp_path: Path) -> None:
    file = tmp_path / "shop.csv"
    file.write_text("decision,postcode\n" + "yes,N1 9GU\nno,SW1A 1AA\n" * 20)
    text = written(tmp_path, file, "--preset", "recommendation").read_text()
    columns = tomllib.loads(text)["models"]["shop"]["columns"]
    assert columns["attributes"] == {"postcode_area": "postcode"}
    assert columns["prefixes"] == {"postcode_area": 2}
    assert "These can stand in" in text
    file.write_text("decision,x\n" + "yes,1\nno,2\n" * 20)
    (tmp_path / "fairlead.toml").unlink()
    text = written(tmp_path, file).read_text()
    assert tomllib.loads(text)["models"]["shop"]["attributes"] == []
    assert "#   language: " in text


def test_postcodes_and_rows_without_ids_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shop.csv"
    file.write_text("decision,postcode\n" + "yes,N1 9GU\nno,SW1A 1AA\n" * 20)
    path = written(tmp_path, file)
    capsys.readouterr()
    run("measure", file, "-c", path, "--json")
    groups = json.loads(capsys.readouterr().out)["attributes"]["postcode_area"]["groups"]
    assert {name: group["n"] for name, group in groups.items()} == {"N1": 20, "SW": 20}


def test_flags_and_ratings_are_what_the_rules_of_support_ask_for(tmp_path: Path) -> None:
    file = tmp_path / "chat.csv"
    rows = "1,2026-01-01,answered,yes,0,5,en\n2,2026-01-02,other,no,1,1,de\n"
    file.write_text("case,time,action,was_helpful,escalated,csat_score,language\n" + rows)
    model = tomllib.loads(written(tmp_path, file, "--preset", "support").read_text())["models"]["chat"]
    assert model["columns"]["flags"] == {"helpful": "was_helpful", "escalated": "escalated"}
    assert model["columns"]["values"] == {"csat": "csat_score"}
    metrics = [rule["metric"] for rule in model["rules"]]
    assert metrics == ["selection_rate", "flags.helpful", "flags.escalated", "values.csat.mean"]


def test_how_long_outcomes_take_is_read_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "loans.csv"
    rows = "1,2026-01-01,yes,1,2026-01-05\n2,2026-01-02,no,,\n3,2026-01-03,yes,0,2026-02-12\n"
    file.write_text("id,time,decision,repaid,repaid_date\n" + rows)
    model = tomllib.loads(written(tmp_path, file).read_text())["models"]["loans"]
    assert model["feedback_within"] == "50d"


@pytest.mark.parametrize("preset", get_args(Preset))
def test_without_a_file_it_is_for_events_to_come(preset: Preset, tmp_path: Path) -> None:
    path = written(tmp_path, "--preset", preset)
    model = tomllib.loads(path.read_text())["models"][preset]
    assert [rule["metric"] for rule in model["rules"]] == [rule.metric for rule in RULES[preset]]
    assert run("check", "-c", path) == 0


@pytest.mark.parametrize("preset", get_args(Preset))
def test_the_rules_written_are_the_presets(preset: Preset) -> None:
    text = proposal.draft(None, preset).text
    found = build(tomllib.loads(text), Path()).models[preset]
    assert found.rules == list(RULES[preset])


def test_every_rule_is_explained() -> None:
    for rule in (*GENERAL, *(rule for rules in RULES.values() for rule in rules)):
        assert explained(rule).endswith(".")


def test_what_is_there_is_not_written_over_but_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fairlead.toml"
    path.write_text("precious")
    said = complaint(capsys, "init", "--preset", "credit", "-o", path)
    assert said.startswith("fairlead: --output: ")
    assert said.endswith("allowed: a file that does not exist yet, or --force")
    assert path.read_text() == "precious"
    assert run("init", "--preset", "credit", "-o", path, "--force") == 0
    assert "[models.credit]" in path.read_text()


@pytest.mark.parametrize(
    ("content", "allowed"),
    [
        ("", "a file with a header"),
        ("a,b\n1,2\n", "a CSV with decisions: a column of 2 to 20 different values"),
        ("a,a\n1,2\n1,3\n", "a header that names each column once"),
    ],
)
def test_a_file_without_decisions_is_refused(
    content: str, allowed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.csv"
    file.write_text(content)
    assert complaint(capsys, "init", file, "-o", tmp_path / "new.toml").endswith(f"allowed: {allowed}")
    assert not (tmp_path / "new.toml").exists()


def test_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "FILE: None is not allowed; allowed: a CSV file, or --preset" in complaint(capsys, "init")
    assert "a CSV file" in complaint(capsys, "init", tmp_path / "x.jsonl")
    assert "a file that can be written" in complaint(
        capsys, "init", "--preset", "credit", "-o", tmp_path / "no" / "folder.toml"
    )


NAMES = st.text(string.ascii_letters + " _.&\"'#\\ä=[]{}\u007f", min_size=1, max_size=12)


@settings(max_examples=60)
@given(
    st.lists(NAMES.filter(str.isprintable), min_size=2, max_size=8, unique=True),
    st.lists(
        st.sampled_from(['yes "', "no\\", "1", "0", "2026-01-01", "", "27", "a\nb"]), min_size=16, max_size=40
    ),
    st.sampled_from(PRESETS),
)
def test_any_header_makes_a_configuration(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], cells: list[str], preset: Preset | None
) -> None:
    """Whatever the names are, what is written is TOML that makes sense."""
    file = tmp_path_factory.mktemp("init") / "some.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        writer.writerows(_rows(cells, len(header)))
    decisions = [set(filter(None, column)) for column in zip(*_rows(cells, len(header)), strict=True)]
    if all(len(values) < 2 for values in decisions):
        with pytest.raises(ConfigError, match="FILE: "):
            proposal.draft(file, preset)
    else:
        text = proposal.draft(file, preset, "some model").text
        assert "some model" in build(tomllib.loads(text), Path()).models


def _rows(cells: list[str], width: int) -> list[list[str]]:
    return [cells[i : i + width] for i in range(0, len(cells) - width + 1, width)]


def test_the_help_lists_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["init", "--help"])
    assert "--preset" in capsys.readouterr().out
