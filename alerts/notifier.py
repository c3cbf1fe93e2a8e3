"""What a notifier is: a way to reach people. Each file of `notifiers/` holds one."""

from abc import ABC, abstractmethod
from typing import ClassVar

from alerts.message import Message


class Retry(Exception):  # noqa: N818 (it is an answer, as StopIteration is)
    """It did not work now and may later; `after` is the other side's wish, in ms."""

    def __init__(self, reason: str, after: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


class Refused(Exception):  # noqa: N818
    """It will never work: the other side understood and said no."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sender(ABC):
    """One destination. A file of `notifiers/` names its subclass `Notifier` and its options `Settings`."""

    repeat_ms: ClassVar[int | None] = None  # how often an alert that fires on must be sent again
    timeout_s = 20.0  # the most that it waits for its other side

    @abstractmethod
    async def send(self, message: Message) -> None:
        """Sends, or raises Retry or Refused. Reasons never hold an address or a secret."""
