"""The board "Fairness": one model's groups, gaps and verdicts in one window."""

from grafana_foundation_sdk.builders import dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models.dashboard import Dashboard as Board

from dashboards.boards.common import (
    AMBER,
    BLUE,
    GREEN,
    RED,
    band,
    board,
    coloured,
    columns,
    dashed,
    faint,
    figure,
    finished,
    fixed,
    lines,
    now,
    percent,
    query,
    rows,
    steps,
    timeline,
    variable,
    verdict_numbers,
)

MODEL = 'model="$model", window="$window"'
ATTRIBUTE = f'{MODEL}, attribute="$attribute"'
RATE = f'{ATTRIBUTE}, metric="$metric"'
GAP = f'{RATE}, compare="$compare", group="$group"'
OF_GAP = "metric, compare, group, reference"


def build() -> Board:
    """The board."""
    made = board("fairlead-fairness", "Fairness", "Groups, gaps and verdicts of one model.")
    for choice in choices():
        made = made.with_variable(choice)
    return finished(
        made.with_row(dashboard.Row("$model, $window"))
        .with_panel(firing())
        .with_panel(judged("out_of_limits", "Out of limits", RED))
        .with_panel(judged("undecided", "Undecided", AMBER))
        .with_panel(judged("within_limits", "Within limits", GREEN))
        .with_panel(decisions())
        .with_panel(outcomes())
        .with_row(dashboard.Row("$attribute"))
        .with_panel(rate_by_group())
        .with_panel(rates_now())
        .with_panel(gap_over_time())
        .with_panel(gaps_now())
        .with_panel(verdicts_now())
        .with_panel(verdicts_over_time())
        .with_panel(coverage_by_group())
        .with_panel(decisions_by_group())
        .with_panel(cautions())
        .with_panel(restarts())
        .with_row(dashboard.Row("Alerts"))
        .with_panel(alerts_now())
        .with_panel(alerts_over_time())
    )


def choices() -> list[dashboard.QueryVariable]:
    return [
        variable("model", "Model", "fairlead_decisions"),
        variable("window", "Window", 'fairlead_decisions{model="$model"}'),
        variable("attribute", "Attribute", f"fairlead_group_decisions{{{MODEL}}}"),
        variable("metric", "Metric", f"fairlead_gap{{{ATTRIBUTE}}}"),
        variable("compare", "Compared as", f"fairlead_gap{{{RATE}}}"),
        variable("group", "Group", f'fairlead_gap{{{RATE}, compare="$compare"}}'),
    ]


def firing() -> stat.Panel:
    asked = query('sum(fairlead_alerts{model="$model", state="firing"}) or vector(0)')
    made = figure("Alerts firing", "Alerts of this model that fire now, in all windows.", asked)
    return made.thresholds(steps((1, RED), below=GREEN))


def judged(verdict: str, title: str, color: str) -> stat.Panel:
    asked = query(f'sum(fairlead_verdict{{{MODEL}, rule!="", verdict="{verdict}"}}) or vector(0)')
    made = figure(title, f"Comparisons that a rule limits and whose verdict is {verdict}.", asked)
    return made.thresholds(steps((1, color)))


def decisions() -> stat.Panel:
    return figure("Decisions", "Decisions in the window.", query(f"sum(fairlead_decisions{{{MODEL}}})"))


def outcomes() -> stat.Panel:
    share = query(f"sum(fairlead_feedback{{{MODEL}}}) / sum(fairlead_decisions{{{MODEL}}})")
    return figure("Outcomes", "Share of the window's decisions whose outcome has come.", share, "percentunit")


def rate_by_group() -> timeseries.Panel:
    asked = query(f"max by (group) (fairlead_rate{{{RATE}}})", "{{group}}")
    made = lines("$metric by group", "The rate of each group; no line where it is undefined.", asked)
    return made.unit("percentunit").span(14).height(9)


def rates_now() -> table.Panel:
    def asked(metric: str) -> str:
        return f"max by (group) ({metric}{{{RATE}}})"

    made = rows(
        "$metric by group, with its 95 % interval",
        "The rate, the ends of its pointwise interval, and its denominator.",
        now(asked("fairlead_rate")),
        now(asked("fairlead_rate_low")),
        now(asked("fairlead_rate_high")),
        now(asked("fairlead_rate_decisions")),
    )
    names = {"group": "Group", "Value #A": "Rate", "Value #B": "Low", "Value #C": "High", "Value #D": "n"}
    shares = made.with_transformation(columns(names)).override_by_regexp("Rate|Low|High", percent())
    return shares.span(10).height(9)


def gap_over_time() -> timeseries.Panel:
    made = lines(
        "$group: gap in $metric, with its 95 % interval and limits",
        "The group's rate minus (difference) or over (ratio) the reference's; shaded: its interval.",
        query(f"max by (reference) (fairlead_gap_high{{{GAP}}})", "high"),
        query(f"max by (reference) (fairlead_gap{{{GAP}}})", "gap to {{reference}}"),
        query(f"max by (reference) (fairlead_gap_low{{{GAP}}})", "low"),
        query(f"max by (bound, rule) (fairlead_gap_limit{{{GAP}}})", "{{bound}} ({{rule}})"),
    )
    made = made.override_by_name("high", band("low", BLUE)).override_by_name("low", [*faint(), fixed(BLUE)])
    return made.override_by_regexp("^(min|max) .*", dashed(RED)).span(14).height(9)


def gaps_now() -> table.Panel:
    def asked(metric: str) -> str:
        return f'max by ({OF_GAP}) ({metric}{{{ATTRIBUTE}, metric="$metric"}})'

    made = rows(
        "Gaps in $metric, with their 95 % intervals",
        "All comparisons of this metric.",
        now(asked("fairlead_gap")),
        now(asked("fairlead_gap_low")),
        now(asked("fairlead_gap_high")),
    )
    names = {
        "group": "Group",
        "reference": "Against",
        "compare": "As",
        "Value #A": "Gap",
        "Value #B": "Low",
        "Value #C": "High",
    }
    return made.with_transformation(columns(names, without=["metric"])).decimals(3).span(10).height(9)


def verdicts_now() -> table.Panel:
    series = f'max by ({OF_GAP}, rule, verdict) (fairlead_verdict{{{ATTRIBUTE}, rule!=""}} == 1)'
    made = rows(
        "Verdicts", "What the interval of each comparison proves against its rule's limits.", now(series)
    )
    names = {
        "verdict": "Verdict",
        "metric": "Metric",
        "compare": "As",
        "group": "Group",
        "reference": "Against",
        "rule": "Rule",
    }
    shown = made.with_transformation(columns(names, without=["Value", "Value #A"]))
    return shown.override_by_name("Verdict", coloured()).span(14).height(10)


def verdicts_over_time() -> statetimeline.Panel:
    numbers = verdict_numbers(
        "fairlead_verdict", f'{ATTRIBUTE}, metric="$metric", rule!=""', f"{OF_GAP}, rule"
    )
    asked = query(numbers, "{{group}}: {{compare}}")
    return timeline("Verdicts on $metric over time", "One row a comparison.", asked).span(10).height(10)


def coverage_by_group() -> timeseries.Panel:
    asked = query(f"max by (group) (fairlead_coverage{{{ATTRIBUTE}}})", "{{group}}")
    said = "Share of decisions with an outcome. Where it differs between groups, outcome metrics may mislead."
    return lines("Coverage by group", said, asked, unit="percentunit").span(12).height(8)


def decisions_by_group() -> timeseries.Panel:
    asked = query(f"max by (group) (fairlead_group_decisions{{{ATTRIBUTE}}})", "{{group}}")
    return lines("Decisions by group", "Decisions in the window.", asked).span(12).height(8)


def cautions() -> table.Panel:
    asked = now(f"max by (attribute, group, reference, kind) (fairlead_caution{{{MODEL}}})")
    said = (
        "Where outcomes come selectively, or much later for some groups: metrics that rest on them mislead."
    )
    names = {"kind": "Caution", "attribute": "Attribute", "group": "Group", "reference": "Reference"}
    return (
        rows("Cautions", said, asked)
        .with_transformation(columns(names, without=["Value"]))
        .span(24)
        .height(5)
    )


def restarts() -> table.Panel:
    asked = now('max by (rule, attribute, reason) (fairlead_test_restarts_total{model="$model"})')
    said = (
        "Tests that began anew, or later than others: too many corrections, an edited rule, a group that is"
        " new. Corrections that repeat say that mature_after is too short."
    )
    names = {"reason": "Reason", "rule": "Rule", "attribute": "Attribute", "Value": "Times"}
    return rows("Tests begun anew", said, asked).with_transformation(columns(names)).span(24).height(5)


def alerts_now() -> table.Panel:
    asked = now('sum by (model, rule, severity) (fairlead_alerts{state="firing"}) > 0')
    made = rows("Firing, all models", "How many alerts of each rule fire now.", asked)
    names = {
        "severity": "Severity",
        "model": "Model",
        "rule": "Rule",
        "Value": "Alerts",
        "Value #A": "Alerts",
    }
    return made.with_transformation(columns(names)).span(12).height(8)


def alerts_over_time() -> timeseries.Panel:
    asked = query('sum by (model, state) (fairlead_alerts{state!="resolved"})', "{{model}}, {{state}}")
    return lines("Alerts over time, all models", "Alerts that fire or are pending.", asked).span(12).height(8)
