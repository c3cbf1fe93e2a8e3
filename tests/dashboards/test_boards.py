"""The boards: every panel's queries are asked of a real Prometheus that scrapes a real exporter."""

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from dashboards.metrics import METRICS
from dashboards.provision import all_boards, encoded, export
from dashboards.web import make_web
from tests.dashboards.prometheus import Prometheus, prometheus
from tests.dashboards.sample import sample

Json = dict[str, Any]
DEPLOY = Path(__file__).parents[2] / "deploy"
BOARDS: list[Json] = [json.loads(encoded(board)) for board in all_boards()]
CHOSEN = {
    "model": "compas",
    "window": "all",
    "attribute": "race",
    "metric": "false_positive_rate",
    "compare": "difference",
    "group": "African-American",
    "measure": "psi",
    "stream": ".*",
    "__rate_interval": "30s",
}
PANELS = [(board["title"], panel) for board in BOARDS for panel in board["panels"] if panel["type"] != "row"]


@pytest.fixture
async def scraped(tmp_path: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus that has seen a busy worker counting on."""
    view = sample()
    view.state = replace(view.state, last_arrival=time.time())
    async with (
        TestServer(make_web(view)) as server,
        prometheus(tmp_path / "p", f"{server.host}:{server.port}") as made,
    ):
        await made.query("fairlead_ready")
        view.later(500)
        await made.query("increase(fairlead_duplicate_events_total[30s]) > 0")
        yield made


def filled(expression: str, **choices: str) -> str:
    """PromQL with the board's variables filled in."""
    return re.sub(r"\$(\w+)", lambda found: {**CHOSEN, **choices}[found[1]], expression)


async def test_every_query_of_every_panel_has_data(scraped: Prometheus):
    asked = [filled(target["expr"]) for _, panel in PANELS for target in panel["targets"]]
    assert len(asked) > 50
    for expression in asked:
        assert await scraped.query(expression)


async def test_every_variable_has_its_choices(scraped: Prometheus):
    for board in BOARDS:
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]).groups()
                found = await scraped.values(label, filled(series))
                assert CHOSEN[variable["name"]] in {*found, ".*"}, variable["name"]


async def test_the_numbers_on_the_board_are_the_published_ones(scraped: Prometheus):
    [panel] = [p for _, p in PANELS if p["title"] == "$metric by group"]
    found = await scraped.query(filled(panel["targets"][0]["expr"]))
    assert {r["metric"]["group"]: float(r["value"][1]) for r in found}["African-American"] == 805 / 1795


async def test_a_verdict_s_number_on_the_timeline_is_that_of_the_verdict(scraped: Prometheus):
    [panel] = [p for _, p in PANELS if p["title"] == "Verdicts on $metric over time"]
    found = await scraped.query(filled(panel["targets"][0]["expr"]))
    numbers = {r["metric"]["group"]: float(r["value"][1]) for r in found}
    words = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    assert words[f"{numbers['African-American']:.0f}"]["text"] == "Out of limits"
    assert words[f"{numbers['Hispanic']:.0f}"]["text"] == "Undecided"


def test_every_metric_is_on_a_board():
    """But for those that only say how a value is made."""
    text = "".join(map(json.dumps, BOARDS))
    absent = [spec.name for spec in METRICS if not re.search(rf"{spec.name}\b|{spec.name}_bucket", text)]
    assert absent == ["fairlead_as_of_timestamp_seconds", "fairlead_build_info"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_boards_are_whole(board: Json):
    panels = board["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    assert board["uid"].startswith("fairlead-")
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)
    for panel in (panel for panel in panels if panel["type"] != "row"):
        assert panel["description"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    variables = {variable["name"] for variable in board["templating"]["list"]}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(board))) - {"__rate_interval"} == variables


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["uid"])
def test_panels_do_not_overlap_and_fill_the_width(board: Json):
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in board["panels"])
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert {x for x, _ in cells} == set(range(24))


def test_the_exported_boards_are_fresh(tmp_path: Path):
    kept = {path.name: path.read_text() for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")}
    assert kept == {path.name: path.read_text() for path in export(tmp_path)}, (
        "run: fairlead dashboards export"
    )
