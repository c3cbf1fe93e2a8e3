"""The items of a table's partitions, as its changelog tells them: also where a zombie had the last word.

A worker that stood still while others took its partitions may wake with writes on their way, and Kafka takes
them. So each *holding* of a partition has a name, and a later one has a larger name. It begins with a record
that says the name, and all that it writes carries the name. Behind the record of a later holding, that of an
earlier one and what it writes count for nothing. Before compaction keeps that and drops what it wrote over,
whoever recovers the partition *mends* it: writes once more what counts.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Any

from faust.stores.base import Store as BaseStore
from faust.types import TP, EventT

HOLDER = b"holder"
"""The key of the record that begins a holding, and the name of the header that tells whose a record is."""

AHEAD = 10_000
"""Own records that are remembered behind one that is missing; further ones are read again by a recovery."""

_NAME = struct.Struct(">II")  # as its bytes are ordered: how often generations began again, the generation


class Store(BaseStore):  # type: ignore[misc]
    """The items of the partitions that this worker holds, and the offset up to which they hold everything.

    `holders`: by partition, the newest holding that the changelog tells of. `overwritten`: the keys whose
    last record is a zombie's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partitions: dict[int, dict[bytes, bytes]] = {}
        self.offsets: dict[int, int] = {}
        self.changed: set[int] = set()
        self.holders: dict[int, bytes] = {}
        self.overwritten: dict[int, set[bytes]] = {}
        self._ahead: dict[int, set[int]] = {}  # by partition: own records behind one that is not known yet

    def open(self, partition: int) -> None:
        """Starts to hold a partition; nothing if it is held."""
        if partition not in self.partitions:
            self.partitions[partition] = {}
            self.overwritten[partition] = set()
            self.changed.add(partition)

    def drop(self, partition: int) -> None:
        """Forgets a partition."""
        for known in (self.partitions, self.offsets, self.holders, self.overwritten, self._ahead):
            known.pop(partition, None)
        self.changed.discard(partition)

    def read(
        self, partition: int, key: bytes, value: bytes | None, offset: int, holder: bytes | None = None
    ) -> None:
        """Follows the next record of the changelog; nothing if the partition is not held.

        `holder` wrote it; what carries nobody's name counts.
        """
        if partition not in self.partitions:
            return
        self.offsets[partition] = max(offset, self.offsets.get(partition, -1))
        if holder is not None and holder < self.holders.get(partition, b""):
            self.overwritten[partition].add(key)
        else:
            self._set(partition, key, value)

    def wrote(self, partition: int, key: bytes, value: bytes | None, offset: int) -> None:
        """Follows a record of our own; nothing if the partition is not held, or the record was read.

        Before it there may be records of another worker, which held the partition while we stood still: see
        `lags`.
        """
        if partition not in self.partitions or offset <= self.offsets.get(partition, -1):
            return
        self._set(partition, key, value)
        ahead = self._ahead.setdefault(partition, set())
        if len(ahead) < AHEAD:
            ahead.add(offset)
        last = self.offsets.get(partition, -1)
        while last + 1 in ahead:
            last += 1
            ahead.discard(last)
            self.offsets[partition] = last

    def lags(self, partition: int) -> bool:
        """Whether there is something before our own last record that we do not know.

        It may be another holding, for which what we wrote counts for nothing.
        """
        return bool(self._ahead.get(partition))

    def _set(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Sets or removes an item, or begins a holding."""
        self.overwritten[partition].discard(key)
        if key == HOLDER:
            self.holders[partition] = value or b""
        elif value is None:
            self.partitions[partition].pop(key, None)
        else:
            self.partitions[partition][key] = value

    def apply_changelog_batch(self, batch: Iterable[EventT], **_: Any) -> None:
        """Recovery's records. Faust may hand us another table's after a rebalance."""
        for event in batch:
            message = event.message
            if message.topic == self.table.changelog_topic_name:
                holder = _holder(message.headers)
                self.read(message.partition, message.key, message.value, message.offset, holder)
                self.changed |= self.partitions.keys() & {message.partition}

    def persisted_offset(self, tp: TP) -> int:
        """Where recovery goes on; -1, not None, else Faust may keep the offset of an earlier holding."""
        return self.offsets.get(tp.partition, -1)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Nothing: `read` and `wrote` do it."""

    def reset_state(self) -> None:
        """Forgets everything."""
        for partition in list(self.partitions):
            self.drop(partition)

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """Nothing: the changelog is the backup."""

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """Nothing: recovery reads the changelog."""


def following(name: bytes, generation: int) -> bytes:
    """The name of a holding that begins in a generation of the group, after another one; empty after none.

    Generations rise, but begin again when Kafka has forgotten the group.

    >>> names = [b""]
    >>> for generation in (3, 4, 1, 2): names.append(following(names[-1], generation))
    >>> names == sorted(names), [*map(len, names)]
    (True, [0, 8, 8, 8, 8])
    """
    age, before = _NAME.unpack(name or bytes(_NAME.size))
    return _NAME.pack(age + (generation <= before), generation)


def _holder(headers: Iterable[tuple[str, bytes]] | Mapping[str, bytes] | None) -> bytes | None:
    return dict(headers or ()).get(HOLDER.decode())
