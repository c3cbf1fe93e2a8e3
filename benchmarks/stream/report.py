"""Tables of figures and the bars that they must hold: for the terminal, and for docs/benchmarks.md."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import version
from math import inf
from pathlib import Path
from typing import NamedTuple

from rich.table import Table as Printed

LIBRARIES = ["faust-streaming", "aiokafka", "msgspec", "numpy", "river", "fairlearn", "confluent-kafka"]


class Table(NamedTuple):
    """A title, the columns' names, and rows of as many texts."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Bar(NamedTuple):
    """A figure, and what it must be at least or at most."""

    what: str
    figure: float
    least: float = 0.0
    most: float = inf

    @property
    def holds(self) -> bool:
        return self.least <= self.figure <= self.most


def printed(table: Table) -> Printed:
    """The table for the terminal."""
    found = Printed(title=table.title, title_justify="left")
    for i, column in enumerate(table.columns):
        found.add_column(column, justify="right" if i else "left")
    for row in table.rows:
        found.add_row(*row)
    return found


def bars(found: Iterable[Bar]) -> Table:
    """What is asked for, and whether it holds."""
    rows = [(bar.what, f"{bar.figure:,.4g}", _asked(bar), "yes" if bar.holds else "no") for bar in found]
    return Table("The bars", ["", "measured", "asked for", "holds"], rows)


def _asked(bar: Bar) -> str:
    return f"at most {bar.most:,g}" if bar.most < inf else f"at least {bar.least:,g}"


def markdown(tables: Iterable[Table]) -> str:
    """The tables for a page."""
    return "\n\n".join("\n".join(_lines(table)) for table in tables)


def _lines(table: Table) -> list[str]:
    rule = "|".join(["---", *["---:"] * (len(table.columns) - 1)])
    rows = [f"| {' | '.join(row)} |" for row in table.rows]
    return [f"**{table.title}**", "", f"| {' | '.join(table.columns)} |", f"|{rule}|", *rows]


def run(day: date, *, full: bool) -> str:
    """What run it was: how large, when, and on what."""
    return ran("A full run" if full else "A small run", day, ["fairlead", *LIBRARIES])


def ran(what: str, day: date, libraries: Iterable[str]) -> str:
    """What was run, when, on how many CPUs and with which versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    cpus = len(os.sched_getaffinity(0))
    return f"{what} of {day}, {cpus} CPUs; Python {platform.python_version()}, {versions}."


def embed(page: Path, section: str, said: str, tables: Iterable[Table]) -> None:
    """Replaces what stands in a page between `<!-- section -->` and `<!-- end -->`; `said` goes before it."""
    begin = f"<!-- {section} -->\n"
    inside = re.compile(re.escape(begin) + r".*?(?=<!-- end -->)", re.DOTALL)
    made = f"{begin}\n*{said}*\n\n{markdown(tables)}\n\n"
    text, count = inside.subn(lambda _: made, page.read_text())
    if not count:
        raise ValueError(f"{page.name}: {begin.strip()} … <!-- end --> is not in it")
    page.write_text(text)
