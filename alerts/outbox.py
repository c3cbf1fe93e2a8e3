"""The outbox as plain data: what must be told to whom, and how far that has come."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from alerts.alert import Alert
from monitor import records

FIRST_WAIT_MS = 5_000
LONGEST_WAIT_MS = 15 * 60_000
GIVE_UP_MS = 3 * 86_400_000
PREFIX = b"outbox/"


class Progress(StrEnum):
    """How far a delivery has come; all but `due` are final."""

    DUE = "due"
    SENT = "sent"
    SKIPPED = "skipped"  # nobody needs to hear of it any more; the reason says why
    FAILED = "failed"


class Skip(StrEnum):
    """Why a delivery was skipped."""

    OVER_WHILE_SILENCED = "it was over before the silence was"
    NEVER_TOLD = "that it began was never told"


class Delivery(Struct, frozen=True, kw_only=True):
    """One notification to one destination. Times are wall times in ms.

    (alert id, sequence, destination) names it, so that a restart goes on where the last run stopped.
    """

    alert: Alert
    destination: str
    created: int
    next_attempt: int
    state: Progress = Progress.DUE
    attempts: int = 0
    told: int | None = None  # when it was last sent; a delivery that repeats is told and due
    reason: str = ""


def key(delivery: Delivery) -> bytes:
    """The delivery's key in the table."""
    return PREFIX + f"{delivery.alert.id}/{delivery.alert.sequence:08d}/{delivery.destination}".encode()


def encode(delivery: Delivery) -> bytes:
    """The delivery as a record for the table."""
    return records.encode(delivery)


def decode(data: bytes) -> Delivery:
    """The delivery in a record. Raises ValueError for a record of a newer Fairlead or a damaged one."""
    return records.decode(data, Delivery)


def sent(delivery: Delivery, now: int) -> Delivery:
    """The delivery once it has been told."""
    return replace(delivery, state=Progress.SENT, attempts=delivery.attempts + 1, told=now, reason="")


def repeated(delivery: Delivery, now: int, repeat_ms: int) -> Delivery:
    """The delivery once it has been told, to be told again after a while."""
    return replace(delivery, attempts=0, told=now, next_attempt=now + repeat_ms, reason="")


def settled(delivery: Delivery) -> Delivery:
    """The delivery that was told and need not be repeated."""
    return replace(delivery, state=Progress.SENT)


def skipped(delivery: Delivery, reason: Skip) -> Delivery:
    """The delivery that nobody needs any more."""
    return replace(delivery, state=Progress.SKIPPED, reason=reason.value)


def failed(delivery: Delivery, reason: str) -> Delivery:
    """The delivery that will never arrive."""
    return replace(delivery, state=Progress.FAILED, attempts=delivery.attempts + 1, reason=reason)


def postponed(delivery: Delivery, reason: str, after: int | None, now: int) -> Delivery:
    """The delivery after an attempt that may work later; given up after three days."""
    if now - (delivery.told or delivery.created) >= GIVE_UP_MS:
        return failed(delivery, f"given up after 3 days: {reason}")
    attempts = delivery.attempts + 1
    wait = max(backoff(attempts), after or 0)
    return replace(delivery, attempts=attempts, next_attempt=now + wait, reason=reason)


def backoff(attempts: int) -> int:
    """How long to wait after so many attempts, in ms: doubling, up to a quarter of an hour.

    >>> [backoff(n) // 1000 for n in (1, 2, 3, 20)]
    [5, 10, 20, 900]
    """
    return min(FIRST_WAIT_MS << min(attempts - 1, 20), LONGEST_WAIT_MS)
