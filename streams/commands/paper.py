"""What `fairlead measure` hands to people: the report as a file, the impact ratios as tables."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from dashboards.report import Report, render
from dashboards.suppression import suppress
from monitor.config import ConfigError
from monitor.fairness import impact
from monitor.fairness.impact import FOUR_FIFTHS, Category, Impact, Impacts
from monitor.panes.table import Table
from monitor.readings import Reading
from streams.commands.measure import Measured, main_reading
from streams.commands.options import Source
from streams.commands.show import interval, percent, plain, sheet


def impacts(measured: Measured, source: Source, exclude_small: bool) -> dict[str, Impacts]:
    """The impact ratios of everybody in the longest window."""
    favourable = source.model.favourable
    return impact.impacts(measured.tables, favourable=favourable, exclude_small=exclude_small)


def write(
    path: Path, measured: Measured, source: Source, *, internal: bool, with_impact: bool, exclude_small: bool
) -> None:
    """Writes the report. Raises ConfigError where the file cannot be written."""
    shown = measured if internal else for_everybody(measured, source.model.min_group)
    report = Report(
        name=source.name,
        model=source.model,
        readings=shown.readings,
        source=f"the file {source.path.name}",
        version=version("fairlead"),
        made=f"{datetime.now(UTC):%Y-%m-%d}",
        impacts=impacts(shown, source, exclude_small) if with_impact else {},
        invalid=shown.invalid,
        overdue=shown.overdue,
        internal=internal,
    )
    try:
        path.write_text(render(report), encoding="utf-8")
    except OSError as error:
        raise ConfigError("--html", str(path), f"a file that can be written ({error.strerror})") from None


def for_everybody(measured: Measured, min_group: int) -> Measured:
    """What may be published: small groups are in none of the readings, nor in the counts behind them."""
    readings = suppress(measured.readings, min_group)
    return replace(measured, readings=readings, tables=_visible(measured.tables, main_reading(readings)))


def _visible(tables: Mapping[str, Table], reading: Reading) -> dict[str, Table]:
    return {name: _only(table, set(reading.attributes[name].groups)) for name, table in tables.items()}


def _only(table: Table, groups: set[str]) -> Table:
    """The table of some of its groups."""
    places = [place for place, group in enumerate(table.groups) if group in groups]
    return Table(
        [table.groups[place] for place in places],
        {atom: counts[np.array(places, np.int64)] for atom, counts in table.counts.items()},
        {name: [found[place] for place in places] for name, found in table.histograms.items()},
    )


def show(console: Console, found: Mapping[str, Impacts], favourable: bool) -> None:
    """Prints the tables of impact ratios."""
    for name, both in found.items():
        _print(console, both.selection, f"impact ratios of {name}, by selection rate")
        if both.scoring is not None:
            side = "above" if favourable else "below"
            share = f"the share that scores {side} the median, {both.scoring.median:.4g}"
            _print(console, both.scoring, f"impact ratios of {name}, by scoring rate: {share}")
    if not favourable:
        console.print("positive is bad for the person: selected are those with another decision", style="dim")


def _print(console: Console, found: Impact, title: str) -> None:
    headings = ("category", "people", "selected", "rate %", "ratio", "95 % interval", "Fisher p", "std. dev.")
    table = sheet(title, *headings)
    for row in found.categories:
        table.add_row(*_cells(row, found.highest))
    console.print(table)
    console.print(f" {found.unknown:,} of unknown category, left out", style="dim", highlight=False)


def _cells(row: Category, highest: str | None) -> list[Text | str]:
    marks = ["highest" if row.name == highest else "", "under 2 %" if row.small else ""]
    name = plain(row.name).append("".join(f" ({mark})" for mark in marks if mark), style="dim")
    low = row.impact_ratio is not None and row.impact_ratio < FOUR_FIFTHS
    ratio = "left out" if row.impact_ratio is None else f"{row.impact_ratio:.3f}"
    return [
        name,
        f"{row.n:,}",
        f"{row.selected:,}",
        percent(row.rate),
        Text(ratio, style="bold red" if low else ""),
        interval(row.low, row.high),
        "–" if row.p_value is None else f"{row.p_value:.3g}",
        "–" if row.deviations is None else f"{row.deviations:+.2f}",
    ]
