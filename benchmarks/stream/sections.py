"""The sections of the report: what is measured, with how much, as tables and bars."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.stream import events, growth, latency, layers, recompute, recovery, throughput
from benchmarks.stream.report import Bar, Table
from benchmarks.stream.throughput import Cost

Found = tuple[list[Table], list[Bar]]
KINDS = ["single", "columns"]
FASTER = {"single": 20, "columns": 150}  # times the baseline, for each kind of message
SLOWEST = 2.0  # s from a decision to its alert, of 99 in 100
RESTORED, STALL = 200_000, 10.0  # rows a second, seconds
LARGEST = 64  # bytes of a pending decision
JOINED, A_CORE = 1_000_000, 1_000_000  # look-ups a second, events by column a second and core


class Sizes:
    """How much is measured; `part` is 1 for all of it. `evidently` is an interpreter that has it, or None."""

    def __init__(self, part: float, rate: int, evidently: str | None = None) -> None:
        self.baseline, self.joining = round(50_000 * part), round(40_000 * part)
        self.single, self.columns = 400_000, 1_500_000  # fewer measure how a run begins and ends
        self.alerts, self.beside, self.rate = max(50, round(100 * part)), max(30, round(100 * part)), rate
        self.hostile = rate // 4
        self.growth = growth.FETCHED * max(2, round(6 * part))
        self.pending, self.lookups = 5_000_000, 1_000_000  # what the bars are about
        self.rows = [10_000, round(500_000 * part)]
        self.restored = 1_000_000  # fewer take no longer than what a start differs by
        self.evidently = evidently

    def loans(self, kind: str) -> list[events.Row]:
        return events.loans(self.single if kind == "single" else self.columns)


def _name() -> str:
    return f"b{uuid.uuid4().hex[:8]}"


class Peers(NamedTuple):
    """What Faust and river take on one kind of broker: with the outcome in the event, and joined."""

    lenient: Cost
    joining: Cost


def _peers(address: str, sizes: Sizes) -> Peers:
    few, some = events.loans(sizes.baseline), events.loans(sizes.joining)
    lenient = throughput.baseline(address, few, _name())
    return Peers(lenient, throughput.baseline(address, some, _name(), join=True))


def throughputs(address: str, sizes: Sizes) -> Found:
    """Events a second of the baselines, of one worker, of two, and of either with its broker inside."""
    peers, inside = _peers(address, sizes), _peers(throughput.EMBEDDED, sizes)
    rows, within, bars = _of_peers(peers), _of_peers(inside), list[Bar]()
    for kind in KINDS:
        loans, make = sizes.loans(kind), getattr(throughput, kind)
        one = throughput.fairlead(address, make, loans, _name())
        embedded = Cost.both(*throughput.embedded(make, loans[: len(loans) // 4], _name()))
        two = throughput.fairlead(address, make, loans, _name(), workers=2)
        both, shared = Cost.both(*one), Cost.both(*two)
        names = "decisions", "outcomes", "both", "both, two workers"
        found = zip(names, [*one, both, shared], strict=True)
        rows += [_row(f"Fairlead, {kind}: {name}", cost, peers) for name, cost in found]
        within.append(_row(f"Fairlead, {kind}: both", embedded, inside))
        times = peers.joining.micros / both.micros
        bars.append(Bar(f"{kind}: times Faust that joins, by CPU", times, FASTER[kind]))
        bars.append(Bar(f"{kind}: two workers, times one by CPU", 2 * both.micros / shared.micros, 1.8))
    bars.append(Bar("columns: events a second and core", both.events / both.cpu, A_CORE))
    tables = [
        Table("Events a second, from Kafka to the reading", COSTS, rows),
        Table("The same with the broker in the measured process", COSTS, within),
    ]
    return tables, bars


COSTS = [
    "",
    "events",
    "CPU µs an event",
    "events/s a core",
    "events/s",
    "× Faust",
    "× Faust that joins",
    "MB",
]


def _of_peers(peers: Peers) -> list[list[str]]:
    names = "outcome in the event", "joined in a Faust table"
    return [_row(f"Faust and river, {name}", cost, peers) for name, cost in zip(names, peers, strict=True)]


def _row(name: str, cost: Cost, peers: Peers) -> list[str]:
    """A row of a table whose ratios are to the peers on the same kind of broker."""
    ratios = [f"{peer.micros / cost.micros:.1f}" for peer in peers]
    figures = f"{cost.events / cost.cpu:,.0f}", f"{cost.events / cost.wall:,.0f}"
    return [name, f"{cost.events:,}", f"{cost.micros:.2f}", *figures, *ratios, f"{cost.memory / 1e6:.0f}"]


def profiles(address: str, sizes: Sizes) -> Found:
    """Where a worker's CPU time goes."""
    return [_profile(address, sizes, kind) for kind in KINDS], []


def _profile(address: str, sizes: Sizes, kind: str) -> Table:
    make, loans = getattr(throughput, kind), sizes.loans(kind)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "profile"
        cost = Cost.both(*throughput.fairlead(address, make, loans, _name(), profile=file))
        shares = layers.shares(file)
    others = sum(cost.threads[1:]) / cost.cpu
    rows = [("the other threads: aiokafka's fetches, readings", f"{others:.0%}")]
    rows += [(layer, f"{share * (1 - others):.0%}") for layer, share in shares]
    return Table(f"Where a worker's CPU time goes: {kind}", ["", "share"], rows)


def latencies(address: str, sizes: Sizes) -> Found:
    """From a decision to its alert, beside decisions alone, and where every other event is an outcome."""
    alone = latency.measure(address, _name(), sizes.rate, sizes.alerts).seconds
    half = sizes.rate // 2
    mixed = latency.measure(address, _name(), half, sizes.alerts, outcomes=half).seconds
    rows = [[f"{sizes.rate:,}", "0", *_delays(alone)], [f"{half:,}", f"{half:,}", *_delays(mixed)]]
    bar = Bar("seconds from a decision to its alert, p99", float(np.percentile(alone, 99)), most=SLOWEST)
    return [Table("From a decision to its alert", ["decisions/s", "outcomes/s", *DELAYS], rows)], [bar]


DELAYS = ["alerts", "p50", "p90", "p99", "max"]


def _delays(seconds: Sequence[float]) -> list[str]:
    found = np.percentile(seconds, [50, 90, 99, 100]).tolist()
    return [str(len(seconds)), *(f"{each:.2f} s" for each in found)]


def hostilities(address: str, sizes: Sizes) -> Found:
    """From a decision to its alert, and a worker's memory, without and with a producer that invents all."""
    rows, bars = [], list[Bar]()
    for invented in (0, sizes.hostile, 4 * sizes.hostile):
        found = latency.measure(address, _name(), sizes.rate // 2, sizes.beside, invented=invented)
        megabytes = [f"{size / 1e6:.0f}" for size in (found.memory, found.grown)]
        rows.append([f"{invented:,}", *_delays(found.seconds), f"{found.ids:,}", *megabytes])
        p99 = float(np.percentile(found.seconds, 99))
        bars.append(Bar(f"seconds to an alert of others, p99, {invented:,} hostile/s", p99, most=SLOWEST))
    title = f"A hostile producer beside {sizes.rate // 2:,} decisions a second of other models"
    columns = ["hostile events/s", *DELAYS, "ids that came and wait", "worker, MB", "grown by, MB"]
    return [Table(title, columns, rows)], bars


def recoveries(address: str, sizes: Sizes) -> Found:
    """What a restart takes, and for how long partitions stand still."""
    again = recovery.restore(address, _name(), sizes.restored)
    stalls = recovery.stalls(address, _name(), sizes.restored // 5)
    times = [f"{seconds:.1f} s" for seconds in (again.seconds, again.empty)]
    rates = [f"{rate:,.0f}" for rate in (again.starting, again.restoring)]
    row = [f"{again.decisions:,}", *times, *rates, f"{again.each:.0f}"]
    still = [[what, f"{stall.stays:.1f} s", f"{stall.moves:.1f} s"] for what, stall in stalls.items()]
    return [
        Table("A restart", RESTARTED, [row]),
        Table("A partition takes nothing, at most for", STILL, still),
    ], [
        Bar("rows of state restored a second, from the start of the process", again.starting, RESTORED),
        Bar("bytes a pending decision, as a worker grows", again.each, most=LARGEST),
        Bar(
            "seconds for which a partition that stays takes nothing",
            max(s.stays for s in stalls.values()),
            most=STALL,
        ),
    ]


RESTARTED = [
    "decisions that wait",
    "until ready",
    "without any",
    "rows/s",
    "rows/s while restoring",
    "bytes each",
]
STILL = ["", "that stays", "that moves"]


def growths(_: str, sizes: Sizes) -> Found:
    """What ten times as much costs, and the join."""
    found = growth.table(sizes.growth)
    rows = [
        [
            name,
            f"{before.micros:.2f} → {after.micros:.2f}",
            f"{before.reading:.1f} → {after.reading:.1f}",
            f"{before.facts / 1e6:.1f} → {after.facts / 1e6:.1f}",
            f"{before.panes / 1e6:.2f} → {after.panes / 1e6:.2f}",
        ]
        for name, (before, after) in found.items()
    ]
    columns = ["", "CPU µs an event", "a reading after news, ms", "facts, MB", "panes, MB"]
    join = growth.join(sizes.pending, sizes.lookups)
    numbers = join.each, join.resident, join.found, join.learned
    joined = Table(
        "The join",
        ["pending decisions", "bytes each", "resident", "ids found/s", "feedback learned/s"],
        [[f"{join.pending:,}", *(f"{number:,.0f}" for number in numbers)]],
    )
    bars = [
        Bar("bytes a pending decision, as a process of facts grows", join.resident, most=LARGEST),
        Bar("ids found a second among pending ones", join.found, JOINED),
    ]
    return [Table("What ten times as much costs", columns, rows), joined], bars


def recomputations(_: str, sizes: Sizes) -> Found:
    """A reading against recomputing it."""
    found = [recompute.reading(count, sizes.evidently) for count in sizes.rows]
    return [Table("Saying all metrics of a window once", RECOMPUTED, [*map(_recomputed, found)])], []


RECOMPUTED = ["rows", "fairlearn, ms", "Evidently, ms", "Fairlead, anew, ms", "after a decision, ms"]
RECOMPUTED += ["fairlearn ÷ anew", "fairlearn ÷ after a decision"]


def _recomputed(found: recompute.Reading) -> list[str]:
    theirs = "–" if found.evidently is None else f"{found.evidently:,.0f}"
    ours = [f"{found.anew:.1f}", f"{found.live:.1f}"]
    ratios = [f"{found.fairlearn / ms:,.0f}" for ms in (found.anew, found.live)]
    return [f"{found.rows:,}", f"{found.fairlearn:,.0f}", theirs, *ours, *ratios]
