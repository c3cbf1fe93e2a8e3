"""Groups of topics for the workers of `tests.kafka.harness`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from tests.kafka.harness import Group


@pytest.fixture
def groups(kafka: str, unique: str) -> Iterator[Callable[[str], Group]]:
    """Makes groups, one for each word: workers with a remedy and without it run side by side."""
    with ExitStack() as stack:
        yield lambda word: stack.enter_context(closing(Group(kafka, f"{unique}{word}")))


@pytest.fixture
def group(groups: Callable[[str], Group]) -> Group:
    return groups("")
