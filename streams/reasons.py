"""Why kafka-python could not connect: it logs the reason, and raises only that it gave up."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("kafka.net")
DEAD = "socket disconnected"
LOST = r".*(?:Connection lost|connection to \S+ failed): "
FAILED = re.compile(LOST + r"(?:.*Error: )?(.*?)(?: \(backoff .*\))?")
ASKED = re.compile(r"ALERT_(\w*CERTIFICATE|UNKNOWN_CA)")  # what the other side says of ours


class Reasons(logging.Handler):
    """Hears the log and keeps the first reason that says something; that the line went dead does not."""

    def __init__(self) -> None:
        super().__init__()
        self._first = ""

    def emit(self, record: logging.LogRecord) -> None:
        if self._first in ("", DEAD):
            self._first = reason(record.getMessage()) or self._first

    def of(self, error: Exception) -> str:
        """What to say of an error that was raised meanwhile."""
        if self._first == DEAD:
            return f"{DEAD}, as where TLS or the password are not what Kafka expects"
        if ASKED.search(self._first):
            return f"it asks for a certificate that it trusts, see ssl_certfile: {self._first}"
        return self._first or str(error)


def reason(line: str) -> str:
    """What a line of the log says of a connection that failed; nothing if it is about something else.

    >>> reason("Bootstrap connection to bootstrap-0 failed: XError: XError: no such user (backoff 1 secs)")
    'no such user'
    >>> reason("Bootstrap bootstrap-0 not ready; waiting 5.88 secs")
    ''
    """
    found = FAILED.fullmatch(line)
    return found[1] if found else ""


@contextmanager
def heard() -> Iterator[Reasons]:
    """Listens to kafka-python's log, and keeps it to itself."""
    reasons, level, propagates = Reasons(), LOGGER.level, LOGGER.propagate
    LOGGER.addHandler(reasons)
    LOGGER.setLevel("WARNING")
    LOGGER.propagate = False
    try:
        yield reasons
    finally:
        LOGGER.removeHandler(reasons)
        LOGGER.setLevel(level)
        LOGGER.propagate = propagates
