"""The page in a real browser."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from dashboards.web import make_web
from monitor.events.exposed import Exposure
from monitor.readings import Rate
from tests.dashboards.chromium import Tab, chromium
from tests.dashboards.sample import SampleView, nothing, sample

READY = "document.querySelector('#health')"
PAGE = Path(__file__).parents[2] / "dashboards" / "page"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
OUTSIDE = """[...document.querySelectorAll('main td, main th, main p, main h1, main h2, main .pill')]
    .filter((e) => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1)
    .map((e) => e.outerHTML)"""


@pytest.fixture
def view() -> SampleView:
    made = sample()
    made.state = replace(made.state, last_arrival=time.time())
    return made


@pytest.fixture
async def server(view: SampleView) -> AsyncIterator[TestServer]:
    async with TestServer(make_web(view)) as made:
        yield made


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with chromium(tmp_path / "profile") as made:
        yield made


async def show(tab: Tab, server: TestServer, path: str = "/", width: int = 1280) -> None:
    await tab.open(str(server.make_url("/"))[:-1] + path, width)
    await tab.until(READY)


async def test_groups_comparisons_alerts_and_health_are_shown(tab: Tab, server: TestServer):
    await show(tab, server)
    model = await tab.text("#model")
    assert "Broward County Pretrial Services" in model
    row = await tab.text("[data-key='attribute-race'] .groups [data-key='African-American']")
    assert row.replace("\n", "\t").split("\t")[:4] == ["African-American", "3,696", "100 %", "44.8 %"]
    comparison = await tab.text("[data-key='attribute-race'] .comparisons tbody tr")
    for said in ("+21.4 pts", "44.8 % : 23.5 %", "limit ±5.0 pts", "n = 1,795 and 1,488", "Out of limits"):
        assert said in comparison
    for said in ("always: +13.2 to +29.5 pts", "proved 22 Sept 2017; changed about 21 Sept 2017; listed"):
        assert said in comparison
    anew = "always, since its test began on 18 Aug 2016: "
    assert anew in await tab.text("[data-key='attribute-race'] .comparisons")
    beyond = " values beyond their bounds, tested as the nearest"
    assert (await tab.text("[data-key='attribute-race'] .comparisons")).count(beyond) == 1
    why = "Too many of the events that the test had been fed were corrected afterwards"
    why += " (from 18 Aug 2016 on, 31 of 1,812 events, the last of 3 times)."
    assert why in await tab.text("[data-key='attribute-race'] .comparisons")
    about = "Tests of “selection_rate ratio, all” by race, African-American and Caucasian: "
    assert about + why in await tab.text("[aria-label='Tests that began anew']")
    assert "about 1,632 more needed" in await tab.text("[data-key='attribute-race'] .comparisons")
    alerts = await tab.text("#alerts")
    assert alerts.index("CRITICAL") < alerts.index("4 more firing") < alerts.index("2 resolved alerts")
    health = await tab.text("#health")
    assert ["9,031" in health, "unknown model" in health, "≤ 2 s" in health] == [True] * 3
    assert (await tab.text("#status")).strip() == "Live"
    assert await tab.value("document.title") == "(7) compas · Fairlead"
    assert tab.problems == []
    report = "document.querySelector('#model a[href^=report]').href"
    assert str(await tab.value(report)).endswith("/report/compas")


async def test_every_bar_lies_where_its_numbers_say(tab: Tab, server: TestServer):
    await show(tab, server)
    at = "[data-key='attribute-race'] .groups [data-key='Caucasian'] svg"
    assert await tab.value(f"document.querySelector(\"{at} .point\").getAttribute('cx')") == "23.45%"
    drawn = await tab.value(f'document.querySelector("{at} .span").getBoundingClientRect().width')
    whole = await tab.value(f'document.querySelector("{at} .track").getBoundingClientRect().width')
    assert drawn / whole == pytest.approx(0.257 - 0.214, abs=0.002)


async def test_a_window_without_outcomes_is_undefined_and_hides_small_groups(tab: Tab, server: TestServer):
    await show(tab, server)
    await tab.value("document.querySelector('[data-window=\"30d\"]').click()")
    await tab.until("document.querySelector('[data-window=\"30d\"]').ariaPressed === 'true'")
    race = await tab.text("[data-key='attribute-race']")
    assert "Native American" not in race
    assert "Asian" not in race
    assert "Not shown: 16 decisions about small groups" in race
    await tab.value(
        "let s = document.querySelector('[data-rate]'); s.value = 'false_positive_rate';"
        "s.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    assert "Undefined: none to divide by yet" in await tab.text("[data-key='attribute-race'] .groups")


async def test_numbers_that_are_no_shares_and_intervals_with_an_open_end(
    tab: Tab, server: TestServer, view: SampleView
):
    reading = view.shown[1]
    sex = reading.attributes["sex"]
    mean = {"score.mean": Rate(5.213, 4.9, 5.5, 900)}
    groups = {name: replace(group, rates=mean) for name, group in sex.groups.items()}
    gap = replace(sex.comparisons[0], metric="score.mean", value=1.518, low=1.2, high=1.8, min=None, max=2.0)
    ratio = replace(sex.comparisons[1], value=1.1, low=0.85, high=None)
    whole = replace(gap, metric="generalized_entropy", compare="value", reference=None, group="all groups")
    shown = replace(sex, groups=groups, comparisons=[gap, ratio])
    view.shown = [replace(reading, attributes={"sex": shown}, composites=[whole], drift=[])]
    await show(tab, server)
    text = await tab.text("#model")
    for said in ("5.21", "4.9 to 5.5, n = 900", "+1.52", "+1.2 to +1.8; at most +2", "0.850 × or more"):
        assert said in text
    assert "sex: all groups" in text
    assert tab.problems == []


async def test_a_link_to_a_model_shows_that_model(tab: Tab, server: TestServer):
    await show(tab, server, "/#credit")
    assert await tab.text("#model h1") == "credit"
    assert "female & 18–29" in await tab.text("[data-key='attribute-sex & age_band']")
    await tab.value("document.querySelector('#models a').click()")
    await tab.until("document.querySelector('#model h1').innerText === 'compas'")


async def test_it_updates_by_itself_and_keeps_what_the_reader_opened(
    tab: Tab, server: TestServer, view: SampleView
):
    await show(tab, server)
    await tab.value(
        "document.querySelector('#health details').open = true; document.querySelector('select').focus()"
    )
    view.later(1_000)
    view.firing = view.firing[:1]
    await tab.until("document.querySelector('#health').innerText.includes('19,727')")
    assert await tab.value("document.querySelector('#health details').open") is True
    assert await tab.value("document.activeElement.tagName") == "SELECT"
    assert "1 firing" in await tab.text("#alerts")


async def test_it_says_when_the_worker_is_gone(tab: Tab, server: TestServer):
    await show(tab, server)
    await server.close()
    await tab.until("document.querySelector('#status').innerText.includes('Connection lost')")
    assert "These are its last numbers" in await tab.text("#main")
    assert "44.8 %" in await tab.text("#main")


async def test_a_model_without_events_says_how_to_send_the_first(tab: Tab):
    view = nothing()
    async with TestServer(make_web(view)) as server:
        await show(tab, server, "/#support-bot")
        main = await tab.text("#main")
        assert "Waiting for the first decision" in main
        assert 'Emitter("localhost:9092", model="support-bot")' in main
        assert "No rule finds a proven breach" in main
        view.watched = {}
        await tab.until("document.querySelector('#main').innerText.includes('No model is configured')")
        assert tab.problems == []


async def test_a_small_group_s_alert_names_nobody(tab: Tab, server: TestServer, view: SampleView):
    few = view.shown[0].attributes["race"].comparisons[-1]
    view.firing = [replace(view.firing[0], evidence=few)]
    await show(tab, server)
    assert "A small group is out of limits" in await tab.text("#alerts")
    assert few.group not in await tab.text("#alerts")


async def test_what_events_should_not_hold_is_told_and_counted(
    tab: Tab, server: TestServer, view: SampleView
):
    field = "attributes.<b>area</b>"
    found = Exposure(event="decision", kind="email", field=field, times=1_234, last=0)
    view.firing = [replace(view.firing[0], evidence=found, rule="personal values")]
    view.state = replace(view.state, personal={"compas": 1_234}, undeclared={"compas": 0})
    await show(tab, server)
    said = await tab.text("#alerts")
    assert f"{field}: looks like email addresses" in said
    assert "In decisions, at least 1,234 times. No value is kept or shown." in said
    assert "values that look like a person's" in await tab.text("#health")
    assert "fields that nobody declared" not in await tab.text("#health")
    assert tab.problems == []


async def test_hostile_names_stay_text(tab: Tab, server: TestServer, view: SampleView):
    name = "<img src=x onerror=alert(1)>'\"&"
    view.watched = {
        name: replace(view.watched["compas"], purpose=name, owner=name, appeal="javascript:alert(1)")
    }
    reading = view.shown[1]
    sex = reading.attributes["sex"]
    view.shown = [
        replace(reading, model=name, attributes={name: replace(sex, groups={name: sex.groups["Male"]})})
    ]
    await show(tab, server)
    assert await tab.text("#model h1") == name
    assert await tab.value("document.querySelectorAll('main img, a[href^=javascript]').length") == 0
    assert tab.problems == []


async def test_no_window_is_too_narrow(tab: Tab, server: TestServer):
    await show(tab, server)
    await tab.value("document.querySelectorAll('details').forEach((d) => d.open = true)")
    for width in (320, 500, 768, 1000, 1280, 1920):
        await tab.resize(width, 900)
        assert await tab.value("document.documentElement.scrollWidth") <= width
        assert await tab.value(OUTSIDE) == [], width


async def test_text_contrasts_with_its_ground(tab: Tab, server: TestServer):
    await show(tab, server)
    await tab.value("document.querySelectorAll('details').forEach((d) => d.open = true)")
    for scheme in ("light", "dark"):
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        await tab.call("Emulation.setEmulatedMedia", features=features)
        await tab.until(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        assert await tab.value(CONTRAST) == [], scheme


async def test_it_can_be_read_without_seeing_it(tab: Tab, server: TestServer):
    """Landmarks, names of controls, headed tables; no verdict by colour alone."""
    await show(tab, server, width=500)
    for broken in (
        "main:nth-of-type(2)",
        "table:not(:has(caption))",
        "table:not(:has(th[scope=row]))",
        "svg:not([aria-hidden=true])",
        ".verdict:empty",
    ):
        assert await tab.value(f"document.querySelectorAll('{broken}').length") == 0, broken
    tree = await tab.call("Accessibility.getFullAXTree")
    roles = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree["nodes"]
        if not node["ignored"]
    }
    assert {("navigation", "Models"), ("group", "Window"), ("combobox", "Rate shown")} <= roles
    assert ("columnheader", "Verdict") in roles
    assert ("rowheader", "African-American") in roles


def test_nothing_is_fetched_from_elsewhere():
    text = "".join(file.read_text() for file in PAGE.iterdir() if file.suffix in {".html", ".css", ".js"})
    assert text.replace("http://www.w3.org/2000/svg", "").count("://") == 0
    assert "innerHTML" not in text
