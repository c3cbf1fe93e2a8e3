"""What is read of detectors: the changes in a window, judged by the rules for them."""

from monitor.config import Rule
from monitor.drift import detectors
from monitor.drift.detectors import Detector
from monitor.readings import Drift, Verdict


def found(*changes: int, n: int = 1000) -> Detector:
    detector = Detector("adwin")
    detector.changes, detector.n = list(changes), n
    return detector


def read(detector: Detector, *rules: Rule, since: int | None = None) -> list[Drift]:
    return detectors.read({"error": [detector]}, rules=rules, window="30d", since=since)


def test_changes_of_the_window_are_counted_and_the_newest_dated() -> None:
    (everything,), (recent,) = read(found(10, 20, 30)), read(found(10, 20, 30), since=20)

    assert (everything.value, everything.at, everything.n) == (3, 30, 1000)
    assert (recent.value, recent.at) == (2, 30)
    assert (recent.measure, recent.stream, recent.window) == ("adwin", "error", "30d")


def test_a_window_without_changes_has_no_date() -> None:
    (reading,) = read(found(10), since=11)

    assert (reading.value, reading.at, reading.verdict) == (0, None, Verdict.UNDECIDED)


def test_without_a_rule_changes_are_shown_but_not_judged() -> None:
    (reading,) = read(found(10))

    assert (reading.max, reading.rule, reading.verdict) == (None, None, Verdict.UNDECIDED)


def test_a_rule_allows_no_change_unless_it_says_so() -> None:
    for limit, verdict in ((None, Verdict.OUT), (1, Verdict.OUT), (2, Verdict.UNDECIDED)):
        (reading,) = read(found(10, 20), Rule(metric="adwin", max=limit, name="moved"))
        assert (reading.max, reading.rule, reading.verdict) == (limit or 0, "moved", verdict)


def test_no_change_proves_nothing() -> None:
    (reading,) = read(found(), Rule(metric="adwin", name="moved"))

    assert reading.verdict is Verdict.UNDECIDED


def test_a_detector_that_has_seen_nothing_is_undefined() -> None:
    (reading,) = read(found(n=0), Rule(metric="adwin", name="moved"))

    assert (reading.value, reading.verdict) == (None, Verdict.UNDEFINED)


def test_rules_for_other_streams_windows_and_metrics_are_passed_over() -> None:
    rules = (
        Rule(metric="adwin", stream="selection.sex.F"),
        Rule(metric="adwin", window="1h"),
        Rule(metric="ddm"),
        Rule(metric="psi"),
    )

    assert read(found(10), *rules) == read(found(10))


def test_a_stream_needs_the_detectors_of_its_rules() -> None:
    rules = [
        Rule(metric="ddm", stream="error"),
        Rule(metric="cusum"),
        Rule(metric="ewma", stream="selection.sex.F"),
        Rule(metric="psi"),
    ]

    assert detectors.wanted(rules, "error") == ["adwin", "cusum", "ddm"]
    assert detectors.wanted(rules, "selection.sex.F") == ["adwin", "cusum", "ewma"]
