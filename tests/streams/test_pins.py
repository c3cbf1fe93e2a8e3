"""What we rely on inside Faust and aiokafka stays where it was read, and in few places."""

import ast
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SAFE = {
    "bundles.py",
    "consumer.py",
    "guard.py",
    "process.py",
    "stores.py",
    "tables.py",
}  # as docs/architecture.md has them
PUBLIC = {"faust", "faust.types", "aiokafka.helpers"}
PACKAGES = ("aiokafka", "faust", "mode")
OTHERS = sorted(path for path in (ROOT / "streams").rglob("*.py") if path.name not in SAFE)


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("name", ["faust-streaming", "aiokafka"])
def test_what_is_installed_is_what_was_tested(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pin,) = [found for found in map(Requirement, project["dependencies"]) if found.name == name]
    assert version(name) in pin.specifier
    assert [bound.operator for bound in pin.specifier if bound.operator.startswith("<")] == ["<"]


def test_internals_are_used_in_a_few_files_alone() -> None:
    used = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in OTHERS
        for name in imported(ast.parse(path.read_text()))
        if name.partition(".")[0] in PACKAGES and name not in PUBLIC
    }
    assert used == set()


def test_private_names_of_others_are_used_in_a_few_files_alone() -> None:
    used = {
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.attr}"
        for path in OTHERS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not node.attr.isupper()  # librdkafka's error codes
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    }
    assert used == set()
