"""Atoms and histograms of a window against a recount of the people by hand."""

import random
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Model
from monitor.events import Decision, Feedback
from monitor.monitor import Monitor
from monitor.panes import bins
from monitor.panes.meanings import Meanings
from monitor.panes.panes import ALL, DECISION
from monitor.panes.tally import Tally

MODEL = Model(
    positive=["yes", 1],
    positive_outcome=[True],
    attributes=["sex", ["sex", "age"]],
    features=["income", "job"],
    windows=["all"],
)
Person = dict[str, Any]
people = st.lists(st.integers(0, 10_000), unique=True, max_size=60)


def person(number: int) -> Person:
    chance = random.Random(number)
    return {
        "id": str(number),
        "sex": chance.choice(["F", "M", None]),
        "age": chance.choice(["old", "young"]),
        "decision": chance.choice(["yes", "no", 1, True]),
        "score": chance.choice([None, 0.0, 0.5, 2.0]),
        "outcome": chance.choice([None, True, False, "lost"]),
        "final": chance.choice([None, None, "yes", "no"]),
        "explained": chance.choice([None, True, False]),
        "helpful": chance.choice([None, True, False]),
        "csat": chance.choice([None, -1.5, 0.0, 4.0]),
        "income": chance.choice([None, 3, 1000.5]),
        "job": chance.choice([None, "cook", "nurse"]),
    }


def tally(numbers: list[int]) -> Tally:
    monitor = Monitor("loans", MODEL)
    monitor.observe([_decision(person(number)) for number in numbers])
    monitor.learn([_feedback(person(number)) for number in numbers])
    panes = monitor.facts.panes["loans"]
    return Tally(panes.window(DECISION, None, None), Meanings(panes.codes.texts, MODEL))


def _decision(one: Person) -> Decision:
    return Decision(
        id=one["id"],
        model="loans",
        time=float(int(one["id"])) * 3600,
        decision=one["decision"],
        score=one["score"],
        attributes={"sex": one["sex"], "age": one["age"]},
        features={"income": one["income"], "job": one["job"]},
        flags={"explained": one["explained"]},
    )


def _feedback(one: Person) -> Feedback:
    return Feedback(
        decision_id=one["id"],
        time=float(int(one["id"])) * 3600 + 60,
        outcome=one["outcome"],
        decision=one["final"],
        values={"csat": one["csat"]},
        flags={"helpful": one["helpful"]},
    )


def group(one: Person, attribute: str) -> str:
    sex = one["sex"] or "unknown"
    return {"": "", "sex": sex, "sex & age": f"{sex} & {one['age']}"}[attribute]


def is_positive(decision: object) -> bool:
    return decision == "yes" or (decision == 1 and decision is not True)


def atoms(one: Person) -> Counter[str]:
    """What one person adds to each atom."""
    positive, outcome = is_positive(one["decision"]), one["outcome"]
    found = Counter({_atom(positive, outcome): 1, f"decision.{_spelled(one['decision'])}": 1})
    if one["final"] is not None:
        finally_positive = is_positive(one["final"])
        found[f"final_{_atom(finally_positive, outcome)}"] += 1
        same = "upheld" if finally_positive == positive else None
        found[same or ("overridden_up" if finally_positive else "overridden_down")] += 1
    for flag in ("explained", "helpful"):
        if one[flag] is not None:
            found[f"flags.{flag}={str(one[flag]).lower()}"] += 1
    for name, key in (("score", "score"), ("values.csat", "csat")):
        if one[key] is not None:
            found[f"{name}.n"] += 1
            found[f"{name}.sum"] += round(one[key] * 1e6)
    return found


def _atom(positive: bool, outcome: object) -> str:
    if outcome is None:
        return "up" if positive else "un"
    return {(1, 1): "tp", (1, 0): "fp", (0, 1): "fn", (0, 0): "tn"}[positive, outcome is True]


def _spelled(decision: object) -> str:
    return "true" if decision is True else str(decision)


@given(people)
def test_atoms_are_those_of_a_recount(numbers: list[int]) -> None:
    found = tally(numbers)
    for attribute in ("", "sex", "sex & age"):
        expected: dict[str, Counter[str]] = {}
        for one in map(person, numbers):
            expected.setdefault(group(one, attribute), Counter()).update(atoms(one))
        table = found.table(attribute)
        assert list(table.groups) == sorted(expected)
        for row, name in enumerate(table.groups):
            shown = {atom: int(counts[row]) for atom, counts in table.counts.items() if counts[row]}
            assert shown == {atom: n for atom, n in expected[name].items() if n}


@given(people)
def test_histograms_hold_everybody_s_values(numbers: list[int]) -> None:
    crowd = [person(number) for number in numbers]
    found = tally(numbers).histograms()
    for stream, key in (("score", "score"), ("features.income", "income"), ("features.job", "job")):
        values = [one[key] for one in crowd if one[key] is not None]
        if not values:
            assert stream not in found
            continue
        keys = values if key == "job" else bins.code(np.array(values, float)).tolist()
        assert dict(zip(found[stream].keys.tolist(), found[stream].counts.tolist(), strict=True)) == Counter(
            keys
        )
        assert found[stream].missing == len(crowd) - len(values)


@given(people)
def test_scores_are_kept_by_group_and_outcome(numbers: list[int]) -> None:
    table = tally(numbers).table("sex")
    for name, wanted in (("score.none", None), ("score.pos", True), ("score.neg", False)):
        for row, sex in enumerate(table.groups):
            ours = [
                one["score"]
                for one in map(person, numbers)
                if one["score"] is not None and group(one, "sex") == sex and _side(one["outcome"]) is wanted
            ]
            shown = table.histograms[name][row] if name in table.histograms else None
            assert (shown.total if shown else 0) == len(ours)


def _side(outcome: object) -> bool | None:
    return None if outcome is None else outcome is True


def test_nobody_gives_an_empty_table() -> None:
    found = tally([])
    assert (list(found.table("sex").groups), found.histograms(), list(found.table(ALL[0]).groups)) == (
        [],
        {},
        [],
    )
