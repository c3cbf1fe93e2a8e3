"""Decision and Feedback: decoded, validated, read by column."""

from monitor.events.events import (
    DAY_MS,
    MOST,
    Decision,
    Decoded,
    Decoder,
    Event,
    Feedback,
    milliseconds,
    scalar,
)
from monitor.events.invalid import Invalid, InvalidEventError

__all__ = [
    "DAY_MS",
    "MOST",
    "Decision",
    "Decoded",
    "Decoder",
    "Event",
    "Feedback",
    "Invalid",
    "InvalidEventError",
    "milliseconds",
    "scalar",
]
