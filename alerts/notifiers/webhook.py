"""Any program that takes JSON over HTTP, signed as https://www.standardwebhooks.com describes."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable

import msgspec

from alerts import posting
from alerts.message import Message
from alerts.notifier import Sender
from monitor.config import ConfigError, Secret, Section

_PREFIX = "whsec_"


class Settings(Section, frozen=True):
    """`secret` signs the body; `token` goes into the header Authorization."""

    url: str
    secret: Secret | None = None
    token: Secret | None = None


class Notifier(Sender):
    """Posts the message as it is: the fields of `Message`. A repeat has the same webhook-id."""

    def __init__(self, settings: Settings, key: str, now: Callable[[], float] = time.time) -> None:
        self._url = posting.checked(settings.url, f"{key}.url")
        token = settings.token
        self._authorization = {"Authorization": posting.bearer(token, f"{key}.token")} if token else {}
        self._secret = _bytes(settings.secret, f"{key}.secret") if settings.secret else None
        self._now = now

    async def send(self, message: Message) -> None:
        """2xx is success, 408, 425, 429 and 5xx may pass, all else is final."""
        body = msgspec.json.encode(message)
        await posting.post(self._url, body, self._headers(message, body), self.timeout_s)

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        name, moment = f"{message.id}.{message.sequence}", str(int(self._now()))
        headers = {"webhook-id": name, "webhook-timestamp": moment, **self._authorization}
        if self._secret is not None:
            headers["webhook-signature"] = sign(self._secret, name, moment, body)
        return headers


def sign(secret: bytes, name: str, moment: str, body: bytes) -> str:
    """The header webhook-signature: HMAC-SHA256 over "id.timestamp.body", in base64, behind "v1,".

    >>> sign(b"key", "a.1", "1700000000", b"{}")
    'v1,4TKO8JxrbRKdwryKkpndw/W8umnOTGX2btuJR9Li7C4='
    """
    digest = hmac.new(secret, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _bytes(secret: Secret, key: str) -> bytes:
    """The key of the signature: what follows "whsec_" is base64, any other secret is taken as it is."""
    if not secret.value.startswith(_PREFIX):
        return secret.value.encode()
    try:
        return base64.b64decode(secret.value.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError(key, "whsec_…", "base64 behind whsec_") from None
