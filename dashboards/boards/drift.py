"""The board "Drift": how far one model's streams have moved from their baseline."""

from grafana_foundation_sdk.builders import dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models.dashboard import Dashboard as Board

from dashboards.boards.common import (
    AMBER,
    RED,
    board,
    coloured,
    columns,
    dashed,
    every,
    figure,
    finished,
    lines,
    now,
    query,
    rows,
    steps,
    timeline,
    variable,
    verdict_numbers,
)

MODEL = 'model="$model", window="$window"'
STREAM = f'{MODEL}, measure="$measure", stream=~"$stream"'


def build() -> Board:
    """The board."""
    made = board(
        "fairlead-drift", "Drift", "How far the streams of one model have moved from their baseline."
    )
    for choice in choices():
        made = made.with_variable(choice)
    return finished(
        made.with_row(dashboard.Row("$model, $window"))
        .with_panel(judged("out_of_limits", "Out of limits", RED))
        .with_panel(judged("undecided", "Undecided", AMBER))
        .with_panel(verdicts_over_time())
        .with_panel(drift_over_time())
        .with_panel(drift_now())
        .with_panel(changes())
    )


def choices() -> list[dashboard.QueryVariable]:
    return [
        variable("model", "Model", "fairlead_drift"),
        variable("window", "Window", 'fairlead_drift{model="$model"}'),
        variable("measure", "Measure", f"fairlead_drift{{{MODEL}}}"),
        every(variable("stream", "Stream", f'fairlead_drift{{{MODEL}, measure="$measure"}}')),
    ]


def judged(verdict: str, title: str, color: str) -> stat.Panel:
    asked = query(f'sum(fairlead_drift_verdict{{{MODEL}, rule!="", verdict="{verdict}"}}) or vector(0)')
    made = figure(title, f"Drift measures that a rule limits and whose verdict is {verdict}.", asked)
    return made.thresholds(steps((1, color)))


def verdicts_over_time() -> statetimeline.Panel:
    numbers = verdict_numbers("fairlead_drift_verdict", f'{MODEL}, rule!=""', "measure, stream, rule")
    asked = query(numbers, "{{measure}}: {{stream}}")
    return timeline("Verdicts over time", "One row a measure and stream.", asked).span(16).height(7)


def drift_over_time() -> timeseries.Panel:
    made = lines(
        "$measure over time",
        "The distance to the baseline, or the number of changes found. Dashed: the rule's limit.",
        query(f"max by (stream) (fairlead_drift{{{STREAM}}})", "{{stream}}"),
        query(f"max by (rule) (fairlead_drift_limit{{{STREAM}}})", "limit ({{rule}})"),
    )
    return made.override_by_regexp("^limit .*", dashed(RED)).span(24).height(9)


def drift_now() -> table.Panel:
    of = "measure, stream"
    made = rows(
        "All measures",
        "Every measure of every stream, with its interval, limit and verdict.",
        now(f"max by ({of}) (fairlead_drift{{{MODEL}}})"),
        now(f"max by ({of}) (fairlead_drift_limit{{{MODEL}}})"),
        now(f'max by ({of}, verdict) (fairlead_drift_verdict{{{MODEL}, rule!=""}} == 1)'),
        now(f"max by ({of}) (fairlead_drift_low{{{MODEL}}})"),
        now(f"max by ({of}) (fairlead_drift_high{{{MODEL}}})"),
    )
    names = {
        "verdict": "Verdict",
        "measure": "Measure",
        "stream": "Stream",
        "Value #A": "Value",
        "Value #D": "From",
        "Value #E": "To",
        "Value #B": "Limit",
    }
    shown = made.with_transformation(columns(names, without=["Value #C"]))
    return shown.override_by_name("Verdict", coloured()).decimals(3).span(14).height(10)


def changes() -> table.Panel:
    asked = now(f"max by (measure, stream) (fairlead_drift_changed_timestamp_seconds{{{MODEL}}}) * 1000")
    made = rows(
        "Newest change of each stream", "Event time of the newest change that a detector found.", asked
    )
    names = {"stream": "Stream", "measure": "Detector", "Value": "Changed", "Value #A": "Changed"}
    return made.with_transformation(columns(names)).unit("dateTimeAsIso").span(10).height(10)
