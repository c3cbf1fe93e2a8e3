"""The change detector against the scalar reference; its onset; its alarms."""

from itertools import pairwise

import numpy as np
import pytest

from monitor.sequential.changes import Changes
from tests.monitor.sequential.reference import Scalar, log_mean
from tests.monitor.sequential.streams import counts


@pytest.mark.parametrize(("kind", "limit"), [("difference", 0.05), ("excess", 0.0), ("ratio", 0.8)])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.005])
def test_changes_agree_with_the_scalar_reference(kind: str, limit: float, share: float) -> None:
    changes = Changes(10, kind, limit, threshold=20)
    scalars = [Scalar(kind, limit, threshold=20) for _ in range(10)]
    alarms = np.zeros(10, int)
    for time, slice_ in enumerate(counts(11, 10, 300, share=share, p_a=0.3, p_b=np.linspace(0.3, 0.6, 300))):
        for alarm in changes.update(*slice_, time=time):
            alarms[alarm.cell] += 1
        for scalar, column in zip(scalars, slice_.T, strict=True):
            scalar.update(column.tolist())
        with np.errstate(divide="ignore"):
            found = np.log(changes.sr)
        np.testing.assert_allclose(found, [log_mean(s.log_sr) for s in scalars], rtol=0, atol=1e-10)
    assert alarms.tolist() == [scalar.alarms for scalar in scalars]
    assert share < 0.1 or kind == "ratio" or alarms.sum() > 0


def test_a_change_is_found_and_dated() -> None:
    changes = Changes(200, "difference", 0.05)
    onset, found = np.full(200, np.nan), np.full(200, np.nan)
    unfair = np.arange(800) >= 400
    for i, slice_ in enumerate(counts(12, 200, 800, share=0.5, p_a=0.3 + 0.2 * unfair, p_b=0.3)):
        for alarm in changes.update(*slice_, time=50 * i):
            if np.isnan(found[alarm.cell]):
                onset[alarm.cell], found[alarm.cell] = alarm.onset, 50 * i
    assert (found >= 20_000).mean() > 0.99
    assert np.median(found - 20_000) <= 900
    assert np.median(np.abs(onset - 20_000)) <= 200
    assert (onset < found).all()


def test_an_alarm_begins_anew_and_is_told_once() -> None:
    changes = Changes(2, "difference", 0.05, threshold=100)
    told = []
    for day in range(30):
        told += [(day, alarm.cell) for alarm in changes.update(50, [35, 20], 50, [15, 20], time=day)]
    days = [day for day, cell in told if cell == 0]
    assert len(days) >= 2
    assert all(later - earlier > 1 for earlier, later in pairwise(days))
    assert all(cell == 0 for _, cell in told)


def test_a_detector_that_saw_nothing_reads_zero() -> None:
    assert Changes(2).sr.tolist() == [0, 0]


def test_blocks_without_one_of_the_groups_start_nothing() -> None:
    changes = Changes(1, threshold=2)
    for time in range(100):
        assert changes.update(250, 250, 0, 0, time=time) == []
    assert changes.sr.tolist() == [0]


def test_a_restart_from_bytes_in_the_middle_of_a_block_changes_nothing() -> None:
    running, stored = Changes(5), Changes(5)
    for time, slice_ in enumerate(counts(13, 5, 100, share=0.2, p_a=0.5, p_b=0.3, size=30)):
        assert running.update(*slice_, time=time) == stored.update(*slice_, time=time)
        stored = Changes.from_bytes(stored.to_bytes())
    assert stored.to_bytes() == running.to_bytes()


@pytest.mark.parametrize("threshold", [0.5, float("nan")])
def test_a_threshold_below_one_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=rf"^threshold = {threshold}: allowed is 1 or more$"):
        Changes(1, threshold=threshold)
