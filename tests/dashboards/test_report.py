"""The report for people: what it says, and how it looks in a real browser."""

import re
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from dashboards import report
from dashboards.bars import Scale, gap_bar, limit_bar, rate_bar
from dashboards.report import Report, render
from dashboards.report_rows import allowed, gaps, section, sentence
from dashboards.suppression import suppress
from dashboards.web import make_web
from monitor.fairness import impact
from monitor.readings import Attribute, Caution, Rate, Reading, Verdict
from tests.dashboards.chromium import Tab, chromium
from tests.dashboards.sample import MODELS, SampleView, sample

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
WHOLE = "document.readyState === 'complete' && document.querySelector('footer') !== null"


@pytest.fixture
def view() -> SampleView:
    return sample()


def readings(view: SampleView, model: str = "compas") -> list[Reading]:
    return [reading for reading in view.shown if reading.model == model]


def made(view: SampleView, model: str = "compas", **more: object) -> Report:
    about = {"source": "the file x.csv", "version": "1.2.3", "made": "2026-11-23"} | more
    return Report(name=model, model=MODELS[model], readings=readings(view, model), **about)  # type: ignore[arg-type]


def text(html: str) -> str:
    """What the page says, without its marks."""
    body = re.sub(r"<(style|svg).*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def impacts(view: SampleView) -> dict[str, impact.Impacts]:
    shown = report.shown_in_full(readings(view), None).attributes
    return impact.impacts({name: impact.counted(found) for name, found in shown.items()}, favourable=False)


def without_limits(attribute: Attribute) -> Attribute:
    free = [replace(c, rule=None, min=None, max=None) for c in attribute.comparisons]
    return replace(attribute, comparisons=free)


def test_it_says_whom_when_and_what(view: SampleView) -> None:
    said = text(render(made(view)))
    for part in (
        "As of 2017-12-31 00:00 UTC",
        "Window All decisions so far",
        "Decisions 7,214",
        "Medium, High, bad for the person",
        "7 out of limits 10 undecided",
        "By race, the false positive rate of African-American is 44.8 %, that of Caucasian 23.5 %: "
        "+21.4 points (interval +18.2 to +24.5 points, allowed −5.0 to +5.0 points, all decisions so far).",
        "The psi of feature priors_count is 0.31, where at most 0.2 is allowed (all decisions so far).",
        "ADWIN found 2 changes in error.",
        "Neither is proved yet. About 1,632 more decisions of this group are needed.",
        "The last 30d: ",
        "Source the file x.csv",
        "Fairlead version 1.2.3",
    ):
        assert part in said


def test_every_setting_that_changes_changes_its_hash(view: SampleView) -> None:
    def hashed(report: Report) -> str:
        return re.findall(r"<code>(\w+)</code>", render(report))[0]

    first = made(view)
    other = replace(first, model=replace(first.model, min_group=11))
    assert hashed(first) == hashed(replace(first, made="2027-01-01"))
    assert hashed(first) != hashed(other)


def test_it_needs_nothing_from_outside(view: SampleView) -> None:
    html = render(made(view, impacts=impacts(view)))
    assert re.findall(r"<(?:script|link|img|iframe)|url\(|@import|\ssrc=", html) == []
    assert set(re.findall(r'href="(?!#)([^"]*)"', html)) == {"https://example.org/appeal"}


def test_what_refuses_to_be_said_is_said(view: SampleView) -> None:
    shown = made(view, invalid={"unknown_model": 3, "malformed": 1200}, overdue=17)
    said = text(render(shown))
    assert "3 unknown model, 1,200 malformed. None of them counts anywhere." in said
    assert "17 events came later than 90d after their decision." in said
    assert "Late feedback" not in text(render(replace(shown, overdue=0)))


def test_cautions_are_told_first(view: SampleView) -> None:
    caution = Caution(
        kind="selective_outcomes", text="Outcomes come selectively.", value=0.3, low=0.2, high=0.4
    )
    report = made(view)
    cautious = [replace(reading, cautions=[caution]) for reading in report.readings]
    said = text(render(replace(report, readings=cautious)))
    assert said.index("Outcomes come selectively.") < said.index("compared with")


def test_tests_that_began_anew_are_told_with_the_reason(view: SampleView) -> None:
    said = text(render(made(view)))
    why = "Too many of the events that the test had been fed were corrected afterwards (from 2016-08-18 on,"
    why += " 31 of 1,812 events, the last of 3 times)."
    assert f"Tests that began anew selection_rate ratio, all, by race: {why}" in said
    assert said.count(why) > 1  # beside the comparison, too


def test_an_internal_report_says_so(view: SampleView) -> None:
    assert "Not for publication" in text(render(made(view, internal=True)))
    assert "Not for publication" not in text(render(made(view)))


def test_small_groups_are_nowhere_in_a_public_one(view: SampleView) -> None:
    shown = replace(made(view), readings=suppress(readings(view), 50))
    html = render(replace(shown, impacts={}))
    assert "Asian" not in html
    assert "decisions about small groups" in html


def test_without_rules_it_describes(view: SampleView) -> None:
    model = replace(MODELS["compas"], rules=[])
    free = [
        replace(
            reading,
            drift=[],
            attributes={
                name: replace(
                    a, comparisons=[replace(c, rule=None, min=None, max=None) for c in a.comparisons]
                )
                for name, a in reading.attributes.items()
            },
        )
        for reading in readings(view)
    ]
    said = text(render(replace(made(view), model=model, readings=free)))
    assert "No rule sets a limit for this model: the report describes, and does not judge." in said
    assert "No limit is set." in said
    assert "out of limits" not in said.partition("How to read this")[2].partition("Out of limits")[0]


def test_a_window_may_be_shown_alone(view: SampleView) -> None:
    said = text(render(made(view, window="30d")))
    assert "Window The last 30d" in said
    assert "Other windows" not in said


def test_without_a_reading_there_is_no_report(view: SampleView) -> None:
    with pytest.raises(ValueError, match="one a window"):
        render(replace(made(view), readings=[]))


def test_impact_ratios_are_of_those_who_fared_well(view: SampleView) -> None:
    said = text(render(made(view, impacts=impacts(view))))
    assert "selected are those without one" in said
    assert "African-American 3,696 1,522 41.2 % 0.521 below four fifths" in said
    assert "Other highest 377 298" in said
    assert "Native American under 2 % 18 6" in said


def test_names_from_events_stay_text(view: SampleView) -> None:
    name = "<img src=x onerror=alert(1)>'\"&"
    model = replace(MODELS["compas"], purpose=name, owner=name, appeal="javascript:alert(1)")
    shown = readings(view)[1]
    sex = shown.attributes["sex"]
    hostile = replace(shown, attributes={name: replace(sex, groups={name: sex.groups["Male"]})})
    html = render(replace(made(view), name=name, model=model, readings=[hostile]))
    assert "<img" not in html
    assert 'href="javascript' not in html


# rows and bars


def test_a_gap_s_limits_in_words(view: SampleView) -> None:
    gap = readings(view)[1].attributes["race"].comparisons[0]
    assert allowed(gap) == "allowed −5.0 to +5.0 points"
    assert allowed(replace(gap, min=None)) == "allowed up to +5.0 points"
    assert allowed(replace(gap, max=None)) == "allowed −5.0 points or more"
    assert allowed(replace(gap, min=None, max=None)) == ""


def test_open_intervals_and_gaps_without_rates(view: SampleView) -> None:
    gap = readings(view)[1].attributes["race"].comparisons[0]
    whole = replace(gap, group="all groups", reference=None, group_rate=None, high=None, compare="value")
    (row,) = gaps([whole])
    assert (row.who, row.rates) == ("race: all groups", "")
    assert row.range.startswith("18.2 % or more; ")
    assert "of all groups is 21.4 %" in sentence(whole)


def test_what_is_not_there_is_no_zero(view: SampleView) -> None:
    shown = readings(view)[1]
    race = shown.attributes["race"]
    none = Rate(None, None, None, 0)
    groups = {
        name: replace(group, rates=group.rates | {"accuracy": none}) for name, group in race.groups.items()
    }
    undefined = replace(race.comparisons[0], value=None, low=None, high=None, verdict=Verdict.UNDEFINED)
    found = section("race", replace(race, groups=groups, comparisons=[undefined]), shown, MODELS["compas"])
    assert "Accuracy" not in [name for name, _ in found.all_rates]
    assert (found.gaps[0].value, found.gaps[0].bar) == ("–", None)


def test_bars_lie_where_their_numbers_say(view: SampleView) -> None:
    gap = readings(view)[1].attributes["race"].comparisons[0]
    bar = gap_bar(replace(gap, value=0.1, low=-0.1, high=None), [replace(gap, low=-1.0)], True)
    assert bar is not None
    assert (bar.point, bar.span, bar.zero, bar.zone) == (55.0, (45.0, 55.0), 50.0, (47.5, 5.0))
    rate = Rate(5.0, 4.0, 6.0, 20)
    assert rate_bar(rate, [rate, Rate(None, None, None, 0)], False, "").point == pytest.approx(79.37)
    assert Scale(0, 1).between(None, 0.5) == (0.0, 50.0)
    psi = readings(view)[1].drift[0]
    limited = limit_bar(replace(psi, value=0.1, low=0.05, high=0.15))
    assert limited is not None
    assert (limited.point, limited.span, limited.zone) == (25.0, (12.5, 25.0), (0.0, 50.0))
    assert limit_bar(replace(psi, value=None)) is None


# a worker's, and in a browser


async def test_a_worker_serves_it(view: SampleView) -> None:
    async with TestClient(TestServer(make_web(view))) as client:
        answer = await client.get("/report/compas")
        assert answer.status == 200
        assert answer.headers["Content-Security-Policy"] == f"{report.policy()}; frame-ancestors 'none'"
        assert "a running deployment" in await answer.text()
        assert "Impact ratios" not in text(await answer.text())
        with_impact = await (await client.get("/report/compas?impact")).text()
        assert "Impact ratios" in text(with_impact)
        assert (await client.get("/report/support-bot")).status == 404
        assert (await client.get("/report/nobody")).status == 404


async def show(tab: Tab, tmp_path: Path, html: str, width: int = 1280) -> None:
    (tmp_path / "report.html").write_text(html)
    await tab.open((tmp_path / "report.html").as_uri(), width)
    await tab.until(WHOLE)


async def test_in_a_browser_it_is_readable_at_every_width(view: SampleView, tmp_path: Path) -> None:
    html = render(made(view, impacts=impacts(view), internal=True))
    async with chromium(tmp_path / "profile") as tab:
        await show(tab, tmp_path, html)
        for width in (320, 500, 768, 1280):
            await tab.resize(width, 900)
            assert await tab.value("document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await tab.call("Emulation.setEmulatedMedia", features=features)
            await tab.until(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
            assert await tab.value(CONTRAST) == [], scheme
        painted = "getComputedStyle(document.querySelector('.interval .point')).fill"
        assert await tab.value(painted) != "rgb(0, 0, 0)"  # the policy lets its own style through
        assert tab.problems == []


async def test_on_paper_nothing_is_cut_off(view: SampleView, tmp_path: Path) -> None:
    async with chromium(tmp_path / "profile") as tab:
        await show(tab, tmp_path, render(made(view, impacts=impacts(view))), 690)
        await tab.call("Emulation.setEmulatedMedia", media="print")
        await tab.until("matchMedia('print').matches")
        assert await tab.value("document.documentElement.scrollWidth") <= 690


async def test_it_can_be_read_without_seeing_it(view: SampleView, tmp_path: Path) -> None:
    async with chromium(tmp_path / "profile") as tab:
        await show(tab, tmp_path, render(made(view, impacts=impacts(view))))
        for faulty in (
            "table:not(:has(caption)):not(.matrix)",
            "th:not([scope])",
            "svg:not([aria-hidden])",
            "section:not([aria-labelledby])",
            "[role=region]:not([aria-label])",
        ):
            assert await tab.value(f"document.querySelectorAll('{faulty}').length") == 0, faulty
        assert await tab.value("document.querySelectorAll('h1').length") == 1
        linked = "[...document.querySelectorAll('nav a')].every((a) => document.querySelector(a.hash))"
        assert await tab.value(linked) is True
