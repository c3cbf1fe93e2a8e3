"""``python -m benchmarks.stream``: that it measures what it says; not what it measures."""

import platform
import re
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from benchmarks.stream import events, growth, readings, report
from benchmarks.stream.__main__ import SECTIONS
from benchmarks.stream.progress import Progress, newest
from benchmarks.stream.recovery import Restored
from monitor.arrays.codes import Codes
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from streams.partition import SEALED

CLOCK = growth.CLOCK


def filled(count: int) -> list[Facts]:
    """Two partitions that hold decisions of a day."""
    held = [Facts({"credit": growth.MODEL}, growth.KEY) for _ in range(2)]
    for number, loan in enumerate(events.loans(count)):
        row = events.decision(loan)
        held[number % 2].observe([Decision(**row)], np.array([round(row["time"] * 1000)]))
    return held


def panes_of(held: list[Facts]) -> list[readings.Pane]:
    return [
        pane
        for number, facts in enumerate(held)
        for pane in facts.panes["credit"].take("credit", number, readings.shape(growth.MODEL))
    ]


def test_each_timed_reading_holds_a_decision_more_in_every_window() -> None:
    held = filled(50)
    found = readings.following("credit", growth.MODEL, held, panes_of(held), CLOCK)
    counts = [[reading.decisions for reading in read] for _, read in found]
    first = counts[0]
    assert len(first) == len(growth.MODEL.windows)
    assert max(first) == 51
    assert counts == [[count + number for count in first] for number in range(readings.TIMES)]


def test_a_bundle_holds_as_many_decisions_however_many_models_they_are_of() -> None:
    loans = events.loans(growth.FETCHED + 10)
    for models in (["a"], [*"abcdefghij"]):
        bundle, rest = ([*each] for each in growth.bundles("t", models, loans))
        counts = dict.fromkeys(models, 0)
        for message in growth.Decoder(Decision).batches(bundle, growth.LATEST).batches:
            for model in message.column("model"):
                counts[str(model)] += 1
        assert sum(counts.values()) == growth.FETCHED
        assert max(counts.values()) - min(counts.values()) <= 1
        assert rest


def test_one_partition_that_stands_still_is_noticed_though_others_go_on() -> None:
    progress = Progress(2, now=10.0)
    for now in range(11, 20):
        progress.told(0, now, now)
    progress.told(1, 11, 14.0)
    progress.ends(20.0)
    assert progress.longest == {0: 1.0, 1: 6.0}


def test_blocks_that_hold_nothing_later_are_no_progress() -> None:
    progress = Progress(1, now=0.0)
    progress.told(0, 500, 1.0)
    progress.told(0, 500, 2.0)
    progress.told(0, 400, 3.0)
    progress.told(0, 501, 5.0)
    assert progress.longest == {0: 4.0}


class Record(NamedTuple):
    """As the consumer gives it."""

    k: bytes
    v: bytes | None

    def error(self) -> None:
        return None

    def key(self) -> bytes:
        return self.k

    def value(self) -> bytes | None:
        return self.v


def test_a_partition_has_got_as_far_as_the_latest_decision_in_the_log_of_its_facts() -> None:
    facts, codes = Facts({"credit": growth.MODEL}, growth.KEY), Codes()
    loans = [events.decision(loan) for loan in events.loans(5)]
    times = np.array([round(loan["time"] * 1000) for loan in loans])
    facts.observe([Decision(**loan) for loan in loans], times)
    (decided,) = facts.take_blocks()
    facts.learn([Feedback(decision_id=loans[0]["id"], time=loans[0]["time"], outcome="repaid")], times[:1])
    (returned,) = facts.take_blocks()
    assert newest(Record(b"writer/1", decided), codes) == times[-1]
    for other in (Record(b"writer/2", returned), Record(b"writer/1", None), Record(SEALED, b"no block")):
        assert newest(other, codes) is None


def test_rows_of_state_are_restored_a_second_with_and_without_the_start() -> None:
    again = Restored(decisions=600, seconds=3.0, empty=2.0, each=50.0)
    assert (again.restoring, again.starting) == pytest.approx((600.0, 200.0))


@pytest.mark.parametrize(("full", "size"), [(True, "A full run"), (False, "A small run")])
def test_the_page_says_what_run_its_tables_are_of(tmp_path: Path, full: bool, size: str) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("Before.\n\n<!-- growth -->\n\n*an old run*\n\n| old |\n\n<!-- end -->\n\nAfter.\n")
    said = report.run(date(2026, 5, 4), full=full)
    report.embed(page, "growth", said, [report.Table("Growth", ["what", "ms"], [["reading", "6"]])])
    written = page.read_text()
    for text in (size, "2026-05-04", "CPUs", platform.python_version(), f"numpy {np.__version__}"):
        assert text in written
    assert "old" not in written
    assert written.startswith("Before.")
    assert written.endswith("After.\n")
    assert written.index("run of") < written.index("| reading | 6 |")


def test_a_section_that_a_page_has_not_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("Nothing.\n")
    with pytest.raises(ValueError, match="<!-- growth -->"):
        report.embed(page, "growth", "A run.", [])


def test_the_page_has_a_place_for_every_section() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    assert {*re.findall(r"<!-- (\w+) -->", page)} == {*SECTIONS, "bars", "end"}
