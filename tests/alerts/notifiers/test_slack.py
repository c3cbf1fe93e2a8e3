import pytest

from alerts import message as messages
from alerts.alert import State
from alerts.notifier import Refused
from alerts.notifiers import slack
from monitor.config import Alerts, Model, Secret
from tests.alerts.notifiers.servers import Answer, Slack, serving
from tests.alerts.sample import CONFIG, alert, config
from tests.readings import DRIFT, gap

FIRING = messages.render(alert(), CONFIG)


def notifier(url: str) -> slack.Notifier:
    return slack.Notifier(slack.Settings(url=Secret(url)), "notifiers.slack.risk")


def texts(payload: dict) -> str:
    found = []
    for block in payload["blocks"]:
        found += [block["text"]["text"]] if "text" in block else []
        found += [each["text"] for each in block.get("fields", [])]
    return "\n".join(found)


@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({}, ":rotating_light:"),
        ({"severity": "warning"}, ":warning:"),
        ({"severity": "info", "evidence": DRIFT}, ":information_source:"),
        ({"state": State.RESOLVED}, ":white_check_mark:"),
    ],
)
async def test_slack_takes_it(changes, sign):
    message = messages.render(alert(**changes), CONFIG)
    async with serving(Slack()) as server:
        await notifier(server.url + Slack.PATH).send(message)
    (request,) = server.requests
    assert request.headers["Content-Type"].startswith("application/json")
    payload = request.json()
    assert payload["text"] == f"{messages.badge(message)} {message.title}"
    assert payload["blocks"][0]["text"]["text"] == f"{sign} {message.title}"
    shown = texts(payload)
    assert message.summary in shown
    assert "<https://fair.example.com/#compas|Open the page>" in shown
    for _, value in message.facts:
        assert value in shown


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(400, "invalid_payload"), "HTTP 400 invalid_payload"),
        (Answer(403, "action_prohibited"), "HTTP 403 action_prohibited"),
        (Answer(404, "no_service"), "HTTP 404 no_service"),
        (Answer(410, "channel_is_archived"), "HTTP 410 channel_is_archived"),
        (Answer(404, "<html>no page for /services/T000</html>"), "HTTP 404"),
    ],
)
async def test_slacks_no_is_final_and_in_its_own_word(answer, reason):
    async with serving(Slack()) as server:
        server.answers = [answer]
        with pytest.raises(Refused) as caught:
            await notifier(server.url + Slack.PATH).send(FIRING)
    assert caught.value.reason == reason


async def test_another_address_is_no_service():
    async with serving(Slack()) as server:
        with pytest.raises(Refused, match=r"^HTTP 404 no_service$"):
            await notifier(server.url + "/services/other").send(FIRING)


async def test_the_longest_message_is_within_slacks_limits():
    long = "<&>*" * 100
    conf = config(
        models={long: Model(positive=[long], purpose=long * 9, owner=long * 9, appeal=long * 9)},
        alerts=Alerts(link="https://fair.example.com/" + "x" * 500),
    )
    evidence = gap(group=long, reference=long, attribute=long, metric="flags." + long, rough=True)
    message = messages.render(alert(model=long, rule=long * 9, evidence=evidence, episode=2), conf)
    async with serving(Slack()) as server:
        await notifier(server.url + Slack.PATH).send(message)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<https://evil.example|here>", "&lt;https://evil.example|here&gt;"),
        ("R&D", "R&amp;D"),
        ("age_band", "age_band"),
        ("*bold*", "\u2060*\u2060bold\u2060*\u2060"),
        ("_it_", "\u2060_\u2060it\u2060_\u2060"),
    ],
)
async def test_names_cannot_mention_link_or_format(name, shown):
    message = messages.render(alert(evidence=gap(group=name)), CONFIG)
    async with serving(Slack()) as server:
        await notifier(server.url + Slack.PATH).send(message)
    payload = server.requests[0].json()
    assert f"for {shown} (race)" in texts(payload)
    assert "<!" not in payload["text"] + texts(payload)
    sections = [block for block in payload["blocks"] if block["type"] == "section"]
    bodies = [each for block in sections for each in [block.get("text"), *block.get("fields", [])] if each]
    assert all(body["verbatim"] for body in bodies)
