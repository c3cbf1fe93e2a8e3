"""`fairlead check`: what will be monitored, in words."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from monitor.config import Match, Model, Route, Rule
from streams import settings
from streams.commands import check, options

GOOD = Path(__file__).parents[2] / "config" / "good"
ENVIRONMENT = {"FAIRLEAD_HASH_KEY": "k" * 16, "SLACK_URL": "https://hooks.slack.com/services/x"}
MODEL = Model(positive=["yes"], windows=["24h", "30d"])


def printed(path: Path) -> str:
    out = io.StringIO()
    check.show(Console(file=out, width=200), settings.load(path, ENVIRONMENT))
    return out.getvalue()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            Rule(metric="selection_rate", min=-0.1, max=0.1),
            "selection_rate minus that of the reference, by each attribute, is from -0.1 to 0.1, in 30d",
        ),
        (
            Rule(
                metric="disparate_impact",
                min=0.8,
                attribute=["sex", "age"],
                reference="highest",
                window="24h",
            ),
            "selection_rate over that of highest, by sex & age, is at least 0.8, in 24h",
        ),
        (
            Rule(metric="accuracy", compare="value", min=0.9, for_="2h"),
            "accuracy, by each attribute, is at least 0.9, in 30d, or not for longer than 2h",
        ),
        (
            Rule(metric="psi", stream="score", max=0.2),
            "the psi of score to the baseline is at most 0.2, in 30d",
        ),
        (
            Rule(metric="adwin"),
            "the number of changes that adwin finds in each stream is at most 0, in 30d",
        ),
    ],
)
def test_rules_in_words(rule: Rule, words: str) -> None:
    assert check.says(rule, MODEL) == words


def test_routes_in_words() -> None:
    assert check.takes(Route(to=["x"], match=Match(model="credit", severity="critical"))) == (
        "alerts with model credit, severity critical"
    )


def test_the_page_for_people_names_everything() -> None:
    text = printed(GOOD / "everything.toml")
    for words in (
        "Model credit",
        "Decides on consumer loans",
        "sex; age_band; sex & age_band",
        "sex: male; sex & age_band: highest",
        "slices of 5m",
        "the first 5,000 decisions",
        "score from 0 to 1; values.csat from 1 to 5",
        "four fifths: selection_rate over that of highest, by sex & age_band, is from 0.8 to 1.25, in 24h",
        "model credit, severity critical, rule four fifths",
        "slack:risk, email:officer, console",
    ):
        assert words in text


def test_a_model_without_rules_says_so() -> None:
    assert "No rules: nothing will be alerted on." in printed(GOOD / "smallest.toml")


def test_markup_in_names_is_printed_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "fairlead.toml"
    path.write_text(
        '[models.m]\npositive = ["yes"]\nattributes = ["[bold]sex[/bold]"]\npurpose = "[red]x[/]"\n'
    )
    text = printed(path)
    assert "[bold]sex[/bold]" in text
    assert "[red]x[/]" in text


def test_the_object_for_programs() -> None:
    found = check.description(settings.load(options.BUNDLED))
    assert json.loads(json.dumps(found)) == found
    model = found["models"]["compas"]
    assert model["attributes"] == ["race", "sex", "age_cat", "race & sex"]
    assert (model["slice"], model["windows"]) == ("1d", ["30d", "365d", "all"])
    assert model["rules"][0]["severity"] == "critical"
    assert found["routes"] == []


def test_no_secret_is_printed() -> None:
    config = settings.load(GOOD / "everything.toml", ENVIRONMENT)
    everything = json.dumps(check.description(config)) + printed(GOOD / "everything.toml")
    assert "hunter2" not in everything
    assert "hooks.slack.com" not in everything
