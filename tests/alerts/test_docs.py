"""docs/alerts.md says what the code does."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import message, notifiers, routes
from monitor.config import Config, Match, Rule, Secret, convert
from tests.alerts.sample import CONFIG, alert

DOCS = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


def section(title: str) -> str:
    found = re.search(rf"^##+ {title}\n(.*?)(?=^##+ |\Z)", DOCS, re.DOTALL | re.MULTILINE)
    assert found, f"docs/alerts.md has no section {title}"
    return found[1]


def looked_up(raw: Any) -> Any:
    if isinstance(raw, list):
        return [looked_up(each) for each in raw]
    if isinstance(raw, dict):
        secret = raw.keys() in ({"env"}, {"file"})
        return Secret("json://127.0.0.1") if secret else {key: looked_up(value) for key, value in raw.items()}
    return raw


def keys(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize("example", blocks("toml"))
@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_every_example_can_be_used(example):
    raw = looked_up(tomllib.loads(example))
    if "apprise" in raw.get("notifiers", {}):
        pytest.importorskip("apprise", reason="the extra `apprise` is not installed")
    if "slack" in raw["notifiers"]:
        raw["notifiers"]["slack"]["risk"]["url"] = Secret("https://hooks.slack.com/services/x")
    assert routes.build(convert({"models": {}} | raw, Config, "")).keys() > {"console"}


@pytest.mark.parametrize("kind", notifiers.kinds())
def test_every_setting_is_told(kind):
    told = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", section(kind), re.MULTILINE))))
    assert told == keys(notifiers.load(kind).Settings)


@pytest.mark.parametrize(("title", "struct"), [("Rules", Rule), ("Routes", Match)])
def test_every_key_is_told(title, struct):
    told = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE))))
    assert told == keys(struct)


def test_the_message_is_a_real_one():
    assert message.text(message.render(alert(), CONFIG)) + "\n" in blocks("text")
