"""What was made of a window is kept as long as nothing that it is made of has changed, and no longer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.config import Model, Rule
from monitor.evaluator import Evaluator
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from monitor.kept import Kept
from monitor.panes import Window

DAY = 86_400_000
MODEL = Model(
    positive=["yes"],
    attributes=["sex", "region", ["sex", "region"]],
    slices=["region"],
    windows=["1d", "7d", "all"],
    baseline=40,
    mature_after="1d",
    rules=[
        Rule(metric="selection_rate", min=-0.2, max=0.2, minimum_sample=5),
        Rule(metric="true_positive_rate", reference="baseline", window="7d"),
        Rule(metric="accuracy", compare="ratio", reference="highest", min=0.8),
        Rule(metric="score.mean", reference="overall"),
        Rule(metric="equalized_odds", reference="extremes", max=0.3),
        Rule(metric="score.ks", window="1d"),
        Rule(metric="within.region.selection_rate"),
        Rule(metric="group_share", compare="value", min=0.1),
    ],
)
WINDOW = Window([("sex", "F")], np.array([7], np.uint64), np.array([[0, 0]]), np.array([3]))


def asked_for(kept: Kept[int], context: object = None, **windows: Window) -> list[str]:
    """The windows that are made anew."""
    fresh: list[str] = []

    def make(names: list[str]) -> dict[str, int]:
        fresh.extend(names)
        return dict.fromkeys(names, 1)

    assert list(kept.of(windows, make, (context,))) == list(windows)
    return fresh


def test_what_has_not_changed_is_not_made_again() -> None:
    kept = Kept[int]()
    assert asked_for(kept, a=WINDOW, b=WINDOW) == ["a", "b"]
    assert asked_for(kept, a=WINDOW, b=replace(WINDOW, counts=np.array([4]))) == ["b"]
    assert asked_for(kept, b=replace(WINDOW, counts=np.array([4]))) == []
    assert asked_for(kept, a=WINDOW) == ["a"]  # it was let go


@pytest.mark.parametrize(
    "changed",
    [
        {"counts": np.array([4])},
        {"pairs": np.array([[0, 1]])},
        {"measures": np.array([8], np.uint64)},
        {"groups": [("sex", "M")]},
    ],
)
def test_any_change_of_a_window_is_seen(changed: dict[str, object]) -> None:
    kept = Kept[int]()
    assert asked_for(kept, a=WINDOW) == ["a"]
    assert asked_for(kept, a=replace(WINDOW, **changed)) == ["a"]


def test_measures_that_change_in_place_are_seen() -> None:
    kept, window = Kept[int](), replace(WINDOW, measures=WINDOW.measures.copy())
    assert asked_for(kept, a=window) == ["a"]
    window.measures[0] = 9
    assert asked_for(kept, a=window) == ["a"]


def test_with_another_context_all_is_made_again() -> None:
    kept = Kept[int]()
    assert asked_for(kept, "one", a=WINDOW) == ["a"]
    assert asked_for(kept, "one", a=WINDOW) == []
    assert asked_for(kept, "other", a=WINDOW) == ["a"]


def observed(facts: Facts, chance: np.random.Generator, number: int, time: int) -> None:
    """One decision, and feedback for an earlier one."""
    decision = Decision(
        id=f"d{number}",
        model="loans",
        time=time / 1000,
        decision=["yes", "no"][int(chance.integers(2))],
        score=round(float(chance.random()), 2),
        attributes={"sex": "FM"[int(chance.integers(2))], "region": "NS"[int(chance.integers(2))]},
    )
    facts.observe([decision], np.array([time]))
    about = f"d{int(chance.integers(number + 1))}"
    feedback = Feedback(decision_id=about, time=time / 1000, outcome=bool(chance.integers(2)))
    facts.learn([feedback], np.array([time]))


@settings(max_examples=15)
@given(seed=st.integers(0, 99), steps=st.lists(st.sampled_from(["come", "read", "wait"]), max_size=12))
def test_readings_are_those_of_one_who_keeps_nothing(seed: int, steps: list[str]) -> None:
    chance, facts, number, clock = (
        np.random.default_rng(seed),
        Facts({"loans": MODEL}, bytes(16)),
        0,
        30 * DAY,
    )
    evaluator = Evaluator("loans", MODEL, facts.panes["loans"])
    for step in [*steps, "read"]:
        if step == "come":
            for place in range(number, number + 30):
                observed(facts, chance, place, clock)
            number += 30
        elif step == "wait":
            clock += DAY
        else:
            readings = evaluator.read(clock)
            fresh = Evaluator("loans", MODEL, facts.panes["loans"], reference=evaluator.baseline)
            fresh.detecting = evaluator.detecting
            assert readings == fresh.read(clock)
