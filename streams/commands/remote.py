"""Asking a running worker over HTTP. Every failure is one line."""

import os
from argparse import Namespace
from typing import Any, TypeVar

import msgspec
import niquests
from msgspec import Struct

from monitor.config import ConfigError

SECONDS = 10.0

T = TypeVar("T")


class RemoteError(ConfigError):
    """The worker at an address could not be reached, or refused."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__("URL", url, f"the address of a running worker ({why})")
        self.args = (f"{url}: {why}",)


class Remote(Struct, frozen=True):
    """A worker's address, and what it asks of those who ask: a name and a password, a token, or nothing."""

    url: str
    login: tuple[str, str] | None = None
    token: str | None = None

    def get(self, path: str, to: type[T]) -> T:
        """What stands there. Raises RemoteError."""
        return self._ask("GET", path, to)

    def post(self, path: str, body: dict[str, Any], to: type[T]) -> T:
        """The answer to a request. Raises RemoteError."""
        return self._ask("POST", path, to, body)

    def _ask(self, method: str, path: str, to: type[T], body: dict[str, Any] | None = None) -> T:
        url = self.url.rstrip("/") + path
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        try:
            answer = niquests.request(
                method,
                url,
                json=body,
                headers=headers,
                auth=self.login,
                timeout=SECONDS,
                allow_redirects=False,
            )
        except (niquests.exceptions.RequestException, ValueError) as error:
            raise RemoteError(self.url, f"cannot be reached ({type(error).__name__})") from None
        content = answer.content or b""
        if not answer.ok or answer.is_redirect:
            raise RemoteError(self.url, f"{answer.status_code} {answer.reason}{_detail(content)}")
        try:
            return msgspec.json.decode(content, type=to)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise RemoteError(url, "what is there is no Fairlead, or another version of it") from None


class _Fault(Struct):
    detail: str


class _Refusal(Struct):
    errors: list[_Fault]


def _detail(content: bytes) -> str:
    """The worker's own words about why it refused."""
    try:
        return f" ({msgspec.json.decode(content, type=_Refusal).errors[0].detail})"
    except (msgspec.MsgspecError, UnicodeDecodeError, IndexError):
        return ""


def officer(args: Namespace) -> Remote:
    """The worker, asked by somebody who has the token of `[alerts]`. Raises ConfigError."""
    return Remote(args.url, token=secret(args.secret))


def reader(args: Namespace) -> Remote:
    """The worker, asked by somebody who may see the page. Raises ConfigError."""
    return Remote(args.url, login=None if args.user is None else (args.user, secret(args.secret)))


def secret(variable: str) -> str:
    """What an environment variable holds. Raises ConfigError."""
    found = os.environ.get(variable)
    if not found:
        raise ConfigError("--secret", variable, "the name of an environment variable that is set")
    return found
