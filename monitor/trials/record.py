"""All of a model's tests as one durable record."""

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from monitor.trials.restarts import Note
from monitor.trials.running import Kept

FORMAT = 1


class Begun(Struct, array_like=True):
    """What was fixed when a model's tests began: nothing of it depends on what was decided about anybody."""

    references: dict[str, str]  # of each attribute the group with the most decisions
    groups: dict[str, list[str]]  # those seen by then
    per_year: float  # decisions, at the rate of then


class _Head(Struct, array_like=True):
    format: int


class State(Struct, array_like=True):
    """All of a model's tests as a record. `consumed`: by source the first slice that they have not seen.

    `forgotten`: the slice before which the ledger was forgotten; `gone`: what had been revised before it, as
    attribute, metric, group, slice, altered and late; `restarts`: how many there were, by rule, attribute and
    reason; `width`: that of a slice, in ms.
    """

    format: int
    begun: Begun
    consumed: dict[str, int]
    notes: list[Note]
    families: list[Kept]
    forgotten: int = 0
    gone: list[tuple[str, str, str, int, int, int]] = []
    restarts: list[tuple[str, str, str, int]] = []
    width: int = 0


def decode(record: bytes) -> State:
    """The state in a record. Raises ValueError for one of a newer Fairlead."""
    version = msgspec.msgpack.decode(record, type=_Head).format
    if version > FORMAT:
        raise ValueError(f"trials: format = {version}: allowed is up to {FORMAT}: upgrade Fairlead")
    return msgspec.msgpack.decode(record, type=State)


def at_width(state: State, width: int) -> State:
    """The state where slices are `width` ms long: what was in those that were longer or shorter is not fed
    again, and its ledger is no longer of use."""
    if state.width in (0, width):
        return state

    def number(of: int) -> int:
        return -(-of * state.width // width)

    consumed = {source: number(end) for source, end in state.consumed.items()}
    notes = [replace(note, slice=number(note.slice)) for note in state.notes]
    first = min(consumed.values())
    return replace(state, consumed=consumed, notes=notes, forgotten=first, gone=[], width=width)
