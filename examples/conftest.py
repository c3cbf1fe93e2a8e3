"""An emitter that sends to a recorder instead of Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fairlead_client import Emitter
from fairlead_client.testing import Recorder


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def emitter(recorder: Recorder) -> Iterator[Emitter]:
    with Emitter(model="example", connect=recorder.connect, linger=0, strict=True) as emitter:
        yield emitter


@pytest.fixture
def sent(recorder: Recorder, emitter: Emitter) -> Callable[[str], list[dict[str, object]]]:
    """The events of a topic, oldest first, once they have arrived."""

    def sent(topic: str) -> list[dict[str, object]]:
        assert emitter.flush()
        return sorted(recorder.events(topic), key=lambda event: event["time"])

    return sent
