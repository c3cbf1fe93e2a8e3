"""A whole deployment as its users run it: `fairlead worker` processes on a real Kafka, read over HTTP."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.kafka.broker import create_topics

FAIRLEAD = str(Path(sys.executable).with_name("fairlead"))
PATIENCE = 60.0
PARTITIONS = 4


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """The first true answer."""
    end = time.monotonic() + patience
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)
    return answer


class Process:
    """One `fairlead worker`; killed when the `with` block ends."""

    def __init__(self, configuration: Path) -> None:
        command = [FAIRLEAD, "worker", "-c", str(configuration)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        self.lines.extend(iter(self._process.stderr.readline, ""))

    @property
    def address(self) -> str:
        """Of its page."""
        found = wait_until(self._printed_address, f"the page's address in {self.lines}")
        return str(found)

    def _printed_address(self) -> str | None:
        assert self._process.poll() is None, self.lines
        return next((m[1] for line in self.lines if (m := re.search(r"page is at (http\S+)/", line))), None)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if path.startswith("/api") else body.decode()

    def ready(self) -> bool:
        try:
            return bool(self.get("/readyz"))
        except OSError:
            return False

    def readings(self, window: str = "all") -> list[Any]:
        return [reading for reading in self.get("/api/readings") if reading["window"] == window]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and waits for the end; the exit status."""
        self._process.send_signal(number)
        status = self._process.wait(30)
        self._reader.join(10)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


class Deployment:
    """A configuration over COMPAS's, with topics and a group of its own, and workers on demand."""

    def __init__(self, kafka: str, name: str, folder: Path, more: str = "") -> None:
        self.kafka, self.name = kafka, name
        self.decisions, self.feedback, self.invalid = f"{name}-d", f"{name}-f", f"{name}-i"
        compas = (Path(__file__).parents[2] / "streams" / "data" / "compas.toml").read_text()
        broker = (
            f'[broker]\nurl = "kafka://{kafka}"\ngroup = "{name}"\ndecisions = "{self.decisions}"\n'
            f'feedback = "{self.feedback}"\ninvalid = "{self.invalid}"\npartitions = {PARTITIONS}\n'
            "[http]\nport = 0\n"
        )
        self.configuration = folder / "fairlead.toml"
        self.configuration.write_text(compas + "\n" + broker + more)
        create_topics(kafka, {self.decisions: PARTITIONS, self.feedback: PARTITIONS})

    def worker(self) -> Process:
        return Process(self.configuration)


def reading(workers: list[Process], decisions: int, feedback: int) -> Any:
    """The reading of all time, once it holds so many decisions and outcomes."""

    def complete() -> Any:
        found = [reading for worker in workers for reading in worker.readings()]
        return next((r for r in found if (r["decisions"], r["feedback"]) == (decisions, feedback)), None)

    return wait_until(complete, f"{decisions} decisions and {feedback} outcomes")
