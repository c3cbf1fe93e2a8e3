"""A reading from panes against recomputing the metrics from the rows of the same window, with fairlearn."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from fairlearn import metrics
from msgspec.structs import replace

from benchmarks.stream import events, readings
from benchmarks.stream.growth import CLOCK, KEY, LATEST, METRICS, MODEL
from monitor.config import Rule
from monitor.events import Decision, Decoder, Feedback
from monitor.facts import Facts

FUNCTIONS = {
    "selection_rate": metrics.selection_rate,
    "true_positive_rate": metrics.true_positive_rate,
    "false_positive_rate": metrics.false_positive_rate,
    "true_negative_rate": metrics.true_negative_rate,
    "false_negative_rate": metrics.false_negative_rate,
    "count": metrics.count,
}


class Reading(NamedTuple):
    """Milliseconds of CPU to say all metrics of all groups of a window once."""

    rows: int
    fairlearn: float
    evidently: float | None
    live: float  # Fairlead's, with intervals, tests and drift: after one more decision
    anew: float  # the same with nothing kept of the one before


def reading(rows: int, evidently: str | None = None) -> Reading:
    """The same decisions and outcomes in all: six rates of the groups of three attributes.

    `evidently` is an interpreter that has Evidently, which knows no groups: one report for each group.
    """
    loans = events.loans(rows)
    theirs = _evidently(evidently, rows) if evidently else None
    ours = _fairlead(loans)
    return Reading(rows, _fairlearn(loans) * 1e3, theirs, ours.live * 1e3, ours.anew * 1e3)


def _fairlearn(loans: Sequence[events.Row]) -> float:
    truth = np.array([loan["outcome"] == "repaid" for loan in loans])
    predicted = np.array([loan["decision"] == "approved" for loan in loans])
    groups = {name: np.array([loan[name] for loan in loans]) for name in events.GROUPS}
    start = process_time()
    for name in events.GROUPS:
        frame = metrics.MetricFrame(
            metrics=FUNCTIONS, y_true=truth, y_pred=predicted, sensitive_features=groups[name]
        )
        frame.difference(method="between_groups")
    return process_time() - start


def _evidently(python: str, rows: int) -> float:
    """Milliseconds, measured in a process of its own on rows of the same kind."""
    counts = [len(groups) for groups in events.GROUPS.values()]
    command = [python, str(Path(__file__).with_name("evidently_peer.py")), str(rows), *map(str, counts)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def _fairlead(loans: Sequence[events.Row]) -> readings.Cost:
    rules = [Rule(metric=metric, max=0.9) for metric in METRICS]
    model = replace(MODEL, windows=["7d"], rules=rules)  # one that holds them all, in slices of an hour
    facts = Facts({"m0": model}, KEY)
    made = [events.decision(loan, "m0") for loan in loans], [events.feedback(loan) for loan in loans]
    messages = [[m.value for m in events.single("t", part, 1)] for part in made]
    for batch in Decoder(Decision).batches(messages[0], LATEST).batches:
        facts.take_decisions(batch)
    for said in Decoder(Feedback).batches(messages[1], LATEST).batches:
        facts.take_feedback(said)
    return readings.cost("m0", model, [facts], CLOCK)
