"""``python -m benchmarks.metrics``: that it runs and prints; not what it measures."""

import pytest

from benchmarks.metrics import ALL, CROWD, GROUPS, filled, main
from monitor.evaluator import Evaluator
from monitor.fairness import names
from monitor.readings import Verdict


def test_times_are_printed_beside_their_bars(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--events", "2000", "--runs", "1"]) in (0, 1)
    printed = capsys.readouterr().out
    for text in ("observe 1,000 decisions", "at most 1.3", "evaluate 50 groups", "at most 50"):
        assert text in printed


def test_every_metric_is_asked_for_and_answered() -> None:
    assert {rule.metric for rule in ALL.rules} == set(names())
    readings = Evaluator("loans", CROWD, filled(CROWD, 2000).panes["loans"]).read(1_767_800_000_000)
    for reading in readings[-2:]:  # the shorter windows are empty by now
        district = reading.attributes["district"]
        asked = {c.metric for c in (*district.comparisons, *reading.composites) if c.rule is not None}
        assert len(district.groups) == GROUPS
        assert asked == set(names())
        assert any(c.verdict is not Verdict.UNDEFINED for c in district.comparisons)
