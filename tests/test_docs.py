"""The documentation names every setting, event field, reason, command and option: no more, no less."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import notifiers
from monitor.config import config, presets
from monitor.events import Decision, Feedback
from streams import cli
from streams.commands import options
from streams.ingest import schema
from streams.partition import WHY

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TABLES: dict[str, type[msgspec.Struct]] = {
    "The file": config.Config,
    "`[models.NAME]`": config.Model,
    "`[[models.NAME.rules]]`": config.Rule,
    "`[models.NAME.columns]`": config.Columns,
    "`[broker]`": config.Broker,
    "`[http]`": config.Http,
    "`[ingest]`": config.Ingest,
    "`[alerts]`": config.Alerts,
    "`[[alerts.routes]]`": config.Route,
    "`match` of a route": config.Match,
    **{f"`[notifiers.{kind}.NAME]`": notifiers.load(kind).Settings for kind in notifiers.kinds()},
}


def section(page: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    text = (DOCS / page).read_text()
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} lacks the heading {heading!r}"
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """The tables' rows whose first cell is code: the code, and the other cells."""
    lines = re.findall(r"^\| `([^`]+)`.*? \|(.*)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in lines}


def settings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Each key of a table of the configuration with its default, as TOML spells it."""
    return {field.encode_name: default(field) for field in msgspec.structs.fields(struct)}


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    found = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()  # type: ignore[operator]
    if found is None or isinstance(found, msgspec.Struct):
        return "–"
    return f"`{toml(found)}`"


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.mark.parametrize("heading", TABLES)
def test_every_setting_is_documented_with_its_default(heading: str) -> None:
    documented = {key: cells[0] for key, cells in rows(section("configuration.md", heading)).items()}
    assert documented == settings(TABLES[heading])


def test_every_table_of_the_configuration_is_documented() -> None:
    named = {kind for struct in TABLES.values() for kind in structs(msgspec.inspect.type_info(struct))}
    assert named == set(TABLES.values())


def structs(found: Any) -> Iterator[type]:
    """Every struct that a type holds."""
    if isinstance(found, msgspec.inspect.StructType):
        yield found.cls
        for field in found.fields:
            yield from structs(field.type)
    for name in ("types", "item_type", "value_type"):
        inner = getattr(found, name, ())
        for each in inner if isinstance(inner, tuple) else (inner,):
            yield from structs(each)


def test_every_preset_is_documented_with_its_metrics() -> None:
    documented = rows(section("configuration.md", "Presets"))
    assert set(documented) == set(presets.RULES)
    for name, rules in presets.RULES.items():
        for rule in rules:
            words = {rule.metric, rule.metric.upper()}
            assert any(word in documented[name][0] for word in words), (name, rule.metric)


@pytest.mark.parametrize(("heading", "kind"), [("A decision", Decision), ("Feedback", Feedback)])
def test_every_field_of_an_event_is_documented(heading: str, kind: type[Decision] | type[Feedback]) -> None:
    documented = {name: cells[0] for name, cells in rows(section("events.md", heading)).items()}
    fields = msgspec.structs.fields(kind)
    assert documented == {field.name: "required" if field.required else "" for field in fields}


def test_every_reason_of_an_invalid_event_is_documented() -> None:
    code = "".join(
        path.read_text() for part in ("monitor", "streams") for path in (ROOT / part).rglob("*.py")
    )
    called = r'(?:InvalidEventError\(\s*|Invalid\([^"]*, )"([a-z_]+)"'
    assert set(rows(section("events.md", "Invalid events"))) == {*re.findall(called, code), *WHY}


@pytest.mark.parametrize("name", schema.documents())
def test_schemas_are_fresh(name: str) -> None:
    made = schema.documents()[name]
    assert (DOCS / "schema" / name).read_bytes() == made, "run python -m streams.ingest.schema docs/schema"


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every command that can be run."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield parser
    for action in inner:
        for command in action.choices.values():
            yield from commands(command)


COMMANDS = {command.prog: command for command in commands(cli.parser())}


def names(parser: argparse.ArgumentParser) -> set[str]:
    """Each option and argument by the first word that its documentation has."""
    actions = (action for action in parser._actions if not isinstance(action, argparse._HelpAction))
    return {action.option_strings[0] if action.option_strings else str(action.metavar) for action in actions}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented(name: str) -> None:
    of_files = argparse.ArgumentParser(add_help=False)
    options.add(of_files)
    shared = names(of_files) - {"FILE"}
    found = names(COMMANDS[name])
    own = found - shared if shared <= found else found
    expected = found if name == "fairlead measure" else own
    assert {row.partition(" ")[0].rstrip(",") for row in options_of(name)} == expected


def options_of(name: str) -> set[str]:
    text = section("commands.md", name).partition("### The object of")[0]
    return {row.partition("[=")[0] for row in rows(text)}


def test_only_commands_that_exist_are_documented() -> None:
    headings = re.findall(r"^## (fairlead .+)$", (DOCS / "commands.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


def test_links_between_pages_lead_somewhere() -> None:
    for page in ("configuration.md", "events.md", "commands.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (DOCS / page).read_text()):
            assert (DOCS / target).exists(), f"{page}: {target}"
