"""The bars: what the tables must show. A bar is broken by a figure above (or below) what is allowed."""

from dataclasses import dataclass

from benchmarks.sequential.means import KINDS
from benchmarks.sequential.tables import Table

OURS = "RIPr grid (Fairlead)"
RATIO = "RIPr grid, ratio (Fairlead)"
SR = "e-SR, A = 1000 (Fairlead)"
EBH = "e-BH on current E (Fairlead)"
PROVISIONAL = "provisional outcomes of a group, fed as it comes"
MATURED = "provisional outcomes of a group, fed when it has matured (Fairlead)"
YEAR = "Fairlead, budget 1 per year"


@dataclass(frozen=True)
class Bar:
    """Table, row and column of a figure, and what it may be at most, or must be at least."""

    table: str
    row: str
    column: str
    most: float = float("inf")
    least: float = float("-inf")


def _mixes(table: str, row: str, column: str, *most: float) -> list[Bar]:
    return [
        Bar(table, row, f"{column} {share}%", limit) for share, limit in zip((50, 10, 1), most, strict=True)
    ]


BARS = [
    *_mixes("proof", OURS, "false alarms", 0.03, 0.03, 0.03),
    *_mixes("ratio", RATIO, "false alarms", 0.05, 0.05, 0.05),
    *_mixes("proof", OURS, "gap 0.1", 1_500, 3_700, 31_500),
    *_mixes("proof", OURS, "gap 0.2", 400, 1_000, 7_200),
    Bar("drift", OURS, "runs with an alarm", most=0.02),
    Bar("drift", "z-test every 100", "runs with an alarm", least=0.99),
    *_mixes("change", SR, "false gap τ", 0.5, 0.5, 0.5),
    *_mixes("change", SR, "false gap 0", 0.05, 0.05, 0.05),
    *_mixes("change", SR, "delay 0→.2", 900, 2_100, 11_000),
    Bar("many", EBH, "false share of the list", most=0.01),
    Bar("many", EBH, "power", least=0.85),
    Bar("many", "z-test every 100", "false share of the list", least=0.35),
    *(Bar("delays", f"delay by {how}", "false alarms", most=0.05) for how in ("chance", "group")),
    Bar("delays", MATURED, "false alarms", most=0.05),
    Bar("delays", PROVISIONAL, "false alarms", least=0.3),
    Bar("delays", "delay by decision, in one group", "false alarms", least=0.3),
    *(bar for kind in KINDS for bar in _mixes("limits", kind, "false alarms", 0.05, 0.05, 0.05)),
    *(bar for kind in KINDS for bar in _mixes("limits", kind, "false changes", 1, 1, 1)),
    Bar("year", YEAR, "a year", most=1),
    Bar("year", "z-test of all so far, 5 %", "a year", least=10),
    Bar("speed", OURS, "µs to close 50 cells", most=300),
    Bar("speed", OURS, "ns an event", most=250),
    Bar("speed", OURS, "bytes of state a cell", most=160),
]


def judged(tables: dict[str, Table]) -> list[tuple[Bar, float, bool]]:
    """Each bar of the tables at hand, its figure, and whether it holds."""
    found = [(bar, tables[bar.table].values[bar.row, bar.column]) for bar in BARS if bar.table in tables]
    return [(bar, figure, bar.least <= figure <= bar.most) for bar, figure in found]
