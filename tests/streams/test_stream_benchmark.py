"""``python -m benchmarks.stream``: that it measures what it says; not what it measures."""

import platform
import re
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from benchmarks import emitter
from benchmarks.stream import events, growth, hostile, latency, readings, report, sections
from benchmarks.stream.__main__ import SECTIONS
from benchmarks.stream.progress import Progress, newest
from benchmarks.stream.recovery import Restored
from monitor.arrays.codes import Codes
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from streams.partition import SEALED
from streams.stores import HOLDER

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
    ours = (Record(key, b"no block") for key in (SEALED, HOLDER))
    for other in (Record(b"writer/2", returned), Record(b"writer/1", None), *ours):
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


def test_what_a_call_costs_goes_into_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "benchmarks.md").write_text("<!-- call -->\n\n| old |\n\n<!-- end -->\n")
    table, bar = (
        report.Table("Calls", ["what", "µs"], [["a call", "6"]]),
        report.Bar("µs a call", 6.0, most=10),
    )
    monkeypatch.setattr(emitter, "in_memory", lambda: nullcontext(""))
    monkeypatch.setattr(emitter, "calls", lambda *_: (table, [bar]))
    monkeypatch.setattr(emitter.logging, "disable", lambda: None)
    assert emitter.main(["--events", "7", "--docs", str(tmp_path)]) == 0
    written = (tmp_path / "benchmarks.md").read_text()
    assert "| a call | 6 |" in written
    assert "*A run with 7 events each of " in written
    assert "| old |" not in written


def test_the_page_has_a_place_for_every_section() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    found = {*re.findall(r"<!-- (\w+) -->", page)}
    assert found == {*SECTIONS, "bars", "end", "call"}  # "call" is of benchmarks/emitter.py


def test_a_flow_goes_on_with_new_events_when_those_made_beforehand_are_over() -> None:
    flow = latency.Flow("t", hostile.decision, a_second=100, seconds=1.0, begin=events.START)
    counts, keys = [], set[bytes]()
    for now in (0.5, 1.0, 20.0):
        messages = [*flow.due(now)]
        counts.append(len(messages))
        keys |= {message.key for message in messages}
    assert counts == [50, 50, 1_900]
    assert len(keys) == 2_000


def test_nothing_flows_at_no_events_a_second() -> None:
    flow = latency.Flow("t", hostile.feedback, a_second=0, seconds=1.0, begin=events.START)
    assert [*flow.due(20.0)] == []


def test_invented_events_are_valid_and_each_has_an_id_of_its_own_that_waits() -> None:
    facts = Facts({"m0": growth.MODEL}, growth.KEY)
    decided = [hostile.decision(number, events.START) for number in range(40)]
    returned = [hostile.feedback(number, events.START) for number in range(40)]
    decisions = growth.Decoder(Decision).batches(values(decided), growth.LATEST)
    feedback = growth.Decoder(Feedback).batches(values(returned), growth.LATEST)
    assert [*decisions.invalid, *feedback.invalid] == []
    for batch in decisions.batches:
        ours = [place for place, model in enumerate(batch.column("model")) if model == "m0"]
        facts.take_decisions(batch.take(np.array(ours)))
    for said in feedback.batches:
        facts.take_feedback(said)
    assert (facts.pending, facts.waiting) == (20, 40)


def test_outcomes_beside_alerts_are_of_decisions_that_come() -> None:
    facts = Facts({f"m{number}": growth.MODEL for number in range(latency.MODELS)}, growth.KEY)
    for kind, make, take in (
        (Decision, latency.decision, facts.take_decisions),
        (Feedback, latency.outcome, facts.take_feedback),
    ):
        rows = [make(number, events.START) for number in range(30)]
        for batch in growth.Decoder(kind).batches(values(rows), growth.LATEST).batches:
            take(batch)
    assert (facts.pending, facts.waiting) == (0, 0)
    assert facts.counts["decisions"] == facts.counts["feedback"] == 30


def values(rows: list[events.Row]) -> list[bytes]:
    return [message.value for message in events.single("t", rows, 1)]


@pytest.mark.parametrize("part", [0.2, 1])
def test_alerts_are_enough_for_what_the_bars_ask_of_them(part: float) -> None:
    sizes = sections.Sizes(part, rate=10_000)
    watched = (latency.MODELS - 1) * latency.ATTRIBUTES  # without the model that is flooded
    assert (sizes.alerts, sizes.beside) == ((100, 100) if part == 1 else (50, 30))
    assert watched >= sizes.beside
