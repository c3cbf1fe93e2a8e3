"""A measured process: what it prints, and the CPU time that it and its threads have taken. Linux only."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import msgspec

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 300.0
FAIRLEAD = str(Path(sys.executable).with_name("fairlead"))


def wait_until(condition: Callable[[], Any], what: str, pause: float = 0.1) -> Any:
    """The first true answer. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        time.sleep(pause)
    return answer


class Process:
    """A Python process, killed when the `with` block ends. Both its outputs go to a file."""

    def __init__(self, *arguments: str) -> None:
        self._log = tempfile.NamedTemporaryFile("w+", suffix=".log")  # noqa: SIM115 (closed by __exit__)
        self._process = subprocess.Popen([sys.executable, *arguments], stdout=self._log, stderr=self._log)
        self.pid = self._process.pid

    def printed(self) -> str:
        """All that it has printed. Raises RuntimeError when it has ended."""
        text = Path(self._log.name).read_text()
        if self._process.poll() is not None:
            raise RuntimeError(f"the process ended with {self._process.returncode}:\n{text[-3000:]}")
        return text

    def said(self, pattern: str) -> str | None:
        """What the first group of a pattern matched in its output."""
        found = re.search(pattern, self.printed())
        return found[1] if found else None

    def cpu(self) -> float:
        """Seconds of CPU so far, user and system, of all threads."""
        return _seconds(Path(f"/proc/{self.pid}/stat"))

    def threads(self) -> list[float]:
        """Seconds of CPU of each thread; the main thread first, then the busiest."""
        tasks = Path(f"/proc/{self.pid}/task")
        main = _seconds(tasks / str(self.pid) / "stat")
        others = [_seconds(task / "stat") for task in tasks.iterdir() if task.name != str(self.pid)]
        return [main, *sorted(others, reverse=True)]

    def peak_memory(self) -> int:
        """Bytes of resident memory at the peak."""
        return self._memory("VmHWM")

    def memory(self) -> int:
        """Bytes of resident memory now."""
        return self._memory("VmRSS")

    def _memory(self, which: str) -> int:
        found = re.search(rf"{which}:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) * 1024 if found else 0

    def stop(self) -> None:
        """SIGTERM, and the end."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def kill(self) -> None:
        """As a machine that fails."""
        self._process.kill()
        self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._log.close()


class Worker(Process):
    """A `fairlead worker`. `profile` is a file for cProfile's numbers of the main thread."""

    def __init__(self, configuration: Path, *options: str, profile: Path | None = None) -> None:
        run = ["-m", "benchmarks.stream.profiled", str(profile)] if profile else [FAIRLEAD]
        super().__init__(*run, "worker", "-c", str(configuration), *options)
        self._profiled = profile is not None

    def start_profile(self) -> None:
        """From now on the main thread is profiled, if it was asked for."""
        if self._profiled:
            self._process.send_signal(signal.SIGUSR1)

    def address(self) -> str:
        """Of its page; the first line that names it may take a while."""
        return str(wait_until(lambda: self.said(r"the page is at (http\S+)/"), "the page's address"))

    def get(self, path: str) -> Any:
        """What the page's API answers."""
        with urllib.request.urlopen(self.address() + path, timeout=30) as answer:
            return msgspec.json.decode(answer.read())

    def recovered(self) -> int:
        """How many partitions of the events it reads; 0 while it is not ready."""
        with suppress(OSError):
            health = self.get("/api/health")
            return int(health["recovered"]) if health["ready"] else 0
        return 0

    def ids(self) -> int:
        """Of decisions without an outcome, and of feedback without a decision, that it holds."""
        health = self.get("/api/health")
        return int(health["pending"]) + int(health["orphans"])

    def clock(self) -> int | None:
        """The event time (ms) that all it evaluates has reached."""
        found: int | None = self.get("/api/health")["clock"]
        return found

    def lag(self) -> int:
        """Records that it has still to read."""
        return sum(n for topic in self.get("/api/health")["lag"].values() for n in topic.values())

    def reads(self, topic: str) -> set[int]:
        """Which partitions of a topic of events it holds."""
        return {int(partition) for partition in self.get("/api/health")["lag"].get(topic, ())}

    def taken(self) -> tuple[int, int]:
        """Decisions and outcomes in the readings of all models."""
        readings = self.get("/api/readings?window=all")
        return sum(r["decisions"] for r in readings), sum(r["feedback"] for r in readings)


class Crew:
    """The workers of one deployment, measured as one."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = workers

    def cpu(self) -> float:
        return sum(worker.cpu() for worker in self.workers)

    def threads(self) -> list[float]:
        """Seconds of CPU of the main threads, and of all others."""
        main = sum(worker.threads()[0] for worker in self.workers)
        return [main, self.cpu() - main]

    def peak_memory(self) -> int:
        """Bytes of all of them."""
        return sum(worker.peak_memory() for worker in self.workers)

    def ready(self, partitions: int) -> bool:
        """Whether each reads some of so many partitions, and together all."""
        read = [worker.recovered() for worker in self.workers]
        return all(read) and sum(read) == partitions

    def has_clock(self) -> bool:
        """Whether time has begun where the model is evaluated."""
        return any(worker.clock() is not None for worker in self.workers)

    def taken(self) -> tuple[int, int]:
        """Decisions and outcomes in the readings: one of them evaluates the model."""
        taken = [worker.taken() for worker in self.workers]
        return sum(decisions for decisions, _ in taken), sum(outcomes for _, outcomes in taken)

    def lag(self) -> int:
        return sum(worker.lag() for worker in self.workers)


def _seconds(stat: Path) -> float:
    fields: Sequence[str] = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
