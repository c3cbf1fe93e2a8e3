"""Why an event cannot count: a reason of few, which is counted, and one line for people."""

import msgspec
from msgspec import Struct

ERRORS = msgspec.MsgspecError, UnicodeDecodeError, RecursionError  # of decoding


class Invalid(Struct, frozen=True):
    """An event that cannot count: a reason (a short fixed word) and one line that says what is allowed.

    `record` is the number of its message within the decoded list. It may stand for `count` events of that
    message, of which `detail` is about the first: there may be one for each two bytes.
    """

    record: int
    reason: str
    detail: str
    count: int = 1


class InvalidEventError(ValueError):
    """Why an event cannot count, or so many of them."""

    def __init__(self, reason: str, detail: str, count: int = 1) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.count = reason, detail, count


def explained(error: Exception) -> InvalidEventError:
    """msgspec's words as one of our reasons."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return InvalidEventError("malformed", f"not JSON: {text[:120]}")
    if "missing required field" in text:
        return InvalidEventError("missing_field", text[:160])
    if "length <=" in text:
        return InvalidEventError("too_long", text[:160])
    if "out of range" in text.lower():
        return InvalidEventError("not_finite", text[:160])
    return InvalidEventError("wrong_type", text[:160])
