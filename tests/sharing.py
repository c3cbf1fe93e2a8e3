"""Who runs which tests. Those of Kafka wait most of their time, so that others calculate beside them."""

import os
from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling


class BothEnds(LoadFileScheduling):
    """Whole files: every other process takes the first one, where Kafka's are, the others take the last."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the order is ours

    def _assign_work_unit(self, node: Any) -> None:
        if int(node.gateway.id.removeprefix("gw")) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> BothEnds | None:
    return BothEnds(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: somebody always waits."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files come first that have most tests of Kafka; within each the order stays."""
    waiting = Counter(file(item) for item in items if item.get_closest_marker("kafka"))
    items.sort(key=lambda item: -waiting[file(item)])


def file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
