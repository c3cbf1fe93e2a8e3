"""What all boards share: variables, queries, panel defaults and the words and colours of verdicts."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from grafana_foundation_sdk.builders import common as builders
from grafana_foundation_sdk.builders import dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models.dashboard import Dashboard as Board
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
FOLDER, TAG = "Fairlead", "fairlead"
GREEN, AMBER, RED, GREY, BLUE = "#3f8f5f", "#d9a13b", "#c8503c", "#8a9592", "#4a8a96"

Panel = TypeVar("Panel", stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)

# A verdict's word, colour, and place from good to bad, which is also its number on a timeline.
VERDICTS = {
    "within_limits": ("Within limits", GREEN, 1),
    "undefined": ("Undefined", GREY, 2),
    "stale": ("Stale", BLUE, 3),
    "undecided": ("Undecided", AMBER, 4),
    "out_of_limits": ("Out of limits", RED, 5),
}


def board(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """An empty board with the choice of a data source; `finished` makes it a model."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .refresh("10s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(dashboard.DashboardLink("Fairlead").type("dashboards").tags([TAG]).keep_time(True))
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )


def finished(made: dashboard.Dashboard) -> Board:
    """The board's model, its panels numbered in order."""
    model = made.build()
    for number, panel in enumerate(model.panels or [], start=1):
        panel.id_val = number
    return model


def variable(name: str, label: str, series: str, of: str | None = None) -> dashboard.QueryVariable:
    """A choice among the values that the label `of` (by default `name`) has in `series`."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(f"label_values({series}, {of or name})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def every(made: dashboard.QueryVariable) -> dashboard.QueryVariable:
    """Lets a variable stand for several values, at first for all."""
    return made.multi(True).include_all(True).all_value(".*")


def query(expr: str, legend: str = "") -> prometheus.Dataquery:
    """Values over time."""
    return prometheus.Dataquery().expr(expr).legend_format(legend or "__auto").range().datasource(DATASOURCE)


def now(expr: str, legend: str = "") -> prometheus.Dataquery:
    """The values of this moment, as rows of a table."""
    made = prometheus.Dataquery().expr(expr).instant().format(PromQueryFormat.TABLE).datasource(DATASOURCE)
    return made.legend_format(legend or "__auto")


def lines(
    title: str, description: str, *queries: prometheus.Dataquery, unit: str = "short"
) -> timeseries.Panel:
    """Lines over time; a gap in the data stays a gap."""
    legend = builders.VizLegendOptions().display_mode(models.LegendDisplayMode.LIST).show_legend(True)
    made = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .line_width(2)
        .fill_opacity(0)
        .span_nulls(False)
        .show_points(models.VisibilityMode.NEVER)
        .legend(legend.placement(models.LegendPlacement.BOTTOM).calcs(["lastNotNull"]))
        .tooltip(builders.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI))
    )
    return _asking(made, queries)


def figure(title: str, description: str, asked: prometheus.Dataquery, unit: str = "short") -> stat.Panel:
    """One number."""
    made = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .graph_mode(models.BigValueGraphMode.NONE)
        .color_mode(models.BigValueColorMode.VALUE)
        .reduce_options(builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(steps())
    )
    return _asking(made.height(4).span(4), [asked])


def rows(title: str, description: str, *queries: prometheus.Dataquery) -> table.Panel:
    """A table: the queries' values side by side, a row for each combination of labels."""
    made = table.Panel().title(title).description(description).datasource(DATASOURCE).show_header(True)
    return _asking(made, queries).with_transformation(DataTransformerConfig("merge", options={}))


def timeline(title: str, description: str, asked: prometheus.Dataquery) -> statetimeline.Panel:
    """Verdicts over time, one row each."""
    made = (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .show_value(models.VisibilityMode.NEVER)
        .merge_values(True)
        .mappings([verdict_words()])
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.FIXED).fixed_color(GREY))
    )
    return _asking(made, [asked])


def _asking(panel: Panel, queries: Iterable[prometheus.Dataquery]) -> Panel:
    for letter, asked in zip("ABCDEFGHIJ", queries, strict=False):
        panel.with_target(asked.ref_id(letter))
    return panel


def columns(names: Mapping[str, str], without: Iterable[str] = ()) -> DataTransformerConfig:
    """Names a table's columns, in this order; leaves out `without`, the time and the scrape's labels."""
    gone = dict.fromkeys(("Time", "__name__", "instance", "job", *without), True)
    order = {name: place for place, name in enumerate(names)}
    return DataTransformerConfig(
        "organize", options={"excludeByName": gone, "indexByName": order, "renameByName": dict(names)}
    )


def steps(*above: tuple[float, str], below: str = GREY) -> dashboard.ThresholdsConfig:
    """Colours from `below` on: each pair is a value and the colour from it upwards."""
    found = [Threshold(value=None, color=below), *(Threshold(value=at, color=color) for at, color in above)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def verdict_words() -> ValueMap:
    """Shows a verdict, or its number, as coloured words."""
    shown = {}
    for name, (text, color, number) in VERDICTS.items():
        shown[name] = shown[str(number)] = ValueMappingResult(text=text, color=color, index=number)
    return ValueMap(options=shown)


def verdict_numbers(series: str, selector: str, by: str) -> str:
    """PromQL of each verdict's number, from a metric that is a set of states."""
    states = (f'{series}{{{selector}, verdict="{name}"}} * {n}' for name, (_, _, n) in VERDICTS.items())
    return f"max by ({by}) ({' or '.join(states)})"


def coloured() -> list[DynamicConfigValue]:
    """A table's column of verdicts: words on their colours."""
    return [
        DynamicConfigValue("mappings", [verdict_words()]),
        DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
    ]


def percent(decimals: int = 1) -> list[DynamicConfigValue]:
    """A table's column of shares."""
    return [DynamicConfigValue("unit", "percentunit"), DynamicConfigValue("decimals", decimals)]


def faint() -> list[DynamicConfigValue]:
    """A thin line: the ends of an interval."""
    return [
        DynamicConfigValue("custom.lineWidth", 1),
        DynamicConfigValue("custom.lineStyle", {"fill": "solid"}),
    ]


def band(lower: str, color: str) -> list[DynamicConfigValue]:
    """Fills from this series down to the one named `lower`."""
    return [
        *faint(),
        DynamicConfigValue("custom.fillBelowTo", lower),
        DynamicConfigValue("custom.fillOpacity", 18),
        fixed(color),
    ]


def dashed(color: str) -> list[DynamicConfigValue]:
    """A dashed line: a limit."""
    return [
        DynamicConfigValue("custom.lineWidth", 1),
        DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
        fixed(color),
    ]


def fixed(color: str) -> DynamicConfigValue:
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})
