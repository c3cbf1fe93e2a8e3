"""Measures the stream against its peers, in one run, on the same machine.

    python -m benchmarks.stream [--full] [--only throughput latency recovery growth …] [--rate 10000]

Prints a table for each section and the bars that they must hold; exit status 1 if one is broken. With --docs
the tables are written into docs/benchmarks.md, too, below a line that says what run they are of. CPU time is
what is compared: it says what a machine can do also while it does other things. Throughput, latency, recovery
and the profile need Java and Maven, which start an Apache Kafka, or KAFKA_BOOTSTRAP=host:port.
"""

import argparse
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.stream import brokers, report, sections
from benchmarks.stream.report import Bar, Table
from benchmarks.stream.sections import Sizes

Section = Callable[[str, Sizes], tuple[list[Table], list[Bar]]]
SECTIONS: dict[str, Section] = {
    "throughput": sections.throughputs,
    "profile": sections.profiles,
    "latency": sections.latencies,
    "hostile": sections.hostilities,
    "recovery": sections.recoveries,
    "growth": sections.growths,
    "recompute": sections.recomputations,
}
ON_KAFKA = {"throughput", "latency", "hostile", "profile", "recovery"}
WIDTH = 150  # characters, where there is no terminal


def main(argv: list[str]) -> int:
    args = _arguments(argv)
    sizes = Sizes(1 if args.full else 0.2, args.rate, args.evidently)
    console, asked = Console(width=None if sys.stdout.isatty() else WIDTH), list[Bar]()
    logging.disable()
    said = report.run(datetime.now(UTC).date(), full=args.full)
    console.print(said)
    with ExitStack() as stack:
        address = stack.enter_context(brokers.kafka()) if ON_KAFKA & {*args.only} else ""
        for name in args.only:
            with console.status(name):
                tables, bars = SECTIONS[name](address, sizes)
            asked += bars
            for table in tables:
                console.print(report.printed(table))
            if args.docs:
                report.embed(args.docs / "benchmarks.md", name, said, tables)
    console.print(report.printed(report.bars(asked)))
    if args.docs and [*args.only] == [*SECTIONS]:
        report.embed(args.docs / "benchmarks.md", "bars", said, [report.bars(asked)])
    return 0 if all(bar.holds for bar in asked) else 1


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stream", description=__doc__.split("\n")[0])
    parser.add_argument("--full", action="store_true", help="five times as many events and alerts")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=[*SECTIONS], metavar="SECTION")
    parser.add_argument("--rate", type=int, default=10_000, help="events a second while alerts are timed")
    parser.add_argument("--docs", type=Path, help="folder whose benchmarks.md the tables are written into")
    parser.add_argument(
        "--evidently", metavar="PYTHON", help="an interpreter that has Evidently, to measure it"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
