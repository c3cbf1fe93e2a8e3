"""Decisions and outcomes of a made-up model, day by day, for the tests of monitor/trials/."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from alerts import lifecycle, story_gap
from alerts.rules import Finding
from monitor.arrays.codes import Codes
from monitor.config import Model, Rule
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from monitor.monitor import Monitor
from monitor.panes import Panes
from monitor.readings import Comparison
from monitor.trials import Trials
from monitor.trials.ledger import Revised

DAY = 86_400_000
START = 1_767_225_600  # 2026-01-01, in seconds
GAP = Rule(metric="selection_rate", min=-0.05, max=0.05, name="gap")
MODEL = Model(positive=["yes"], attributes=["sex"], reference={"sex": "M"}, windows=["all"], rules=[GAP])
FAIR, UNFAIR = {"F": 0.5, "M": 0.5}, {"F": 0.3, "M": 0.5}
RATIO = Rule(metric="selection_rate", compare="ratio", min=0.8, name="four fifths")


def ruled(*rules: Rule, **fields: object) -> Model:
    """The model with other rules."""
    return replace(MODEL, rules=list(rules), **fields)


def at(day: float) -> float:
    """The time of a day (0 is the first), in seconds."""
    return START + day * DAY / 1000


def decisions(
    days: Sequence[int],
    rates: Mapping[str, float] | Callable[[int], Mapping[str, float]],
    each: int | Mapping[str, int] = 30,
    seed: int = 1,
) -> list[Decision]:
    """Each day so many decisions of each group, positive at its rate; the days may differ in their rates."""
    rng = np.random.default_rng(seed)
    made = []
    for day in days:
        for group, rate in (rates(day) if callable(rates) else rates).items():
            n = each if isinstance(each, int) else each[group]
            for i, yes in enumerate((rng.random(n) < rate).tolist()):
                made.append(_decision(f"{seed}-{day}-{group}-{i}", day + (i + 0.5) / n, group, yes))
    return made


def _decision(name: str, day: float, group: str, yes: bool) -> Decision:
    return Decision(
        id=name, model="m", time=at(day), decision="yes" if yes else "no", attributes={"sex": group}
    )


def scored(
    days: Sequence[int],
    means: Callable[[int], dict[str, float]] | dict[str, float],
    each: int = 30,
    seed: int = 1,
) -> list[Decision]:
    """Each day so many decisions of each group, with scores around its mean, at most .25 off."""
    rng, made = np.random.default_rng(seed), []
    for day in days:
        for group, mean in (means(day) if callable(means) else means).items():
            for i, off in enumerate(rng.uniform(-0.25, 0.25, each).tolist()):
                made.append(
                    with_score(f"{seed}-{day}-{group}-{i}", day + (i + 0.5) / each, group, mean + off)
                )
    return made


def with_score(name: str, day: float, group: str, score: float) -> Decision:
    return Decision(id=name, model="m", time=at(day), decision="yes", score=score, attributes={"sex": group})


def outcome(decision: Decision, day: float, happened: bool) -> Feedback:
    return Feedback(decision_id=decision.id, time=at(day), outcome=happened)


def learnt(model: Model, made: Sequence[Decision], feedback: Sequence[Feedback] = ()) -> Facts:
    facts = Facts({"m": model}, bytes(16))
    add(facts, made, feedback)
    return facts


def add(facts: Facts, made: Sequence[Decision], feedback: Sequence[Feedback] = ()) -> None:
    facts.observe(made, np.array([int(d.time * 1000) for d in made], np.int64))
    facts.learn(feedback, np.array([int(f.time * 1000) for f in feedback], np.int64))


def advanced(model: Model, panes: Panes, until: float, steps: int = 1) -> Trials:
    """The tests after `until` days, advanced in so many steps."""
    trials = Trials("m", model, panes)
    for step in range(1, steps + 1):
        trials.advance(int(at(until * step / steps) * 1000))
    return trials


def revisions(trials: Trials) -> list[Revised]:
    """What was revised of each pair's events."""
    tests = [running for each in trials.running.values() for running in each]
    return [trials.revisions(running, i) for running in tests for i in range(len(running))]


def read(model: Model, made: list[Decision], until: float) -> list[Comparison]:
    """The comparisons of rules after so many days."""
    monitor = Monitor("m", model)
    monitor.observe(made)
    (reading,) = monitor.advance(at(until))
    return [c for c in reading.attributes["sex"].comparisons if c.rule]


def said(gap: Comparison) -> str:
    """What an alert about it says that it means."""
    firing = lifecycle.advance(None, finding(gap), int(at(12) * 1000))
    assert firing is not None
    return " ".join(story_gap.tell(firing, gap, MODEL).meaning)


def finding(gap: Comparison) -> Finding:
    return Finding(id="1", model="m", rule="gap", severity="warning", hold_ms=0, breached=True, evidence=gap)


def parted(model: Model, made: list[Decision]) -> Panes:
    """The panes of decisions in three partitions, put together."""
    parts = [learnt(model, made[i::3]) for i in range(3)]
    together = Panes(Codes(), parts[0].panes["m"].width)
    for number, facts in enumerate(parts):
        for pane in facts.panes["m"].take("m", number, ""):
            together.put(pane)
    return together
