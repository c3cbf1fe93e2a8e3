"""By statistics: how often compliant models are called out when outcomes are late or provisional."""

import numpy as np

from monitor.config import Rule
from monitor.sequential.control import Budget
from monitor.trials import Levels, Trials
from tests.monitor.trials.streams import FAIR, START, add, at, decisions, learnt, outcome, ruled


def provisional(seed: int, mature_after: str) -> bool:
    """Whether equal opportunity, which holds, is ever called broken.

    Of the women refused who would not have repaid, 40 % are first reported as good, and put right 12 days on.
    """
    model = ruled(
        Rule(metric="tpr", min=-0.05, max=0.05, name="tpr"), mature_after=mature_after, feedback_within="1y"
    )
    made = decisions(range(30), FAIR, each=100, seed=seed)
    rng = np.random.default_rng(seed)
    facts = learnt(model, made)
    trials, by_day = Trials("m", model, facts.panes["m"]), dict[int, list]()
    for d in made:
        day, repays = int(d.time - START) // 86400, bool(rng.random() < 0.6)
        wrong = not repays and d.decision == "no" and d.attributes["sex"] == "F" and rng.random() < 0.4
        by_day.setdefault(day + 1, []).append(outcome(d, day + 1.5, repays or wrong))
        if wrong:
            by_day.setdefault(day + 13, []).append(outcome(d, day + 13.5, False))
    for day in range(60):
        add(facts, [], by_day.get(day, []))
        trials.advance(int(at(day + 1) * 1000))
    marks = trials.running["tpr", "sex"][0].marks.state
    return any(note.rule == "tpr" for note in trials.restarts.notes) or not np.isnan(marks["proved"][0])


def test_provisional_outcomes_are_harmless_once_they_have_matured() -> None:
    seeds = range(8)
    assert sum(provisional(seed, "0s") for seed in seeds) == len(seeds)
    assert sum(provisional(seed, "13d") for seed in seeds) == 0


def test_delays_that_do_not_depend_on_the_decision_keep_the_level() -> None:
    """40 pairs of groups at the limit itself, outcomes ten days late on average: hardly any is called out."""
    rng = np.random.default_rng(7)
    pairs, days, each = 40, 60, 12
    rule = Rule(metric="accuracy", min=-0.05, max=0.05, reference="M", name="gap")
    model = ruled(rule, mature_after="1d")
    rates = {f"F{i:02}": 0.55 for i in range(pairs)} | {"M": 0.5}
    made = decisions(range(days), rates, each={g: each * (10 if g == "M" else 1) for g in rates}, seed=3)
    late = rng.exponential(10, len(made))
    facts = learnt(
        model,
        made,
        [outcome(d, (d.time - START) / 86400 + wait, True) for d, wait in zip(made, late, strict=True)],
    )
    trials = Trials("m", model, facts.panes["m"], Levels(Budget(1e6), tests=1, monthly=1))
    trials.advance(int(at(120) * 1000))
    (running,) = trials.running["gap", "sex"]
    assert running.terms.alpha == 0.05
    assert np.isfinite(running.marks.state["proved"]).sum() <= 5  # of 40; 2 are expected at most
