import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from alerts import message as messages
from alerts.alert import State
from alerts.notifiers import alertmanager
from monitor.config import ConfigError, Secret
from tests.alerts.notifiers.servers import Http, serving
from tests.alerts.sample import CONFIG, alert
from tests.readings import NOW, gap

FIRING = messages.render(alert(), CONFIG)
RESOLVED = messages.render(alert(sequence=2, state=State.RESOLVED), CONFIG)
MINUTE = 60_000


def notifier(url: str, **settings) -> alertmanager.Notifier:
    return alertmanager.Notifier(alertmanager.Settings(url=url, **settings), "notifiers.alertmanager.x")


def test_firing_ends_unless_it_is_repeated():
    made = alertmanager.to_alert(FIRING, now=NOW + 10 * MINUTE, repeat_ms=MINUTE)
    assert made == {
        "labels": {
            "alertname": "Fairlead",
            "id": FIRING.id,
            "rule": "false_positive_rate difference, all",
            "model": "compas",
            "severity": "critical",
            "metric": "false_positive_rate",
            "compare": "difference",
            "attribute": "race",
            "window": "all",
        },
        "annotations": {
            "title": FIRING.title,
            "summary": FIRING.summary,
            "group": "African-American",
            "reference": "Caucasian",
        },
        "startsAt": "2014-01-01T00:00:00.000+00:00",
        "endsAt": "2014-01-01T00:14:00.000+00:00",
        "generatorURL": "https://fair.example.com/#compas",
    }


def test_resolved_ends_now():
    made = alertmanager.to_alert(RESOLVED, now=NOW + MINUTE, repeat_ms=MINUTE)
    assert made["endsAt"] == "2014-01-01T00:01:00.000+00:00"


def test_an_event_time_ahead_of_the_clock_still_starts_before_it_ends():
    made = alertmanager.to_alert(RESOLVED, now=NOW - MINUTE, repeat_ms=MINUTE)
    assert made["startsAt"] < made["endsAt"]


@pytest.mark.parametrize("evidence", [gap(reference="Asian"), gap(n=3)])
def test_the_labels_are_the_same_while_the_alert_is(evidence):
    other = messages.render(alert(state=State.RESOLVED, evidence=evidence), CONFIG)
    labels = [alertmanager.to_alert(each, NOW, MINUTE)["labels"] for each in (FIRING, other)]
    assert labels[0] == labels[1]


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({}, None),
        ({"token": Secret("tok")}, "Bearer tok"),
        ({"username": "ada", "password": Secret("secret")}, "Basic YWRhOnNlY3JldA=="),
    ],
)
async def test_posts_to_the_api_and_logs_in(settings, header):
    async with serving(Http()) as server:
        await notifier(server.url + "/", **settings).send(FIRING)
    (request,) = server.requests
    assert request.path == "/api/v2/alerts"
    assert request.headers.get("Authorization") == header
    assert request.json()[0]["labels"]["id"] == FIRING.id


def test_half_a_login_is_not_allowed():
    with pytest.raises(ConfigError, match=r"^notifiers\.alertmanager\.x\.password: 'ada' is not allowed"):
        notifier("https://am.example.com", username="ada")


CONFIGURATION = """
route: {{ receiver: stand-in, group_wait: 0s, group_interval: 1s, group_by: [id] }}
receivers: [{{ name: stand-in, webhook_configs: [{{ url: "{url}", send_resolved: true }}] }}]
"""


@asynccontextmanager
async def real(folder: Path, receiver: str) -> AsyncIterator[str]:
    """Debian's Alertmanager on a free port, with one receiver."""
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if binary is None and not os.environ.get("CI"):
        pytest.skip("needs Alertmanager: apt-get install prometheus-alertmanager")
    assert binary, "CI must have Alertmanager"
    (folder / "config.yml").write_text(CONFIGURATION.format(url=receiver))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        binary,
        f"--config.file={folder / 'config.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 (another process can set no event)
            await asyncio.sleep(0.05)


async def get(url: str) -> list[dict]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.json()


async def test_the_real_alertmanager_takes_repeats_and_resolves(tmp_path):
    async with serving(Http()) as receiver, real(tmp_path, receiver.url) as url:

        async def ready() -> bool:
            try:
                return await get(url + "/api/v2/alerts") == []
            except aiohttp.ClientConnectionError:
                return False

        async def told(count: int) -> bool:
            return len(receiver.requests) >= count

        await until(ready)
        sender = notifier(url)
        for _ in range(2):
            await sender.send(FIRING)
        (seen,) = await get(url + "/api/v2/alerts")
        assert seen["status"]["state"] in ("active", "unprocessed")
        assert seen["labels"]["id"] == FIRING.id
        await until(lambda: told(1))
        await sender.send(RESOLVED)
        await until(lambda: told(2))
    assert [request.json()["status"] for request in receiver.requests] == ["firing", "resolved"]
