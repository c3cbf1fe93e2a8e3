"""The detectors flag the very values that others published."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from river.drift.binary import DDM

from monitor.drift.detectors import Detector

DATA = Path(__file__).parents[3] / "data"
PUBLISHED = json.loads((DATA / "published_drift.json").read_text())


def changes(detector: Detector, values: list[int]) -> list[int]:
    """The indices at which changes were flagged."""
    for index, value in enumerate(values):
        detector.update([value], index)
    return detector.changes


def numbers() -> list[int]:
    rng = random.Random(12345)
    return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)


def errors() -> list[int]:
    rng = random.Random(42)
    return rng.choices([0, 1], k=1000) + rng.choices([0, 1], k=1000, weights=[0.3, 0.7])


@pytest.mark.parametrize(
    ("name", "rivers"), [("adwin", "ADWIN"), ("kswin", "KSWIN"), ("page_hinkley", "PageHinkley")]
)
def test_detectors_of_numbers(name: str, rivers: str) -> None:
    assert changes(Detector(name), numbers())[0] == PUBLISHED["river_docstrings"][rivers]


@pytest.mark.parametrize(
    ("name", "rivers"), [("ddm", "DDM"), ("eddm", "EDDM"), ("hddm_a", "HDDMA"), ("hddm_w", "HDDMW")]
)
def test_detectors_of_errors(name: str, rivers: str) -> None:
    assert changes(Detector(name), errors())[0] == PUBLISHED["river_docstrings"][rivers]


def test_ddm_on_the_errors_of_elec2() -> None:
    published = PUBLISHED["elec2"]
    packed = np.frombuffer((DATA / "elec2_errors.bin").read_bytes(), np.uint8)
    stream = np.unpackbits(packed)[: published["values"]].tolist()

    assert changes(Detector("ddm", DDM(warm_start=2000)), stream)[0] == published["drift_at"]
