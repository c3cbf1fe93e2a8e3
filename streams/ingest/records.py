"""Events as records of Kafka."""

import msgspec

from monitor.events import Decision, Feedback, InvalidEventError
from streams.tables import MAX_RECORD

Record = tuple[bytes, bytes]  # key, value


def record(event: Decision | Feedback) -> Record:
    """An event without the fields that we do not know, and its decision's id as the key: murmur2 places it.

    Raises InvalidEventError for more than 900 kB.

    >>> key, value = record(Feedback(decision_id=17, time=0, outcome="repaid"))
    >>> key, msgspec.json.decode(value, type=Feedback).outcome
    (b'17', 'repaid')
    """
    name = event.decision_id if isinstance(event, Feedback) else event.id
    key, value = str(name).encode(), msgspec.json.encode(event)
    if (size := len(key) + len(value)) > MAX_RECORD:
        raise InvalidEventError("too_large", f"{size} bytes; allowed: at most {MAX_RECORD}")
    return key, value
