"""The pages people read: links lead somewhere, and what they tell readers to type works."""

import doctest
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path

import pytest

from streams import cli, settings

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "docs", "docs/metrics", "client", "streams/data")
PAGES = sorted(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))
TRIED = [page for page in PAGES if ">>>" in page.read_text() and page.parent.name != "client"]
COMMAND = r"^ {4,}(?:\$ )?(?:\.venv/bin/)?fairlead (.+)$"
HELD_IN_FULL = ["README.md", "docs/configuration.md"]  # whose TOML is a whole configuration


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


@cache
def anchors(page: Path) -> set[str]:
    """The headings as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    words = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", each).lower().replace(" ", "-") for each in words}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if not re.match(r"\w+:", link):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_to_the_outside_are_safe(page: Path) -> None:
    outside = [link for link in links(page) if re.match(r"\w+:", link)]
    assert not [link for link in outside if not link.startswith("https://")]


def test_every_page_is_found_from_the_index() -> None:
    seen, waiting = set(), [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
    assert not set(PAGES) - seen


def commands() -> set[str]:
    """What follows the word in every line of a page that runs `fairlead`."""
    lines = (line for page in PAGES for line in re.findall(COMMAND, page.read_text(), re.MULTILINE))
    return {line.partition(" #")[0].strip() for line in lines}


@pytest.mark.parametrize("line", sorted(commands()))
def test_commands_exist(line: str) -> None:
    cli.parser().parse_args(shlex.split(line))


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_what_is_to_be_made_can_be_made() -> None:
    told = {
        word
        for page in PAGES
        for word in re.findall(r"(?:`|^ {4})make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert told
    assert told <= targets()


def test_the_makefile_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"^# make ([a-z]+)", text, re.MULTILINE)) <= targets()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert set(phony.split()) == targets()


@pytest.mark.parametrize("page", HELD_IN_FULL)
def test_configurations_are_accepted(page: str) -> None:
    found = blocks(ROOT / page, "toml")
    assert found
    for text in found:
        settings.build(tomllib.loads(text), ROOT)


@pytest.mark.parametrize("page", TRIED, ids=name)
def test_examples_give_what_they_say(page: Path) -> None:
    failed, tried = doctest.testfile(str(page), module_relative=False)
    assert tried
    assert not failed


def test_python_in_pages_is_python() -> None:
    for page in PAGES:
        for block in blocks(page, "python"):
            if ">>>" not in block:
                compile(block, name(page), "exec")


def test_the_picture_is_small_enough_for_a_page() -> None:
    for image in (ROOT / "docs" / "images").iterdir():
        assert image.stat().st_size < 300_000, image.name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_speak_of_no_machine_of_ours(page: Path) -> None:
    assert not re.findall(r"/(?:work|tmp|root|home|Users)/\w+", page.read_text())
