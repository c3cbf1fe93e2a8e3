import os
import sys

import pytest

from alerts import message as messages
from alerts.alert import State
from alerts.notifier import Retry
from alerts.notifiers import apprise
from monitor.config import ConfigError, Secret
from tests.alerts.notifiers.servers import Answer, Http, serving
from tests.alerts.sample import CONFIG, alert

if not os.environ.get("CI"):
    pytest.importorskip("apprise", reason="the extra `apprise` is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # apprise imports it


def notifier(*urls: str) -> apprise.Notifier:
    return apprise.Notifier(apprise.Settings(urls=[Secret(url) for url in urls]), "notifiers.apprise.x")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "failure"),
        ({"severity": "warning"}, "warning"),
        ({"severity": "info"}, "info"),
        ({"state": State.RESOLVED}, "success"),
    ],
)
async def test_reaches_what_apprise_reaches(changes, kind):
    message = messages.render(alert(**changes), CONFIG)
    async with serving(Http()) as server:
        await notifier(server.url.replace("http", "json")).send(message)
    (request,) = server.requests
    sent = request.json()
    assert sent["title"] == f"{messages.badge(message)} {message.title}"
    assert message.summary in sent["message"]
    assert sent["type"] == kind


async def test_its_no_may_pass():
    async with serving(Http()) as server:
        server.answers = [Answer(500)]
        with pytest.raises(Retry, match=r"^Apprise could not reach all its addresses$"):
            await notifier(server.url.replace("http", "json")).send(messages.render(alert(), CONFIG))


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError) as caught:
        notifier("json://example.com")
    assert str(caught.value) == (
        "notifiers.apprise.x: 'apprise' is not allowed;"
        " allowed: only with the package apprise: pip install 'fairlead[apprise]'"
    )


@pytest.mark.parametrize(
    ("urls", "error"),
    [
        ([], r"urls: \[\] is not allowed; allowed: a list of at least one address"),
        (
            ["json://example.com", "nonsense"],
            r"urls\[1\]: '…' is not allowed; allowed: an address that Apprise",
        ),
    ],
)
def test_addresses_that_are_not_allowed(urls, error):
    with pytest.raises(ConfigError, match=r"^notifiers\.apprise\.x\." + error):
        notifier(*urls)
