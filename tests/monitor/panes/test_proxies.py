"""Groups given as probabilities: exact weights, exact counts, and what is shown of them."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import ConfigError, Model, Rule
from monitor.evaluator import Evaluator
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from monitor.monitor import Monitor
from monitor.panes import proxies
from monitor.panes.proxies import WHOLE, weights
from monitor.readings import Attribute, Verdict
from monitor.validate import check
from tests.monitor.readable import everything

RULE = Rule(metric="selection_rate", attribute="race", min=-0.1, max=0.1)
MODEL = Model(positive=["yes"], attributes=["race", "sex", ["race", "sex"]], windows=["all"], rules=[RULE])
SHARES = st.dictionaries(st.sampled_from(["a", "b", "c", "unknown"]), st.floats(0, 1), min_size=1)


def decision(number: int, race: object, decided: str = "yes", **more: object) -> Decision:
    attributes = {"race": race, "sex": "F"}
    return Decision(id=f"d{number}", model="loans", time=0.0, decision=decided, attributes=attributes, **more)  # type: ignore[arg-type]


def read(
    events: list[Decision], returned: list[Feedback] | None = None, model: Model = MODEL
) -> dict[str, Attribute]:
    monitor = Monitor("loans", model)
    monitor.observe(events)
    monitor.learn(returned or [])
    [reading] = monitor.advance(1000)
    return reading.attributes


@given(SHARES)
def test_weights_sum_to_one_person_and_none_is_off_by_a_millionth(chances: dict[str, float]) -> None:
    found, total = weights(chances), sum(map(Fraction, chances.values()))
    assert sum(found.values()) == WHOLE
    assert all(isinstance(weight, int) and weight > 0 for weight in found.values())
    for name in set(chances) - {"unknown"}:
        exact = WHOLE * Fraction(chances[name]) / max(total, Fraction(1))
        assert abs(found.get(name, 0) - exact) < 1 + Fraction(1, 1000)
    if total < 1:
        rest = WHOLE * (1 - total + Fraction(chances.get("unknown", 0)))
        assert abs(found.get("unknown", 0) - rest) < 1 + Fraction(1, 1000)


@given(SHARES, st.randoms(use_true_random=False))
def test_weights_do_not_depend_on_the_order_of_the_map(
    chances: dict[str, float], chance: random.Random
) -> None:
    names = list(chances)
    chance.shuffle(names)
    assert weights({name: chances[name] for name in names}) == weights(chances)


events = st.lists(
    st.tuples(
        st.integers(0, 15),
        st.one_of(st.none(), st.sampled_from(["a", "b"]), SHARES),
        st.sampled_from(["yes", "no"]),
    ).map(lambda parts: decision(*parts, flags={"explained": parts[0] % 2 == 0})),
    max_size=25,
)
returned = st.lists(
    st.builds(
        Feedback,
        decision_id=st.integers(0, 15).map("d{}".format),
        time=st.integers(0, 5).map(float),
        outcome=st.sampled_from([True, False, None]),
        attributes=st.sampled_from([{}, {"race": "a"}, {"race": {"b": 1.0}}]),
    ),
    max_size=15,
)


def fed(facts: Facts, decisions: list[Decision], feedback: list[Feedback]) -> Facts:
    facts.observe(decisions, np.zeros(len(decisions), np.int64))
    facts.learn(feedback, np.array([round(float(event.time) * 1000) for event in feedback], np.int64))
    return facts


@settings(max_examples=60)
@given(events, returned)
def test_the_weights_of_each_group_are_summed_exactly(
    decisions: list[Decision], feedback: list[Feedback]
) -> None:
    facts = fed(Facts({"loans": MODEL}, bytes(16)), decisions, feedback)
    expected: dict[str, int] = {}
    for event in {event.id: event for event in reversed(decisions)}.values():
        race = event.attributes["race"]
        for group, weight in weights(race).items() if isinstance(race, dict) else ():
            expected[group] = expected.get(group, 0) + weight
    found: dict[str, int] = {}
    for slot, (_, cells) in everything(facts, "loans").items():
        for (attribute, group, family, _), count in cells.items():
            if attribute == "race (proxy)" and family == 1:
                assert slot >> 24 == 0  # no test is fed with it
                found[group] = found.get(group, 0) + count
    assert found == expected


@settings(max_examples=60)
@given(events, returned, st.randoms(use_true_random=False))
def test_any_order_and_a_recovery_give_the_same_panes(
    decisions: list[Decision], feedback: list[Feedback], chance: random.Random
) -> None:
    first = list({event.id: event for event in reversed(decisions)}.values())
    facts = fed(Facts({"loans": MODEL}, bytes(16)), first, feedback)
    records, expected = facts.take_blocks(), everything(facts, "loans")
    chance.shuffle(records)
    recovered = Facts({"loans": MODEL}, bytes(16))
    for record in records * 2:
        recovered.load(record)
    assert everything(recovered, "loans") == expected
    chance.shuffle(first)
    assert everything(fed(Facts({"loans": MODEL}, bytes(16)), first, feedback), "loans") == expected


def test_a_groups_rate_is_weighted_with_the_chance_to_belong_to_it() -> None:
    found = read(
        [decision(1, {"a": 0.9, "b": 0.1}), decision(2, {"a": 0.2, "b": 0.8}, "no"), decision(3, "a", "no")],
        [Feedback(decision_id="d1", time=1.0, outcome=True)],
    )
    assert found["race"].groups["a"].n == 1
    assert found["race"].groups["unknown"].n == 2
    groups = found["race (proxy)"].groups
    assert set(groups) == {"a", "b"}
    assert groups["a"].rates["selection_rate"].value == pytest.approx(0.9 / 1.1)
    assert groups["b"].rates["selection_rate"].value == pytest.approx(0.1 / 0.9)
    assert groups["a"].rates["true_positive_rate"].value == 1.0
    assert groups["a"].coverage == pytest.approx(0.9 / 1.1)
    assert (groups["a"].n, groups["b"].n) == (1, 1)


def test_rules_about_the_attribute_are_asked_of_its_proxy() -> None:
    people = [
        decision(i, {"a": 0.9, "b": 0.1} if i % 2 else {"a": 0.1, "b": 0.9}, "yes" if i % 2 else "no")
        for i in range(400)
    ]
    found = read(people)["race (proxy)"]
    [asked] = [comparison for comparison in found.comparisons if comparison.rule is not None]
    assert asked.rule == "selection_rate difference of race, all"
    assert asked.value == pytest.approx(-0.8)
    assert (asked.verdict, asked.test) == (Verdict.OUT, "threshold")


def test_scores_and_intersections_are_not_of_probabilities() -> None:
    found = read([decision(i, {"a": 0.5, "b": 0.5}, score=0.5) for i in range(20)])
    assert set(found) == {"race", "sex", "race & sex", "race (proxy)"}
    assert "score.mean" in found["sex"].groups["F"].rates
    assert "score.mean" not in found["race (proxy)"].groups["a"].rates


def test_too_many_groups_count_together() -> None:
    found = read([decision(i, {f"g{i}": 1.0}) for i in range(150)])["race (proxy)"].groups
    assert (len(found), found["__other__"].n) == (101, 50)


def test_probabilities_in_feedback_are_counted_and_change_nothing() -> None:
    facts = fed(
        Facts({"loans": MODEL}, bytes(16)),
        [decision(1, "a")],
        [Feedback(decision_id="d1", time=1.0, attributes={"race": {"b": 1.0}}, outcome=True)],
    )
    groups = Evaluator("loans", MODEL, facts.panes["loans"]).read(1000)[0].attributes["race"].groups
    assert groups["a"].counts["tp"] == 1
    assert facts.counts["undeclared"] == 1


def test_a_name_that_would_be_taken_for_a_proxy_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"attributes\[0\]: 'race \(proxy\)' is not allowed"):
        check("loans", Model(positive=[1], attributes=["race (proxy)"]))


def test_a_column_of_weights_knows_its_group() -> None:
    columns = proxies.columns("race", [None, {"a": 0.25}, "b"], lambda name: name)
    assert {proxies.group(name): column.tolist() for name, column in columns.items()} == {
        ("race (proxy)", "a"): [0, 250_000, 0],
        ("race (proxy)", "unknown"): [0, 750_000, 0],
    }
