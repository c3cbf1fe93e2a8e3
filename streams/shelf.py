"""The durable blocks of one partition: which there are, and which of them are worth merging."""

from collections import defaultdict

from monitor.facts import blocks

SMALL, MERGED = 64_000, 256_000  # bytes of a small block, and of those that become one, at most
MANY = 32  # small blocks of one model are merged


class Shelf:
    """The keys of blocks, and the sizes of the small ones by what they are about. Others do not add up.

    >>> shelf = Shelf()
    >>> shelf.due()
    []
    """

    def __init__(self) -> None:
        self._models: dict[bytes, str | None] = {}
        self._small: dict[str | None, dict[bytes, int]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._models)

    def keys(self) -> list[bytes]:
        """All keys, the oldest first."""
        return list(self._models)

    def put(self, key: bytes, record: bytes) -> None:
        """A block is durable."""
        self._models[key] = model = blocks.about(record)
        if len(record) < SMALL:
            self._small[model][key] = len(record)

    def remove(self, key: bytes) -> None:
        """A block is gone; nothing if it never was there."""
        self._small[self._models.pop(key, None)].pop(key, None)

    def due(self) -> list[bytes]:
        """The keys of blocks that should become one, the oldest first; none while there are few."""
        several = max(self._small.values(), key=len, default={})
        return [] if len(several) < MANY else _fitting(several)


def _fitting(sizes: dict[bytes, int]) -> list[bytes]:
    """The first keys of blocks that are not too large together."""
    chosen, total = list[bytes](), 0
    for key, size in sizes.items():
        total += size
        if total > MERGED:
            break
        chosen.append(key)
    return chosen
