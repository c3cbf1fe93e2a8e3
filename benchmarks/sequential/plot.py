"""Two tables as pictures: bars on a logarithmic scale, in plain SVG."""

from html import escape
from math import isfinite, log10

from benchmarks.sequential.tables import Table

WIDTH, LEFT, TOP, BAR, SPACE = 760, 210, 64, 16, 26
LOWEST, HIGHEST = 2.0, 5.0  # powers of ten of the axis
SOUND, FALSE = "#2f6f9f", "#c9cdd2"
HALO = 'paint-order="stroke" stroke="#fff" stroke-width="4"'  # where a line passes behind a text
GREY, BOLD = 'fill="#5c636a"', 'font-weight="bold"'
YEARLY = (-2.0, 4.0)  # powers of ten of the axis of false alarms a year
KEY = "Median decisions until a gap is found. Grey bars: false alarms in more than 5 % of fair streams."


def svg(table: Table, columns: list[str]) -> str:
    """One panel a column of the table of proofs: how long each method takes, and its false alarms."""
    rows = list(dict.fromkeys(row for row, _ in table.values))
    panel = len(rows) * BAR + SPACE + 22
    parts = [_text(16, 24, table.title, BOLD), _text(16, 44, KEY, GREY)]
    for i, column in enumerate(columns):
        parts += _panel(table, column, rows, TOP + i * panel)
    return _image(TOP + len(columns) * panel, parts)


def years(table: Table) -> str:
    """How many false alarms a year each rule raises, beside the budget of one a year."""
    rows = list(dict.fromkeys(row for row, _ in table.values))
    height = TOP + len(rows) * BAR + SPACE
    x = _scaled(1, *YEARLY)
    budget = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{height - SPACE}" stroke="#b3452c"/>'
    parts = [
        _text(16, 24, table.title, BOLD),
        _text(16, 44, "The line is the budget: 1 a year.", GREY),
        budget,
    ]
    for i, row in enumerate(rows):
        value, low, high = (table.values[row, column] for column in ("a year", "95 % from", "to"))
        label = "{} (95 %: {} to {})".format(*(f"{x:,.{0 if x >= 10 else 2}f}" for x in (value, low, high)))
        color = SOUND if "Fairlead" in row else FALSE
        parts += _drawn(row, _scaled(value, *YEARLY), label, color, TOP + i * BAR)
    return _image(height, parts)


def _image(height: int, parts: list[str]) -> str:
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
    end = _scaled(events, LOWEST, HIGHEST) if isfinite(events) else LEFT
    label = f"{events:,.0f}" if isfinite(events) else "not within 100,000"
    return _drawn(row, end, f"{label}  ({false:.1%} false)", FALSE if false > 0.05 else SOUND, y)


def _drawn(row: str, end: float, label: str, color: str, y: int) -> list[str]:
    return [
        _text(LEFT - 8, y + 11, row, 'text-anchor="end"'),
        f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR - 4}" fill="{color}"/>',
        _text(end + 6, y + 11, label, f"{GREY} {HALO}"),
    ]


def _scaled(value: float, lowest: float, highest: float) -> float:
    share = (log10(max(value, 10**lowest)) - lowest) / (highest - lowest)
    return LEFT + share * (WIDTH - LEFT - 150)


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" {attributes}>{escape(text)}</text>'
