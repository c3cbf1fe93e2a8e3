"""Measures the stream against its peers, in one run, on the same machine.

    python -m benchmarks.stream [--quick] [--only throughput latency growth recompute profile] [--rate 10000]

CPU time is what is compared: it says what a machine can do also while it does other things. Throughput,
latency and the profile need Java and Maven, which start an Apache Kafka, or KAFKA_BOOTSTRAP=host:port.
"""

import argparse
import logging
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.stream import brokers, events, growth, latency, layers, recompute, throughput
from benchmarks.stream.growth import Growth
from benchmarks.stream.throughput import Cost

SECTIONS = ["throughput", "latency", "growth", "recompute", "profile"]
ON_KAFKA = {"throughput", "latency", "profile"}
KINDS = ["single", "columns"]
WIDTH = 150  # characters, where there is no terminal


class Sizes:
    """How much is measured; `part` is 1 for all of it."""

    def __init__(self, part: float) -> None:
        self.baseline, self.joining = round(50_000 * part), round(20_000 * part)
        self.single, self.columns = round(400_000 * part), round(2_000_000 * part)
        self.alerts = max(20, round(100 * part))
        self.growth = round(200_000 * part)
        self.pending, self.lookups = round(5_000_000 * part), round(1_000_000 * part)
        self.rows = [10_000, round(500_000 * part)]


def main(argv: list[str]) -> None:
    """Prints a table for each section."""
    args = _arguments(argv)
    sizes, console = Sizes(0.2 if args.quick else 1), Console(width=None if sys.stdout.isatty() else WIDTH)
    logging.disable()
    with ExitStack() as stack:
        address = stack.enter_context(brokers.kafka()) if ON_KAFKA & {*args.only} else ""
        for section in args.only:
            with console.status(section):
                for table in _tables(section, address, sizes, args.rate):
                    console.print(table)


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the events")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION")
    parser.add_argument("--rate", type=int, default=10_000, help="events a second while alerts are timed")
    return parser.parse_args(argv)


def _tables(section: str, address: str, sizes: Sizes, rate: int) -> Iterator[Table]:
    if section == "throughput":
        yield _throughput(address, sizes)
    elif section == "latency":
        yield _latency(latency.measure(address, _name(), rate, sizes.alerts), rate)
    elif section == "growth":
        yield _growth(growth.table(sizes.growth))
        yield _join(growth.join(sizes.pending, sizes.lookups))
    elif section == "recompute":
        yield _recompute([recompute.reading(rows) for rows in sizes.rows])
    else:
        yield from (_profile(address, sizes, kind) for kind in KINDS)


def _name() -> str:
    return f"b{uuid.uuid4().hex[:8]}"


def _throughput(address: str, sizes: Sizes) -> Table:
    few, some = events.loans(sizes.baseline), events.loans(sizes.joining)
    lenient = throughput.baseline(address, few, _name())
    joining = throughput.baseline(address, some, _name(), join=True)
    table = _table(
        "Events a second, from Kafka to the reading",
        "", "events", "CPU µs an event", "events/s a core", "events/s", "× Faust", "× Faust that joins", "MB",
    )  # fmt: skip
    peers = lenient, joining
    _row(table, "Faust and river, outcome in the event", lenient, peers)
    _row(table, "Faust and river, joined in a Faust table", joining, peers)
    for kind, count in (("single", sizes.single), ("columns", sizes.columns)):
        loans, make = events.loans(count), getattr(throughput, kind)
        for where, costs in (
            ("", throughput.fairlead(address, make, loans, _name())),
            (", embedded broker in the worker", throughput.embedded(make, loans[: count // 4], _name())),
        ):
            both = Cost.both(*costs)
            for what, cost in zip(("decisions", "outcomes", "both"), (*costs, both), strict=True):
                _row(table, f"Fairlead, {kind}, {what}{where}", cost, peers)
    return table


def _row(table: Table, name: str, cost: Cost, peers: tuple[Cost, Cost]) -> None:
    ratios = [f"{peer.micros / cost.micros:.1f}" for peer in peers]
    per_core, wall = f"{cost.events / cost.cpu:,.0f}", f"{cost.events / cost.wall:,.0f}"
    memory = f"{cost.memory / 1e6:.0f}"
    table.add_row(name, f"{cost.events:,}", f"{cost.micros:.2f}", per_core, wall, *ratios, memory)


def _latency(seconds: list[float], rate: int) -> Table:
    table = _table(
        f"From a decision to its alert, at {rate:,} decisions a second", "alerts", "p50", "p90", "p99", "max"
    )
    table.add_row(str(len(seconds)), *(f"{s:.2f} s" for s in np.percentile(seconds, [50, 90, 99, 100])))
    return table


def _growth(found: dict[str, tuple[Growth, Growth]]) -> Table:
    table = _table(
        "What ten times as much costs", "", "CPU µs an event", "a reading, ms", "facts, MB", "panes, MB"
    )
    for name, (before, after) in found.items():
        table.add_row(
            name,
            f"{before.micros:.2f} → {after.micros:.2f}",
            f"{before.reading:.1f} → {after.reading:.1f}",
            f"{before.facts / 1e6:.1f} → {after.facts / 1e6:.1f}",
            f"{before.panes / 1e6:.2f} → {after.panes / 1e6:.2f}",
        )
    return table


def _join(found: growth.Join) -> Table:
    columns = "pending decisions", "bytes each", "allocated", "ids found/s", "feedback learned/s"
    table = _table("The join", *columns)
    numbers = found.each, found.allocated, found.found, found.learned
    table.add_row(f"{found.pending:,}", *(f"{number:,.0f}" for number in numbers))
    return table


def _recompute(found: list[recompute.Reading]) -> Table:
    table = _table("Saying all metrics once", "rows", "fairlearn, ms", "Fairlead, ms", "ratio")
    for each in found:
        ratio = each.fairlearn / each.fairlead
        table.add_row(f"{each.rows:,}", f"{each.fairlearn:.0f}", f"{each.fairlead:.1f}", f"{ratio:.0f}")
    return table


def _profile(address: str, sizes: Sizes, kind: str) -> Table:
    make, loans = getattr(throughput, kind), events.loans(getattr(sizes, kind) // 2)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "profile"
        cost = Cost.both(*throughput.fairlead(address, make, loans, _name(), file))
        shares = layers.shares(file)
    others = sum(cost.threads[1:]) / cost.cpu
    table = _table(f"Where a worker's CPU time goes: {kind}", "", "share")
    table.add_row("the fetching thread: aiokafka, decompression", f"{others:.0%}")
    for layer, share in shares:
        table.add_row(layer, f"{share * (1 - others):.0%}")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left")
    return table


if __name__ == "__main__":
    main(sys.argv[1:])
