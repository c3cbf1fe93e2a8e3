"""Measures false alarms, delays and cost of Fairlead's tests and of its peers', on the same streams.

    python -m benchmarks.stats [--runs 400] [--seed 1] [--only proof drift] [--docs docs]

Prints the tables and the bars that they must hold; exit status 1 if one is broken. With ``--docs``
the tables and two plots are written there too; with ``--only``, those of the same runs and seed that are
there already stay. 2,000 runs, and twice 200 years of the deployment, take about 30 minutes on one core.
"""

import argparse
import sys
from collections.abc import Callable
from math import ceil, isfinite
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Printed

from benchmarks.sequential import delays, deployment, means, tables
from benchmarks.sequential.bars import judged
from benchmarks.sequential.plot import svg, years
from benchmarks.sequential.streams import CHUNK, MIXES
from benchmarks.sequential.tables import Table, Tick

Measure = Callable[[np.random.Generator, int, Tick], Table]

# The measurement, and its share of the runs asked for: some need more for the same certainty.
MEASURES: dict[str, tuple[Measure, float]] = {
    "proof": (tables.proof, 1),
    "ratio": (tables.ratio, 2),
    "change": (tables.change, 1),
    "drift": (tables.drift, 1),
    "many": (tables.many, 0.25),
    "intervals": (tables.intervals, 1),
    "means": (means.means, 0.25),
    "delays": (delays.delays, 1),
    "year": (deployment.year, 0.1),
    "speed": (tables.speed, 1),
    "limits": (means.limits, 0.25),
}
STEPS = {
    "proof": 12,
    "ratio": 3,
    "change": 12,
    "drift": 1,
    "intervals": 2,
    "delays": 3,
}  # of each chunk of runs
PICTURES = {
    "statistics-measured.svg": "Median delays and false alarms of each method",
    "statistics-year.svg": "False alarms a year of a deployment that complies",
}
FIXED_STEPS = {
    "means": 3,
    "limits": len(means.KINDS) * len(MIXES),
    "speed": 1,
    "year": 2 * len(deployment.VOLUMES) * deployment.DAYS,
}


def main(argv: list[str]) -> int:
    args = _arguments(argv)
    console, found = Console(), {}
    for name in args.only:
        measure, part = MEASURES[name]
        rng = np.random.default_rng([args.seed, list(MEASURES).index(name)])
        found[name] = _measured(console, name, measure, rng, max(1, round(part * args.runs)))
        console.print(_printed(found[name]))
    verdicts = judged(found)
    for bar, figure, holds in verdicts:
        allowed = f"at most {bar.most:g}" if isfinite(bar.most) else f"at least {bar.least:g}"
        console.print(f"{'holds ' if holds else 'BROKEN'} {bar.row}: {bar.column} {figure:.4g} ({allowed})")
    if args.docs:
        _write(args.docs, found, args.runs, args.seed)
    return 0 if all(holds for _, _, holds in verdicts) else 1


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stats", description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=400, help="streams for each figure (default 400)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES), metavar="NAME")
    parser.add_argument("--docs", type=Path, help="folder to write statistics-measured.md and its plots to")
    return parser.parse_args(argv)


def _measured(console: Console, name: str, measure: Measure, rng: np.random.Generator, runs: int) -> Table:
    steps = STEPS[name] * ceil(runs / CHUNK) if name in STEPS else FIXED_STEPS.get(name, runs)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(name, total=steps)
        return measure(rng, runs, lambda: progress.advance(task))


def _printed(table: Table) -> Printed:
    printed = Printed(title=table.title, title_justify="left")
    header, *rows = _rows(table)
    for i, column in enumerate(header):
        printed.add_column(column, justify="right" if i else "left")
    for row in rows:
        printed.add_row(*row)
    return printed


def _rows(table: Table) -> list[list[str]]:
    """A header and the rows; columns that differ by the minority's share alone become one."""
    shares: dict[str, dict[str, None]] = {}
    for _, column in table.values:
        name, _, share = column.rpartition(" ")
        shares.setdefault(name if share.endswith("%") else column, {})[column] = None
    rows = list(dict.fromkeys(row for row, _ in table.values))
    cells = [[" / ".join(_figure(table, row, c) for c in group) for group in shares.values()] for row in rows]
    return [["", *shares], *([row, *line] for row, line in zip(rows, cells, strict=True))]


def _figure(table: Table, row: str, column: str) -> str:
    value = table.values.get((row, column), float("nan"))
    if not isfinite(value):
        return "–"
    if value >= 1_000:
        return f"{value / 1_000:.1f}k"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _write(folder: Path, found: dict[str, Table], runs: int, seed: int) -> None:
    path = folder / "statistics-measured.md"
    head = "# Measured: false alarms, delays and cost\n\nWritten by"
    head += f" `python -m benchmarks.stats --runs {runs} --seed {seed} --docs docs`.\n\n"
    before = path.read_text() if path.exists() else ""
    sections = _sections(before) if before.startswith(head) else {}
    sections |= {table.title: _section(table) for table in found.values()}
    if "proof" in found:
        columns = [f"gap {gap} {share}%" for gap in ("0.1", "0.2") for share in (50, 10)]
        (folder / "statistics-measured.svg").write_text(svg(found["proof"], columns))
    if "year" in found:
        (folder / "statistics-year.svg").write_text(years(found["year"]))
    pictures = [f"![{text}]({name})\n" for name, text in PICTURES.items() if (folder / name).exists()]
    path.write_text(head + "\n".join([*sections.values(), *pictures]))


def _section(table: Table) -> str:
    header, *rows = (" | ".join(row) for row in _rows(table))
    rule = "|".join(["---"] * (header.count(" | ") + 1))
    lines = [f"## {table.title}", "", f"| {header} |", f"|{rule}|", *(f"| {row} |" for row in rows)]
    return "\n".join([*lines, ""])


def _sections(text: str) -> dict[str, str]:
    """The tables of a document that was written before, by title."""
    _, *found = text.partition("\n![")[0].split("\n## ")
    return {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in found}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
