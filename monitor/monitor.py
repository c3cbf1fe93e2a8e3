"""The library's face: one model watched in one process, without Kafka."""

from collections.abc import Sequence

import numpy as np

from monitor.baseline import Baseline
from monitor.config import Model
from monitor.evaluator import Evaluator
from monitor.events import Decision, Feedback, milliseconds
from monitor.facts import Facts
from monitor.readings import Reading
from monitor.trials import Trials, families

FOREVER = 1 << 53  # ms: any time is early enough


class Monitor:
    """Observes decisions, learns from feedback, and reads the metrics.

    >>> model = Model(positive=["yes"], attributes=["sex"], windows=["all"])
    >>> monitor = Monitor("loans", model)
    >>> monitor.observe([
    ...     Decision(id="1", model="loans", time="2026-01-01", decision="yes", attributes={"sex": "F"}),
    ...     Decision(id="2", model="loans", time="2026-01-02", decision="no", attributes={"sex": "M"}),
    ... ])
    >>> monitor.learn([Feedback(decision_id="1", time="2026-02-01", outcome=True)])
    >>> [reading] = monitor.advance("2026-03-01")
    >>> reading.decisions, reading.feedback
    (2, 1)
    >>> reading.attributes["sex"].groups["F"].rates["selection_rate"].value
    1.0
    """

    def __init__(self, name: str, model: Model, baseline: Baseline | None = None) -> None:
        self.facts = Facts({name: model}, bytes(16), [name] if families(model) else [])
        self.trials = Trials(name, model, self.facts.panes[name])
        self._evaluator = Evaluator(name, model, self.facts.panes[name], baseline, self.trials)

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Takes decisions, in the order in which they came. Raises InvalidEventError for a bad time."""
        self.facts.observe(decisions, _times(decisions))
        self.facts.reconcile()

    def learn(self, feedback: Sequence[Feedback]) -> None:
        """Takes feedback; it may come before its decision. Raises InvalidEventError for a bad time."""
        self.facts.learn(feedback, _times(feedback))

    def advance(self, to: float | str) -> list[Reading]:
        """The readings as of a time, one for each of the model's windows."""
        return self._evaluator.read(milliseconds(to, FOREVER))


def _times(events: Sequence[Decision] | Sequence[Feedback]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.fromiter((milliseconds(event.time, FOREVER) for event in events), np.int64, len(events))
