"""What must hold for every notifier: which answers may pass, and that secrets stay secret."""

import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from alerts import message as messages
from alerts import notifiers
from alerts.notifier import Refused, Retry, Sender
from monitor.config import Secret, convert
from tests.alerts.notifiers.servers import Answer, Http, hanging, server_tls, serving
from tests.alerts.sample import CONFIG, alert

SECRET = "hunter2hunter2"
FIRING = messages.render(alert(), CONFIG)


@dataclass
class Case:
    """How to set a kind up so that it talks to a port of this machine and knows a secret."""

    settings: dict[str, Any]
    http: bool = True  # whether it speaks HTTP and tells answers apart

    def notifier(self, kind: str, port: int) -> Sender:
        settings = {name: _filled(value, port) for name, value in self.settings.items()}
        module, key = notifiers.load(kind), f"notifiers.{kind}.x"
        made: Sender = module.Notifier(convert(settings, module.Settings, key), key)
        return made


def _filled(value: Any, port: int) -> Any:
    if isinstance(value, list):
        return [_filled(each, port) for each in value]
    if isinstance(value, Secret):
        return Secret(value.value.replace("PORT", str(port)))
    return port if value == "PORT" else value.replace("PORT", str(port)) if isinstance(value, str) else value


CASES = {
    "slack": Case({"url": Secret(f"http://127.0.0.1:PORT/services/{SECRET}")}),
    "webhook": Case({"url": "http://127.0.0.1:PORT/x", "secret": Secret(SECRET), "token": Secret(SECRET)}),
    "alertmanager": Case({"url": "http://127.0.0.1:PORT", "token": Secret(SECRET)}),
    "email": Case(
        {
            "host": "127.0.0.1",
            "port": "PORT",
            "sender": "f@example.com",
            "to": ["o@example.com"],
            "username": "u",
            "password": Secret(SECRET),
        },
        http=False,
    ),
    "apprise": Case({"urls": [Secret(f"json://u:{SECRET}@127.0.0.1:PORT/?cto=0.2&rto=0.2")]}, http=False),
}
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # apprise imports it
HTTP = [kind for kind, case in CASES.items() if case.http]


def test_every_kind_is_checked():
    assert sorted(CASES) == [kind for kind in notifiers.kinds() if kind != "console"]


@pytest.fixture(params=CASES)
def kind(request) -> str:
    if request.param == "apprise" and not os.environ.get("CI"):
        pytest.importorskip("apprise", reason="the extra `apprise` is not installed")
    return request.param


@pytest.fixture(autouse=True)
def no_secret_in_any_log(caplog):
    caplog.set_level(logging.DEBUG)
    yield
    format_ = logging.Formatter().format
    assert SECRET not in "\n".join(map(format_, caplog.get_records("call")))


async def attempt(kind: str, server: Http) -> None:
    await CASES[kind].notifier(kind, int(server.url.rsplit(":", 1)[1])).send(FIRING)


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(http, status):
    async with serving(Http()) as server:
        server.answers = [Answer(status, f"body with {SECRET} in it")]
        with pytest.raises(Retry) as caught:
            await attempt(http, server)
    assert (caught.value.reason, caught.value.after) == (f"HTTP {status}", None)


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
async def test_a_no_is_final(http, status):
    async with serving(Http()) as server:
        server.answers = [Answer(status, f"body with {SECRET} in it")]
        with pytest.raises(Refused) as caught:
            await attempt(http, server)
    assert caught.value.reason == f"HTTP {status}"


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("30", 30_000, 30_000),
        ("0", 0, 0),
        ("in an hour", 3_500_000, 3_600_000),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("99999999999", 86_400_000, 86_400_000),
    ],
)
async def test_retry_after_is_passed_on(http, header, low, high):
    if header == "in an hour":
        header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    async with serving(Http()) as server:
        server.answers = [Answer(429, "", {"Retry-After": header})]
        with pytest.raises(Retry) as caught:
            await attempt(http, server)
    assert low <= caught.value.after <= high


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("header", ["soon", "", "-5", "1e999", "٣"])
async def test_a_retry_after_that_says_nothing_is_ignored(http, header):
    async with serving(Http()) as server:
        server.answers = [Answer(503, "", {"Retry-After": header})]
        with pytest.raises(Retry) as caught:
            await attempt(http, server)
    assert caught.value.after is None


@pytest.mark.parametrize("http", ["webhook", "alertmanager"])
async def test_a_secret_is_not_carried_along_a_redirect(http):
    async with serving(Http()) as server, serving(Http()) as elsewhere:
        server.answers = [Answer(302, "", {"Location": elsewhere.url})]
        with pytest.raises(Refused, match=r"^HTTP 302$"):
            await attempt(http, server)
    assert elsewhere.requests == []


async def test_nobody_there_may_pass(kind, unused_tcp_port):
    with pytest.raises(Retry) as caught:
        await CASES[kind].notifier(kind, unused_tcp_port).send(FIRING)
    assert SECRET not in caught.value.reason
    assert "127.0.0.1" not in caught.value.reason


async def test_nothing_is_sent_to_whom_the_certificate_does_not_name(certificate):
    async with serving(Http(), server_tls(certificate)) as server:
        made = CASES["webhook"].settings | {"url": server.url}
        with pytest.raises(Retry, match=r"^there is no TLS connection that can be trusted$"):
            await Case(made).notifier("webhook", 0).send(FIRING)
    assert server.requests == []


async def test_no_answer_may_pass(kind):
    async with hanging() as port:
        notifier = CASES[kind].notifier(kind, port)
        notifier.timeout_s = 0.1
        with pytest.raises(Retry) as caught:
            await notifier.send(FIRING)
    assert SECRET not in caught.value.reason


def test_settings_do_not_show_their_secrets(kind):
    notifier = CASES[kind].notifier(kind, 1)
    assert SECRET not in repr(notifier)
    assert SECRET not in repr(vars(notifier).get("_settings"))
