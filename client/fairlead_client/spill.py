"""Events on disk while Kafka is down, sent later by this process or by the next."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Container, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

from fairlead_client.batch import Event

CLAIM_SECONDS = 600  # a claim that is older belongs to a process that has died


class SpillFullError(OSError):
    """The folder holds as many bytes as it may."""


class Spill:
    """A folder of immutable files, JSON Lines of `[topic, model, id, row]` of one topic, oldest first.

    Several processes may share the folder: a file is renamed by the one that replays it. Should two
    replay the same file all the same, Fairlead takes equal events as one.
    """

    def __init__(self, folder: str | os.PathLike[str], max_bytes: int) -> None:
        """Makes the folder, for its owner alone. Raises OSError."""
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._max_bytes = max_bytes

    def write(self, topic: str, events: Sequence[Event]) -> None:
        """Makes events of the topic durable. Raises OSError, and SpillFullError when the folder is full."""
        body = "".join(f"{json.dumps(event[1:], separators=(',', ':'))}\n" for event in events).encode()
        if self._size() + len(body) > self._max_bytes:
            raise SpillFullError(f"spill_bytes: {self._max_bytes} bytes are full")
        name = _name(_mark(topic))
        part = self._folder / f"{name}.part"
        try:
            _write_durably(part, body)
            part.rename(self._folder / f"{name}.jsonl")
            _sync(self._folder)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def claim(self, resting: Sequence[str] = ()) -> Path | None:
        """Takes the oldest file for this process, if there is one; those of topics that rest stay."""
        for path in self._claimable({_mark(topic) for topic in resting}):
            mine = path.with_name(f"{_stem(path)}.{uuid4().hex}.claimed")
            try:
                os.utime(path)
                return path.rename(mine)
            except FileNotFoundError:
                continue  # another process was faster
        return None

    def _claimable(self, resting: Container[str]) -> list[Path]:
        """Finished files, and those of processes that died while writing or replaying them."""
        long_ago = time.time() - CLAIM_SECONDS
        abandoned = [
            path
            for kind in ("*.claimed", "*.part")
            for path in self._folder.glob(kind)
            if _modified(path) < long_ago
        ]
        found = [path for path in (*self._folder.glob("*.jsonl"), *abandoned) if _marked(path) not in resting]
        return sorted(found, key=lambda path: path.name)

    @staticmethod
    def read(path: Path) -> tuple[list[Event], int]:
        """The file's events, and how many lines are none."""
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        events = [_event(number, line) for number, line in enumerate(lines)]
        readable = [event for event in events if event is not None]
        return readable, len(events) - len(readable)

    @staticmethod
    def release(path: Path) -> None:
        """Gives a claimed file back, as the newest: what cannot be sent stops nothing else."""
        path.rename(path.with_name(f"{_name(_marked(path))}.jsonl"))

    def _size(self) -> int:
        return sum(_bytes(path) for path in self._folder.iterdir())


def _name(mark: str) -> str:
    """Unique, and sorted by time."""
    return f"{time.time_ns()}-{uuid4().hex}-{mark}"


def _mark(topic: str) -> str:
    """By what a file's name tells its topic, which may be as long as a name can be."""
    return blake2b(topic.encode(), digest_size=4).hexdigest()


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _marked(path: Path) -> str:
    return _stem(path).rpartition("-")[2]


def _write_durably(path: Path, body: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Makes the folder's list of files durable, too, where a folder can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _event(number: int, line: str) -> Event | None:
    """None unless the line is an event that can be sent."""
    try:
        topic, model, id, row = json.loads(line)
        # Half a surrogate pair and numbers that are none can be read, but not sent.
        json.dumps((topic, model, id, row), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None
    texts = isinstance(topic, str) and isinstance(id, str) and isinstance(model, (str, type(None)))
    readable = texts and isinstance(row, dict) and all(map(_flat, row.values()))
    return Event(number, topic, model, id, row) if readable else None


def _flat(cell: Any) -> bool:
    """Rows hold nothing deeper than a list of reasons or a map of probabilities."""
    inner = cell.values() if isinstance(cell, dict) else cell if isinstance(cell, list) else ()
    return not any(isinstance(value, (dict, list)) for value in inner)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
