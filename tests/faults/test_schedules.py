"""Three short schedules, in which everything happens that can; `make faults` runs fifty long ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.schedule import ACTIONS, schedule
from tests.faults.trial import SHORT, described, run
from tests.kafka.broker import Broker, running

SEEDS = (0, 3, 6)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One of their own: it is killed and stopped."""
    with running(Broker(tmp_path_factory.mktemp("broker"))) as made:
        yield made


def test_everything_happens() -> None:
    happens = [schedule(seed, 2 * SHORT.phases, SHORT.actions) for seed in SEEDS]
    assert {action.what for actions in happens for action in actions} == set(ACTIONS)


@pytest.mark.kafka
@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_out_is_as_if_nothing_had_happened(seed: int, broker: Broker, tmp_path: Path) -> None:
    print(described(seed, SHORT))  # pytest shows it when the schedule fails
    run(seed, SHORT, broker, tmp_path)
