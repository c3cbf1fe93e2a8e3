"""``python -m benchmarks.stream``: that it measures what it says; not what it measures."""

import numpy as np

from benchmarks.stream import events, growth, readings
from monitor.events import Decision
from monitor.facts import Facts

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
