"""What notifiers over HTTP share: a POST whose answer becomes success, Retry or Refused."""

import base64
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from alerts.notifier import Refused, Retry
from monitor.config import ConfigError, Secret

LONGEST_AFTER_MS = 86_400_000  # a wish to be left alone for longer than a day is a mistake
_TRY_LATER = frozenset({408, 425, 429})


async def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> None:
    """POSTs JSON. Raises Retry or Refused, never with the address in the reason."""
    headers = {"Content-Type": "application/json", **headers}
    try:
        async with (
            session(timeout_s) as client,
            client.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            judge(response.status, response.headers)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Retry(trouble(error)) from None


def session(timeout_s: float) -> aiohttp.ClientSession:
    """A session for one request, through the proxy that the environment names."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s), trust_env=True)


def judge(status: int, headers: Mapping[str, str], detail: str = "") -> None:
    """Returns for 2xx; raises Retry for what may pass, Refused for the rest."""
    if 200 <= status < 300:
        return
    reason = f"HTTP {status} {detail}".rstrip()
    if status in _TRY_LATER or status >= 500:
        raise Retry(reason, retry_after(headers.get("Retry-After", ""), datetime.now(UTC)))
    raise Refused(reason)


def retry_after(header: str, now: datetime) -> int | None:
    """The header Retry-After in ms: seconds, or a date; None when it says nothing usable.

    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> retry_after("30", now), retry_after("Thu, 01 Jan 2026 00:01:00 GMT", now), retry_after("soon", now)
    (30000, 60000, None)
    """
    try:
        seconds = int(header) if header.isascii() and header.isdecimal() else _until(header, now)
    except (ValueError, TypeError):
        return None
    return min(max(int(seconds * 1000), 0), LONGEST_AFTER_MS)


def _until(date: str, now: datetime) -> float:
    return (parsedate_to_datetime(date) - now).total_seconds()


def trouble(error: Exception) -> str:
    """What went wrong on the way, without the address: the texts of errors may hold it."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientSSLError):
        return "there is no TLS connection that can be trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host's name is not known"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {os.strerror(error.errno) if error.errno else type(error).__name__}"
    return f"the connection broke: {type(error).__name__}"


def checked(url: str, key: str, shown: str | None = None) -> str:
    """The address, if it is one. Raises ConfigError, with `shown` in the place of a secret one."""
    parts = urlsplit(url)
    plain = url.isprintable() and " " not in url  # urlsplit overlooks line ends
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ConfigError(
            key, url if shown is None else shown, "an address that begins with https:// or http://"
        )
    return url


def bearer(token: Secret, key: str) -> str:
    """The header Authorization of a token. Raises ConfigError for one that no header can hold.

    >>> bearer(Secret("abc"), "notifiers.webhook.x.token")
    'Bearer abc'
    """
    if not token.value.isascii() or not token.value.isprintable():
        raise ConfigError(key, "…", "a secret in one line of letters, digits and signs")
    return f"Bearer {token.value}"


def basic(username: str, password: str) -> str:
    """The header Authorization of a login.

    >>> basic("ada", "secret")
    'Basic YWRhOnNlY3JldA=='
    """
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
