"""The console: alerts on standard output, for trying out and for logs of containers."""

import sys
from typing import Literal

import msgspec

from alerts import message as messages
from alerts.message import Message
from alerts.notifier import Sender
from monitor.config import Section


class Settings(Section, frozen=True):
    """`json` prints one object a line, for programs that read logs."""

    format: Literal["text", "json"] = "text"


class Notifier(Sender):
    """Prints the message."""

    def __init__(self, settings: Settings, key: str) -> None:  # noqa: ARG002 (every notifier is given its key)
        self._json = settings.format == "json"

    async def send(self, message: Message) -> None:
        """Prints to what is standard output at that moment, so that a progress bar can stay below it."""
        line = msgspec.json.encode(message).decode() if self._json else messages.text(message) + "\n"
        print(line, file=sys.stdout, flush=True)
