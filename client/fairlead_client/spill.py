"""Events on disk while Kafka is down, sent later by this process or by the next."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from fairlead_client.batch import Event

CLAIM_SECONDS = 600  # a claim that is older belongs to a process that has died


class SpillFullError(OSError):
    """The folder holds as many bytes as it may."""


class Spill:
    """A folder of immutable files, JSON Lines of `[topic, model, id, row]`, oldest first.

    Several processes may share the folder: a file is renamed by the one that replays it. Should two
    replay the same file all the same, Fairlead takes equal events as one.
    """

    def __init__(self, folder: str | os.PathLike[str], max_bytes: int) -> None:
        """Makes the folder, for its owner alone. Raises OSError."""
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._max_bytes = max_bytes
        for part in self._folder.glob("*.part"):
            # What a process that died has not finished; a live one takes no such time to write.
            if _modified(part) < time.time() - CLAIM_SECONDS:
                part.unlink(missing_ok=True)

    def write(self, events: Sequence[Event]) -> None:
        """Makes the events durable. Raises OSError, and SpillFullError when the folder is full."""
        body = "".join(f"{json.dumps(event[1:], separators=(',', ':'))}\n" for event in events).encode()
        if self._size() + len(body) > self._max_bytes:
            raise SpillFullError(f"spill_bytes: {self._max_bytes} bytes are full")
        name = _name()
        part = self._folder / f"{name}.part"
        try:
            _write_durably(part, body)
            part.rename(self._folder / f"{name}.jsonl")
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def claim(self) -> Path | None:
        """Takes the oldest file for this process; None when there is none."""
        for path in self._claimable():
            mine = path.with_name(f"{path.name.split('.')[0]}.{uuid4().hex}.claimed")
            try:
                os.utime(path)
                return path.rename(mine)
            except FileNotFoundError:
                continue  # another process was faster
        return None

    def _claimable(self) -> list[Path]:
        """New files, and those of processes that died while replaying."""
        long_ago = time.time() - CLAIM_SECONDS
        abandoned = [path for path in self._folder.glob("*.claimed") if _modified(path) < long_ago]
        return sorted([*self._folder.glob("*.jsonl"), *abandoned], key=lambda path: path.name)

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
        path.rename(path.with_name(f"{_name()}.jsonl"))

    def _size(self) -> int:
        return sum(_bytes(path) for path in self._folder.iterdir())


def _name() -> str:
    """Unique, and sorted by time."""
    return f"{time.time_ns()}-{uuid4().hex}"


def _write_durably(path: Path, body: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _event(number: int, line: str) -> Event | None:
    try:
        topic, model, id, row = json.loads(line, parse_constant=_refuse)
    except (TypeError, ValueError):
        return None
    readable = isinstance(topic, str) and isinstance(id, str) and isinstance(row, dict)
    return Event(number, topic, model, id, row) if readable and isinstance(model, (str, type(None))) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


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
