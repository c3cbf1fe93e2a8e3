import base64

import msgspec
import pytest

from alerts import message as messages
from alerts.message import Message
from alerts.notifiers import webhook
from monitor.config import ConfigError, Secret
from tests.alerts.notifiers.servers import Http, serving
from tests.alerts.sample import CONFIG, alert

FIRING = messages.render(alert(), CONFIG)
KEY = b"twenty-four bytes of key"
WHSEC = "whsec_" + base64.b64encode(KEY).decode()


def notifier(url: str, **settings) -> webhook.Notifier:
    made = webhook.Settings(url=url, **{name: Secret(value) for name, value in settings.items()})
    return webhook.Notifier(made, "notifiers.webhook.x", now=lambda: 1_700_000_000.9)


async def test_posts_the_whole_message():
    async with serving(Http()) as server:
        await notifier(server.url + "/hook").send(FIRING)
    (request,) = server.requests
    assert request.path == "/hook"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["webhook-id"] == f"{FIRING.id}.1"
    assert "webhook-signature" not in request.headers
    assert "Authorization" not in request.headers
    assert msgspec.json.decode(request.body, type=Message) == FIRING


@pytest.mark.parametrize(("secret", "key"), [(WHSEC, KEY), ("plain", b"plain")])
async def test_is_signed_so_that_the_receiver_can_check(secret, key):
    async with serving(Http()) as server:
        await notifier(server.url, secret=secret, token="tok").send(FIRING)
    (request,) = server.requests
    assert request.headers["webhook-timestamp"] == "1700000000"
    expected = webhook.sign(key, f"{FIRING.id}.1", "1700000000", request.body)
    assert request.headers["webhook-signature"] == expected
    assert request.headers["Authorization"] == "Bearer tok"


def test_the_signature_is_the_standards():
    """The example of the Standard Webhooks specification's libraries."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    name, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert webhook.sign(key, name, "1614265330", body) == expected


@pytest.mark.parametrize("token", ["a\r\nEvil: 1", "a\nb", "a\x00", "schlüssel"])
def test_a_token_that_would_add_a_header_is_refused(token):
    with pytest.raises(ConfigError, match=r"notifiers\.webhook\.x\.token: '…' is not allowed") as caught:
        notifier("https://example.com", token=token)
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://a.example/\r\nEvil: 1", "https://a.example/\t", "https://a b/"])
def test_an_address_with_line_ends_is_none(url):
    with pytest.raises(ConfigError, match=r"notifiers\.webhook\.x\.url"):
        notifier(url)


def test_a_secret_that_is_no_base64_is_not_shown():
    with pytest.raises(ConfigError) as caught:
        notifier("https://example.com", secret="whsec_hunter2!")
    assert str(caught.value) == (
        "notifiers.webhook.x.secret: 'whsec_…' is not allowed; allowed: base64 behind whsec_"
    )
