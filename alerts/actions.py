"""What people did about alerts: the audit trail, and the silences that follow from it. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from alerts.silences import Silence
from monitor import records

PREFIX = b"action/"
KEPT = 1_000  # actions that are remembered; a silence that still mutes is never forgotten


class Kind(StrEnum):
    """What was done."""

    ACK = "ack"  # somebody has taken an alert on
    SILENCE = "silence"
    UNSILENCE = "unsilence"


class Action(Struct, frozen=True, kw_only=True):
    """One thing that somebody did, at a wall time (ms).

    `about` is the alert of an ack, or the silence that begins or ends; `episode` is that of the alert, so
    that an ack does not speak of the next time. `by` is a name that was given, and not proved.
    """

    id: str
    kind: Kind
    at: int
    by: str
    about: str
    comment: str = ""
    episode: int = 0
    silence: Silence | None = None


class Journal:
    """The actions of one partition; each partition has all of them. Inserting one twice changes nothing."""

    def __init__(self) -> None:
        self._actions: dict[str, Action] = {}

    def restore(self, items: Mapping[bytes, bytes]) -> None:
        """Takes up the actions that an earlier run stored. Raises ValueError for damaged ones."""
        for name, value in items.items():
            if name.startswith(PREFIX):
                self.put(decode(value))

    def put(self, action: Action) -> None:
        """Takes an action."""
        self._actions[action.id] = action

    def actions(self) -> list[Action]:
        """All that are remembered, the oldest first."""
        return sorted(self._actions.values(), key=lambda action: (action.at, action.id))

    def silences(self) -> list[Silence]:
        """The silences that nobody has ended; some may be over."""
        ended = {action.about for action in self._actions.values() if action.kind is Kind.UNSILENCE}
        return [a.silence for a in self.actions() if a.silence is not None and a.about not in ended]

    def forget(self, now: int) -> list[bytes]:
        """Drops the oldest beyond KEPT; the keys of what goes. `now` is a wall time in ms."""
        mute = {silence.id for silence in self.silences() if now < silence.until}
        old = [action for action in self.actions()[:-KEPT] if action.about not in mute]
        for action in old:
            del self._actions[action.id]
        return [key(action) for action in old]


def together(journals: Iterable[Journal]) -> list[Action]:
    """The actions of some partitions, each once, the newest first."""
    found = {action.id: action for journal in journals for action in journal.actions()}
    return sorted(found.values(), key=lambda action: (-action.at, action.id))


def key(action: Action) -> bytes:
    """The action's key, in the table and in the topic of alerts."""
    return PREFIX + action.id.encode()


def encode(action: Action) -> bytes:
    """The action as a record for Kafka."""
    return records.encode(action)


def decode(data: bytes) -> Action:
    """The action in a record. Raises ValueError for a record of a newer Fairlead or a damaged one."""
    return records.decode(data, Action)
