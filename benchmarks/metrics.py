"""What metrics cost: while events are observed, and when everything is evaluated.

    python -m benchmarks.metrics [--events 20000] [--runs 7]

Prints CPU times (one thread does all), each the best of some runs, and whether the bars hold; exit status 1
if one is broken. Observing with all metrics and 5 windows costs at most 1.3 times as much as with one metric
and one window; evaluating 50 groups, all metrics and 5 windows takes under 50 ms.

Every metric is asked in every window, with limits where it has an interval. Before each evaluation comes one
more decision, which is in all windows: what has not changed since the last reading would not be computed.
That a quiet model is read for less is shown beside it, without a bar.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import numpy as np
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from monitor.config import Model, Rule
from monitor.evaluator import Evaluator
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from monitor.fairness import names
from monitor.fairness.catalogue import has_interval
from monitor.rates import RATES

BATCH, GROUPS = 1_000, 50
DAY, START = 86_400, 1_767_225_600  # seconds; 2026
DENSE, SPARSE = 0.1, 130.0  # seconds from one decision to the next: of a busy stream, and 20,000 in a month
DEAREST, SLOWEST = 1.3, 0.050
WINDOWS = ["1h", "24h", "7d", "30d", "all"]
ONE = Model(
    positive=["yes"],
    attributes=["sex", "age_band", ["sex", "age_band"]],
    windows=["all"],
    rules=[Rule(metric="selection_rate", min=-0.1, max=0.1)],
    baseline=BATCH,
)


def every_metric() -> list[Rule]:
    """A rule for each metric of docs/metrics/ that has a name of its own."""
    return [Rule(metric=name, **_comparison(name)) for name in names()]


def _comparison(name: str) -> dict[str, Any]:
    if name in RATES and RATES[name].of_all:
        return {"compare": "value", "min": 0.0}
    return {"max": 1.0} if has_interval(name, "difference") else {}


ALL = replace(ONE, windows=WINDOWS, rules=every_metric())
CROWD = replace(
    ALL,
    attributes=["district"],
    rules=[replace(rule, window=window) for window in WINDOWS for rule in ALL.rules],
)


def batches(events: int, apart: float) -> Iterator[tuple[list[Decision], list[Feedback]]]:
    """Decisions so many seconds apart in the mean, and feedback for most of them a day later."""
    chance = np.random.default_rng(1)
    times = np.sort(chance.uniform(START, START + apart * events, events)).tolist()
    for start in range(0, events, BATCH):
        decisions = [
            _decision(chance, start + i, time) for i, time in enumerate(times[start : start + BATCH])
        ]
        yield decisions, [_feedback(chance, d) for d in decisions if chance.random() < 0.8]


def _decision(chance: np.random.Generator, number: int, time: float) -> Decision:
    score = round(float(chance.random()), 3)
    return Decision(
        id=f"d{number}",
        model="loans",
        time=time,
        decision="yes" if score > 0.4 else "no",
        score=score,
        attributes={
            "sex": "FM"[int(chance.integers(2))],
            "age_band": f"{10 * int(chance.integers(2, 7))}s",
            "district": f"district {int(chance.integers(GROUPS))}",
        },
        flags={"explained": bool(chance.random() < 0.9)},
    )


def _feedback(chance: np.random.Generator, about: Decision) -> Feedback:
    outcome = bool(chance.random() < (about.score or 0))
    return Feedback(decision_id=about.id, time=float(about.time) + DAY, outcome=outcome)


def _times(events: list[Decision] | list[Feedback]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([round(float(event.time) * 1000) for event in events], np.int64)


def evaluating(events: int, runs: int) -> tuple[float, float]:
    """Seconds to read all windows of 50 groups after one more decision, and after nothing."""
    facts = filled(CROWD, events)
    evaluator = Evaluator("loans", CROWD, facts.panes["loans"])
    chance, now = np.random.default_rng(2), START + SPARSE * events
    clock = round(now * 1000)
    evaluator.read(clock)
    changed, quiet = [], []
    for number in range(events, events + runs):
        more = [_decision(chance, number, now)]
        facts.observe(more, _times(more))
        changed.append(_seconds(lambda: evaluator.read(clock)))
        quiet.append(_seconds(lambda: evaluator.read(clock)))
    return min(changed), min(quiet)


def filled(model: Model, events: int) -> Facts:
    """Facts that took a month's events."""
    facts = Facts({"loans": model}, bytes(16))
    for decisions, feedback in batches(events, SPARSE):
        facts.observe(decisions, _times(decisions))
        facts.learn(feedback, _times(feedback))
    return facts


def observing(model: Model, events: int) -> float:
    """Seconds to observe a batch of decisions of a busy stream, in the mean."""
    prepared = [(decisions, _times(decisions)) for decisions, _ in batches(events, DENSE)]
    facts = Facts({"loans": model}, bytes(16))
    return _seconds(lambda: [facts.observe(*each) for each in prepared]) / len(prepared)


def _seconds(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def best(runs: int, work: Callable[[], float]) -> float:
    return min(work() for _ in range(runs))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metrics")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args(argv)
    one, everything = (best(args.runs, lambda m=m: observing(m, args.events)) for m in (ONE, ALL))  # type: ignore[misc]
    return _print(one, everything, *evaluating(args.events, args.runs), args.events)


def _print(one: float, everything: float, reading: float, quiet: float, events: int) -> int:
    ratio = everything / one
    table = Table("what", "ms", "bar", title=f"{events:,} decisions", title_justify="left")
    table.add_row(f"observe {BATCH:,} decisions: 1 metric, 1 window", f"{one * 1e3:.2f}", "")
    table.add_row(f"the same: {len(ALL.rules)} metrics, 5 windows", f"{everything * 1e3:.2f}", "")
    table.add_row("ratio", f"{ratio:.2f}", f"at most {DEAREST}")
    what = f"evaluate {GROUPS} groups, {len(ALL.rules)} metrics, 5 windows"
    table.add_row(what, f"{reading * 1e3:.1f}", f"at most {SLOWEST * 1e3:.0f}")
    table.add_row("the same, nothing new since the last", f"{quiet * 1e3:.1f}", "")
    Console().print(table)
    return 0 if ratio <= DEAREST and reading <= SLOWEST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
