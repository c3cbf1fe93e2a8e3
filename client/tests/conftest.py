"""Emitters over a recorder, processes that run a script, and an in-memory Kafka."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from fairlead_client import Emitter
from fairlead_client.testing import Recorder

# A busy machine is no failure.
settings.register_profile("client", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("client")

CLIENT = Path(__file__).parent.parent


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def make(recorder: Recorder) -> Iterator[Callable[..., Emitter]]:
    """Makes emitters of the model credit that are closed in the end."""
    emitters = []

    def make(**options: Any) -> Emitter:
        emitter = Emitter(**{"model": "credit", "linger": 0.0, "connect": recorder.connect, **options})
        emitters.append(emitter)
        return emitter

    yield make
    for emitter in emitters:
        emitter.close(timeout=0)


PRELUDE = """
    import json, os, sys
    from fairlead_client import Emitter
    from fairlead_client.testing import Recorder

    class ToFile(Recorder):
        # Appends the id of every event to the file named by the first argument.
        def deliver(self, messages, left):
            with open(sys.argv[1], "a") as file:
                file.writelines(f"{event.id}\\n" for message in messages for event in message.events)
            return super().deliver(messages, left)
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a script in its own process, which must succeed in silence; returns the ids it delivered."""

    def run(script: str, *arguments: str) -> list[str]:
        delivered = tmp_path / "delivered"
        code = textwrap.dedent(PRELUDE) + textwrap.dedent(script)
        command = [sys.executable, "-W", "ignore", "-c", code, str(delivered), *arguments]
        done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return delivered.read_text().split() if delivered.exists() else []

    return run
