"""Whatever the library Apprise can reach: Teams, Telegram, Discord, SMS gateways and a hundred more."""

import importlib
from typing import Any

from alerts import message as messages
from alerts.alert import State
from alerts.message import Message
from alerts.notifier import Retry, Sender
from monitor.config import ConfigError, Secret, Section

_TYPES = {"info": "info", "warning": "warning", "critical": "failure"}


class Settings(Section, frozen=True):
    """`urls` are Apprise's own, such as tgram://…; they hold tokens, so that each is a secret."""

    urls: list[Secret]


class Notifier(Sender):
    """Needs the package `apprise`, which Fairlead's extra of that name installs."""

    def __init__(self, settings: Settings, key: str) -> None:
        self._apprise = _connect(settings, key)

    async def send(self, message: Message) -> None:
        """Apprise says yes or no without a reason, so that every no may pass."""
        kind = "success" if message.state is State.RESOLVED else _TYPES[message.severity]
        done = await self._apprise.async_notify(
            title=f"{messages.badge(message)} {message.title}",
            body=messages.text(message),
            notify_type=kind,
            body_format="text",
            interpret_escapes=False,
        )
        if not done:
            raise Retry("Apprise could not reach all its addresses")


def _connect(settings: Settings, key: str) -> Any:
    try:
        library = importlib.import_module("apprise")
    except ModuleNotFoundError:
        allowed = "only with the package apprise: pip install 'fairlead[apprise]'"
        raise ConfigError(key, "apprise", allowed) from None
    if not settings.urls:
        raise ConfigError(f"{key}.urls", settings.urls, "a list of at least one address")
    found = library.Apprise()
    for i, url in enumerate(settings.urls):
        if not found.add(url.value):
            raise ConfigError(f"{key}.urls[{i}]", "…", "an address that Apprise knows")
    return found
