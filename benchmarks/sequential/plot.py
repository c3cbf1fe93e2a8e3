"""The main table as a picture: bars of median delays on a logarithmic scale, in plain SVG."""

from html import escape
from math import isfinite, log10

from benchmarks.sequential.tables import Table

WIDTH, LEFT, TOP, BAR, SPACE = 760, 210, 64, 16, 26
LOWEST, HIGHEST = 2.0, 5.0  # powers of ten of the axis
SOUND, FALSE = "#2f6f9f", "#c9cdd2"
GREY, BOLD = 'fill="#5c636a"', 'font-weight="bold"'
KEY = "Median decisions until a gap is found. Grey bars: false alarms in more than 5 % of fair streams."


def svg(table: Table, columns: list[str]) -> str:
    """One panel a column of the table of proofs: how long each method takes, and its false alarms."""
    rows = list(dict.fromkeys(row for row, _ in table.values))
    panel = len(rows) * BAR + SPACE + 22
    height = TOP + len(columns) * panel
    parts = [_text(16, 24, table.title, BOLD), _text(16, 44, KEY, GREY)]
    for i, column in enumerate(columns):
        parts += _panel(table, column, rows, TOP + i * panel)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *parts, "</svg>", ""])


def _panel(table: Table, column: str, rows: list[str], top: int) -> list[str]:
    gap, _, share = column.rpartition(" ")
    parts = [_text(16, top + 12, f"{gap}, minority of {share}", BOLD)]
    for i, row in enumerate(rows):
        false = table.values[row, f"false alarms {share}"]
        parts += _bar(row, table.values[row, column], false, top + 20 + i * BAR)
    return parts


def _bar(row: str, events: float, false: float, y: int) -> list[str]:
    color = FALSE if false > 0.05 else SOUND
    end = _x(events) if isfinite(events) else LEFT
    label = f"{events:,.0f}" if isfinite(events) else "not within 100,000"
    return [
        _text(LEFT - 8, y + 11, row, 'text-anchor="end"'),
        f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR - 4}" fill="{color}"/>',
        _text(end + 6, y + 11, f"{label}  ({false:.1%} false)", GREY),
    ]


def _x(events: float) -> float:
    share = (log10(max(events, 10**LOWEST)) - LOWEST) / (HIGHEST - LOWEST)
    return LEFT + share * (WIDTH - LEFT - 150)


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" {attributes}>{escape(text)}</text>'
