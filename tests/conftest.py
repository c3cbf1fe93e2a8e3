"""What every folder of tests may use, and how examples are drawn."""

import os

from hypothesis import HealthCheck, settings

from tests.kafka.broker import kafka, unique
from tests.sharing import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "kafka",
    "pytest_collection_modifyitems",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
    "unique",
]

# No test asserts a time. CI draws the same examples each time; a developer's machine draws new ones.
settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("any_machine"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI", "").lower() == "true" else "any_machine")
