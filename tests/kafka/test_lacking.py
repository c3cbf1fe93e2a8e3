"""Workers of the deployment, and beside them some that go without a remedy: see `tests.kafka.lacking`."""

import re
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams import messages
from streams.files.replay import Record
from tests.kafka.deployment import Deployment, Process, readings, ready, wait_until

pytestmark = pytest.mark.kafka
DAY, START = 86_400, 86_400 * 20_000
PEOPLE = 600
MODELS = [f"loans{number}" for number in range(8)]
MODEL = """
[models.{}]
positive = ["yes"]
positive_outcome = ["good"]
attributes = ["sex"]
windows = ["all"]
feedback_within = "30d"
[[models.{}.rules]]
metric = "true_positive_rate"
min = -0.1
max = 0.1
"""


class Side:
    """A deployment whose workers all go without the same."""

    def __init__(self, kafka: str, name: str, folder: Path, stack: ExitStack, word: str) -> None:
        folder.mkdir()
        more = "".join(MODEL.format(model, model) for model in MODELS)
        self.deployment = stack.enter_context(Deployment(kafka, f"{name}{word}", folder, more))
        self.workers: list[Process] = []
        self._stack, self._word = stack, word

    def start(self) -> None:
        self.workers.append(self._stack.enter_context(Lacking(self._word, self.deployment.configuration)))

    def comparison(self) -> Any:
        """Of the first model, once all decisions are counted."""
        found = [r for r in readings(self.workers) if (r["model"], r["decisions"]) == (MODELS[0], PEOPLE)]
        every = [c for r in found for c in r["attributes"]["sex"]["comparisons"]]
        return next((c for c in every if c["metric"] == "true_positive_rate"), None)

    def decisions(self) -> int:
        """How many of the first model are counted."""
        return next((int(r["decisions"]) for r in readings(self.workers) if r["model"] == MODELS[0]), 0)

    def panes(self) -> list[bytes]:
        """What `collect` has told of panes."""
        told = filter(None, self.deployment.so_far(self.topic))
        return [record for record in told if isinstance(messages.decode(record), messages.PaneMessage)]

    @property
    def topic(self) -> str:
        """Of the panes."""
        return f"{self.deployment.name}-panes"

    def tested(self) -> int:
        """How many outcomes the tests were fed."""
        found = self.comparison()
        return int(found["tested"]) if found else 0

    def exported(self) -> list[set[str]]:
        """By worker, the models of which it tells numbers to Prometheus."""
        told = r'fairlead_decisions\{model="(loans\d)"'
        return [set(re.findall(told, worker.get("/metrics"))) for worker in self.workers]


class Lacking(Process):
    def __init__(self, word: str, configuration: Path) -> None:
        self.command = (sys.executable, "-m", "tests.kafka.lacking", word)
        super().__init__(configuration)


@pytest.fixture
def sides(kafka: str, unique: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[list[Side]]:
    """One with all remedies, one without the remedy that the test names."""
    with ExitStack() as stack:
        yield [Side(kafka, unique, tmp_path / word, stack, word) for word in ("nothing", request.param)]


def about(person: int, model: str) -> list[Record]:
    """A decision and, an hour later, its outcome; twenty people a day."""
    name, time = f"{model}-{person}", START + person // 20 * DAY
    said = {
        "id": name,
        "model": model,
        "time": time,
        "decision": "yes",
        "attributes": {"sex": "FM"[person % 2]},
    }
    came = {"decision_id": name, "time": time + 3_600, "outcome": "good"}
    return [
        Record(event["time"] * 1_000, feedback, name.encode(), msgspec.json.encode(event))
        for feedback, event in ((False, said), (True, came))
    ]


@pytest.mark.parametrize("sides", ["clock"], indirect=True)
def test_nothing_is_judged_before_all_topics_have_reached_its_time(sides: list[Side]) -> None:
    """Who goes by the latest event judges decisions whose outcomes lie unread in Kafka."""
    ours, hasty = sides
    for side in sides:
        side.deployment.send(record for person in range(PEOPLE) for record in about(person, MODELS[0]))
        side.start()
    wait_until(ours.comparison, "all decisions")
    wait_until(hasty.tested, "a hasty judgement")
    assert ours.tested() == 0
    for side in sides:
        side.workers[0].send(signal.SIGUSR1)
    wait_until(lambda: ours.tested() == PEOPLE - 20, "all days but the last")  # which is not over
    assert ours.comparison()["revised"] == 0
    wait_until(lambda: hasty.comparison()["revised"] > 0, "what it had judged to be revised")
    assert hasty.tested() < PEOPLE - 20


@pytest.mark.parametrize("sides", ["newest"], indirect=True)
def test_an_old_pane_changes_nothing(sides: list[Side]) -> None:
    """As one sends it who stood still while others counted on."""
    ours, forgets = sides
    decided = [about(person, MODELS[0])[0] for person in range(21)]  # all but one on one day
    for side in sides:
        side.deployment.send(decided[:10])
        side.start()
    for side in sides:
        wait_until(lambda side=side: side.decisions() == 10, "the first decisions")
    old = [side.panes() for side in sides]
    for side in sides:
        side.deployment.send(decided[10:20])
    for side in sides:
        wait_until(lambda side=side: side.decisions() == 20, "all decisions")
    for side, panes in zip(sides, old, strict=True):
        side.deployment.tell(side.topic, MODELS[0].encode(), panes)
        side.deployment.send(decided[20:])
    wait_until(lambda: ours.decisions() == 21, "one decision more")
    wait_until(lambda: 0 < forgets.decisions() < 20, "what is old")


@pytest.mark.parametrize("sides", ["desks"], indirect=True)
def test_models_that_have_moved_are_told_by_their_new_worker_alone(sides: list[Side]) -> None:
    ours, keeps = sides
    for side in sides:
        side.deployment.send(record for model in MODELS for record in about(0, model))
        side.start()
    for side in sides:
        wait_until(lambda side=side: side.exported() == [set(MODELS)], "all models")
        side.start()
    for side in sides:
        ready(*side.workers)
        wait_until(lambda side=side: set.union(*side.exported()) == set(MODELS), "all models")
    assert not set.intersection(*ours.exported())
    wait_until(lambda: set.intersection(*keeps.exported()), "a model that two workers tell of")
