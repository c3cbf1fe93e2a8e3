"""Rules about means of bounded numbers: asked, counted, fed once, kept, revised, judged, told."""

import random

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from alerts import alert, lifecycle, story_gap
from alerts.rules import Finding
from monitor.config import Config, ConfigError, Model, Rule
from monitor.events import Decision, Feedback
from monitor.facts import Facts
from monitor.monitor import Monitor
from monitor.panes import Panes
from monitor.panes.moments import OUTSIDE
from monitor.readings import Comparison, Verdict
from monitor.sequential.control import Budget
from monitor.sequential.steps import sums
from monitor.trials import Levels, Trials, alone, check, families, ledger, levels, told
from monitor.trials import test_of as method
from monitor.trials.asked import COHORTS, DECISIONS
from monitor.trials.ledger import Page
from monitor.trials.slices import sliced
from streams.desk import ALERT, Desk
from streams.partition import shape
from tests.monitor.trials.streams import MODEL, START, add, advanced, at, learnt, parted, scored, with_score

SCORE = Rule(metric="mean_score", min=-0.05, max=0.05, name="score")
CSAT = Rule(metric="values.csat.mean", min=-0.3, name="csat")
BOUNDS = {"score": [0.0, 1.0], "values.csat": [1.0, 5.0]}
SCORED = replace(MODEL, rules=[SCORE], bounds=BOUNDS)


def ruled(*rules: Rule, **fields: object) -> Model:
    return replace(SCORED, rules=list(rules), **fields)


# what is tested


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (SCORE, [("difference", 0.05, False)]),
        (replace(SCORE, max=0.1), [("excess", 0.1, False), ("excess", 0.05, True)]),
        (CSAT, [("excess", 0.3, True)]),
        (replace(SCORE, reference="highest"), [("excess", 0.05, True)]),
        (replace(SCORE, reference="extremes"), [("excess", 0.05, False)]),
        (replace(SCORE, reference="overall"), []),
        (replace(SCORE, metric="value.mean"), []),
        (replace(SCORE, metric="score.p50"), []),
        (replace(SCORE, metric="balance_for_the_positive_class"), []),
        (replace(SCORE, compare="ratio", min=0.9, max=None), []),
        (replace(SCORE, min=-1.5, max=1.5), []),
        (replace(SCORE, test="threshold"), []),
        (replace(SCORE, test="change"), [("difference", 0.05, False)]),
    ],
)
def test_limits_of_means_become_hypotheses(rule: Rule, wanted: list[tuple[str, float, bool]]) -> None:
    model = ruled(rule, mature_after="1d")
    found = [(f.side.null.kind, f.side.null.limit, f.side.flipped) for f in families(model)]
    assert found == wanted


def test_without_bounds_a_mean_is_judged_by_one_look() -> None:
    assert method(SCORE, SCORED, "sex") == "sequential"
    assert method(SCORE, replace(SCORED, bounds={}), "sex") == "threshold"


def test_values_of_feedback_wait_until_it_is_known_how_long() -> None:
    assert method(CSAT, ruled(CSAT), "sex") == "threshold"
    assert method(CSAT, ruled(CSAT, mature_after="7d"), "sex") == "sequential"
    assert [f.source for f in families(ruled(SCORE, CSAT, mature_after="7d"))] == [DECISIONS, COHORTS]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            replace(SCORE, metric="value.mean", test="sequential"),
            "models.m.rules[0].test: 'sequential' is not allowed; allowed: threshold, for sequential and"
            " change declare models.m.bounds.value, as in [0, 100]",
        ),
        (
            replace(SCORE, metric="values.wait.mean", test="change"),
            "models.m.rules[0].test: 'change' is not allowed; allowed: threshold, for sequential and change"
            ' declare models.m.bounds."values.wait", as in [0, 100]',
        ),
        (
            replace(SCORE, compare="ratio", min=0.9, max=None, test="sequential"),
            "models.m.rules[0].test: 'sequential' is not allowed; allowed: threshold, for sequential and"
            " change compare a mean by difference, with limits that are less than its bounds are apart, with"
            " a group, largest, highest, pairs or extremes",
        ),
    ],
)
def test_a_mean_that_cannot_be_tested_is_refused(rule: Rule, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(Config(models={"m": ruled(rule)}))
    assert str(caught.value) == says


def test_means_take_their_part_of_the_budget_and_no_months() -> None:
    gap = Rule(metric="selection_rate", min=-0.05, max=0.05, name="gap")
    share = levels(Config(models={"m": ruled(SCORE, gap)}))
    assert (share.tests, share.monthly) == (4, 1)


# streams


def rated(decision: Decision, after: float, csat: float) -> Feedback:
    """So many days after the decision."""
    return Feedback(decision_id=decision.id, time=decision.time + 86400 * after, values={"csat": csat})


FAIR, UNFAIR = {"F": 0.5, "M": 0.5}, {"F": 0.35, "M": 0.5}


# what is counted


def test_a_slice_holds_the_exact_sums_of_each_group() -> None:
    made = [*scored(range(3), FAIR, each=7), with_score("low", 1, "F", -3.0), with_score("high", 1, "F", 1.5)]
    found = sliced(
        learnt(SCORED, made).panes["m"], SCORED, DECISIONS, (0, 1 << 20), asked=[("sex", "score.mean")]
    )
    counts = found.counts["sex", "score.mean"]
    assert (counts.groups, len(found.numbers)) == (["F", "M"], 3)
    for place, number in enumerate(found.numbers):
        for column, group in enumerate(counts.groups):
            ours = [d.score for d in made if d.attributes["sex"] == group and d.time // 86400 == number]
            narrow = np.array(ours, np.float32).astype(float)
            assert tuple(counts.sums[:, place, column].tolist()) == tuple(sums(narrow, 0, 1))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_facts_repeats_and_a_restart_change_no_sum(seed: int) -> None:
    """Feedback comes first, twice, and is put right: sums are those of one pass over the facts."""
    model, made, _ = mixed(seed, days=4)
    rng, chance = np.random.default_rng(seed), random.Random(seed)
    said = [rated(d, wait, float(rng.integers(0, 7))) for d in made for wait in (1, 2)]
    whole = learnt(model, made, said)
    events = [*made, *said, *chance.choices(made, k=50), *chance.choices(said, k=50)]
    chance.shuffle(events)
    facts, blocks = Facts({"m": model}, bytes(16)), list[bytes]()
    for start in range(0, len(events), 97):
        some = events[start : start + 97]
        decided = [e for e in some if isinstance(e, Decision)]
        add(facts, decided, [e for e in some if isinstance(e, Feedback)])
        blocks += facts.take_blocks()
        if chance.random() < 0.3:
            facts = Facts({"m": model}, bytes(16))
            for block in blocks:
                facts.load(block)
    asked = [("sex", "score.mean"), ("sex", "values.csat.mean"), ("", "values.csat.mean")]
    ours, theirs = (
        sliced(each.panes["m"], model, DECISIONS, (0, 1 << 20), asked=asked) for each in (facts, whole)
    )
    assert ours.numbers == theirs.numbers
    for question in asked:
        assert ours.counts[question].groups == theirs.counts[question].groups
        assert (ours.counts[question].sums == theirs.counts[question].sums).all()
    assert ours.counts["sex", "values.csat.mean"].sums[OUTSIDE].any()


def test_what_other_bounds_counted_is_not_ours() -> None:
    """As after an edit: old panes hold no sums, or those of other bounds."""
    made, asked = scored(range(3), FAIR), [("sex", "score.mean")]
    for before in (replace(SCORED, bounds={}), replace(SCORED, bounds={"score": [0.0, 2.0]})):
        panes = learnt(before, made).panes["m"]
        found = sliced(panes, SCORED, DECISIONS, (0, 1 << 20), asked=asked).counts["sex", "score.mean"]
        assert not found.sums.any()


def test_nothing_is_counted_that_no_rule_asks_for() -> None:
    made = scored(range(3), FAIR)
    plain = learnt(replace(SCORED, bounds={}), made).panes["m"]
    idle = learnt(ruled(replace(SCORE, test="threshold"), CSAT), made).panes["m"]
    assert idle.take("m", 0, "") == plain.take("m", 0, "")


def test_a_person_counts_once_a_slice() -> None:
    """Each decision five times, under other ids: tests see one of them."""
    made = scored(range(20), FAIR)
    once = [replace(d, entity=d.id) for d in made]
    again = [replace(d, id=f"{d.id}.{i}", time=d.time + i) for d in once for i in range(1, 5)]
    facts = Facts({"m": SCORED}, bytes(16), ["m"])
    add(facts, [*once, *again])
    facts.reconcile()
    assert _bits(facts.panes["m"], 20) == _bits(learnt(SCORED, made).panes["m"], 20)


def _bits(panes: Panes, days: int) -> bytes:
    return advanced(SCORED, panes, days).to_bytes()


def test_groups_that_are_given_as_chances_have_no_test() -> None:
    made = [replace(d, attributes={"sex": {"F": 0.5, "M": 0.5}}) for d in scored(range(30), UNFAIR)]
    monitor = Monitor("m", SCORED)
    monitor.observe(made)
    (reading,) = monitor.advance(at(30))
    found = [c for a in reading.attributes.values() for c in a.comparisons if c.rule]
    assert all(c.proof is None and c.verdict is not Verdict.OUT for c in found)


# fed once


def mixed(seed: int, days: int = 50) -> tuple[Model, list[Decision], Facts]:
    """Scores and, days later, ratings, some of them put right; a group that comes late; a change half-way."""
    model = ruled(
        SCORE,
        replace(SCORE, reference="highest", max=None, name="highest"),
        replace(SCORE, test="change", max=0.1, name="change", reference="pairs"),
        CSAT,
        mature_after="5d",
    )
    made = scored(
        range(days),
        lambda day: {"F": 0.5 if day < 25 else 0.35, "M": 0.5} | ({"X": 0.4} if day > 20 else {}),
        seed=seed,
    )
    rng = np.random.default_rng(seed)
    said = [rated(d, rng.random() * 4, float(rng.integers(1, 6))) for d in made if rng.random() < 0.7]
    return model, made, learnt(model, made, said)


@pytest.mark.parametrize("seed", [1, 2])
def test_any_batching_gives_the_same_tests_to_the_last_bit(seed: int) -> None:
    model, _, facts = mixed(seed)
    once = advanced(model, facts.panes["m"], 56)
    assert {family.test for family in once.families} == {"sequential", "change"}
    for steps in (7, 56, 150):
        assert advanced(model, facts.panes["m"], 56, steps).to_bytes() == once.to_bytes()


def test_partitions_add_up_to_one_stream() -> None:
    model, made, _ = mixed(3)
    whole, together = learnt(model, made), parted(model, made)
    assert advanced(model, together, 56, 9).to_bytes() == advanced(model, whole.panes["m"], 56).to_bytes()


@pytest.mark.parametrize("every", [1, 5])
def test_a_crash_in_the_middle_of_a_block_changes_no_bit(every: int) -> None:
    model, _, facts = mixed(4)
    panes, table, waiting = facts.panes["m"], dict[bytes, bytes](), 0
    trials = Trials("m", model, panes)
    for day in range(57):
        trials.advance(int(at(day) * 1000))
        if day % every == 0:
            table |= trials.unsaved()
        if day % 9 == 8:  # what was not made durable is lost
            waiting += sum(
                int(r.cells.state["open"].sum()) for tests in trials.running.values() for r in tests
            )
            trials = Trials("m", model, panes)
            trials.restore(table)
    assert waiting > 0
    trials.advance(int(at(56) * 1000))
    whole = advanced(model, panes, 56)
    assert trials.to_bytes() == whole.to_bytes()
    assert table | trials.unsaved() == whole.unsaved()  # the ledgers too


def test_scores_are_fed_at_once_and_ratings_when_they_have_matured() -> None:
    model = ruled(SCORE, CSAT, mature_after="3d")
    made = scored(range(20), FAIR)
    facts = learnt(model, made, [rated(d, 0.5, 4) for d in made])
    trials = advanced(model, facts.panes["m"], 19.99)
    assert trials.running["score", "sex"][0].fed(0) == 19 * 60
    assert trials.running["csat", "sex"][0].fed(0) == 16 * 60


def test_errors_of_forecasts_are_fed_when_what_came_has_matured() -> None:
    rule = Rule(metric="mae", max=1.0, name="mae")
    model = ruled(rule, bounds={"abs_error": [0.0, 10.0]}, mature_after="2d")
    made = [replace(d, value=5.0) for d in scored(range(20), FAIR)]
    came = [
        Feedback(
            decision_id=d.id, time=d.time + 60, values={"actual": 9.0 if d.attributes["sex"] == "F" else 5.5}
        )
        for d in made
    ]
    trials = advanced(model, learnt(model, made, came).panes["m"], 20)
    (running,) = trials.running["mae", "sex"]
    assert running.fed(0) == 18 * 60
    assert running.found.peak[0] > 1 / running.alpha[0]
    assert running.found.low[0] < 3.5 < running.found.high[0]


def test_a_worker_takes_up_the_tests_where_another_left_them() -> None:
    """What `evaluate` makes durable is enough: another desk goes on to the same alert, once."""
    config, made = Config(models={"m": SCORED}), scored(range(30), UNFAIR)
    table, told_of = dict[bytes, bytes](), list[str]()
    facts, desk = learnt(SCORED, []), Desk(config)
    for day in range(30):
        add(facts, [d for d in made if _day(d) == day])
        panes = facts.panes["m"].take("m", 0, shape(SCORED))
        table |= dict(item for pane in panes if (item := desk.take(pane)))
        desk.clock = int(at(day + 1) * 1000)
        watched = desk.models["m"]
        assert watched.read(desk.clock, 0.0)
        table |= watched.unsaved()
        told_of += [change.state.value for change in desk.judge(watched)]
        table |= {ALERT + change.id.encode(): alert.encode(change) for change in desk.judge(watched)}
        desk = Desk(config)  # the worker is killed, another one takes the partition
        desk.restore(table)
    assert told_of == ["firing"]
    assert table[b"trials/m"] == advanced(SCORED, facts.panes["m"], 30).to_bytes()


# what changes afterwards


def corrected(share: float, mature_after: str) -> Trials:
    """Ratings over 40 days; a share of them falls from 5 to 1 four days after it came."""
    model = ruled(replace(CSAT, test="sequential"), mature_after=mature_after)
    made = scored(range(40), FAIR)
    facts, again = learnt(model, made), np.random.default_rng(1).random(len(made)) < share
    trials = Trials("m", model, facts.panes["m"])
    for day in range(46):
        today = [(d, spoilt) for d, spoilt in zip(made, again, strict=True) if _day(d) in (day, day - 4)]
        came = [rated(d, 0, 5) for d, _ in today if _day(d) == day]
        add(facts, [], [*came, *(rated(d, 4, 1) for d, spoilt in today if spoilt and _day(d) == day - 4)])
        trials.advance(int(at(day + 1) * 1000))
    return trials


def _day(decision: Decision) -> int:
    return int(decision.time - START) // 86400


def test_many_corrections_begin_a_test_anew_few_or_matured_ones_do_not() -> None:
    for share, mature_after, again in ((0.1, "0s", True), (0.004, "0s", False), (0.1, "5d", False)):
        trials = corrected(share, mature_after)
        (running,) = trials.running["csat", "sex"]
        assert (int(running.marks.state["restarts"][0]) > 0) == again
        assert bool(trials.restarts.notes) == again


def test_a_value_counts_as_corrected_by_the_part_of_its_range_that_it_moved() -> None:
    model = ruled(replace(CSAT, test="sequential"))
    made = scored(range(30), FAIR)
    facts = learnt(model, made, [rated(d, 0, 3) for d in made])
    trials = advanced(model, facts.panes["m"], 30)
    moved = [d for d in made if _day(d) == 10 and d.attributes["sex"] == "F"][:8]
    add(facts, [], [rated(d, 1, 4) for d in moved])  # each by a quarter of the range from 1 to 5
    trials.advance(int(at(30.5) * 1000))
    (running,) = trials.running["csat", "sex"]
    assert trials.revisions(running, 0) == (2, 2)
    again = Trials("m", model, facts.panes["m"])
    again.restore(trials.unsaved())
    again.advance(int(at(30.5) * 1000))
    assert again.revisions(again.running["csat", "sex"][0], 0) == (2, 2)


def test_pages_from_before_there_were_numbers_are_read() -> None:
    rows = [("sex", "selection_rate", "F", 10, 5)]
    old = msgspec.msgpack.encode([["decisions", 17, rows]])
    assert ledger.decode(old) == [Page("decisions", 17, rows)]


def test_a_ledger_of_a_newer_version_is_refused() -> None:
    book = ledger.encode([Page("decisions", 17, [])])
    assert ledger.decode(book) == [Page("decisions", 17, [])]
    with pytest.raises(
        ValueError, match=r"^ledger: version 2 is not allowed; allowed: up to 1, this Fairlead"
    ):
        ledger.decode(bytes([book[0] + 1]) + book[1:])


def test_other_bounds_are_another_question() -> None:
    panes = learnt(SCORED, scored(range(30), FAIR)).panes["m"]
    table = advanced(SCORED, panes, 20).unsaved()
    wider = replace(SCORED, bounds={"score": [0.0, 2.0]})
    for model, fed in ((replace(SCORED, bounds=BOUNDS | {"value": [0, 9]}), 1200), (wider, 0)):
        again = Trials("m", model, panes)
        again.restore(table)
        assert again.running["score", "sex"][0].fed(0) == fed


# what is said


def read(model: Model, made: list[Decision], until: float) -> list[Comparison]:
    monitor = Monitor("m", model)
    monitor.observe(made)
    (reading,) = monitor.advance(at(until))
    return [c for c in reading.attributes["sex"].comparisons if c.rule]


def test_a_gap_of_means_is_proved() -> None:
    (found,) = read(SCORED, scored(range(40), UNFAIR), 40)
    assert (found.verdict, found.proof, found.test) == (Verdict.OUT, "start", "sequential")
    assert found.value == pytest.approx(-0.15, abs=0.02)
    assert found.cs_low is not None
    assert found.cs_high is not None
    assert found.cs_low < -0.15 < found.cs_high < -0.05
    assert found.tested == 2400
    assert (found.once_in or 0) > 1 / alone(SCORED).alpha(2)


def test_a_small_gap_is_within_limits_and_the_way_there_is_told() -> None:
    made = scored(range(120), {"F": 0.49, "M": 0.5}, each=60)
    (early,), (late,) = (read(SCORED, [d for d in made if _day(d) < days], days) for days in (10, 120))
    assert early.verdict is Verdict.UNDECIDED
    assert early.needed is not None
    assert 100 < early.needed < 20_000
    assert late.verdict is Verdict.WITHIN
    assert late.needed is None


def test_a_change_is_found_and_dated() -> None:
    made = scored(range(68), lambda day: FAIR if day < 60 else UNFAIR, each=60)
    (found,) = read(ruled(replace(SCORE, test="change"), events_per_day=120), made, 68)
    assert (found.proof, found.test) == ("change", "change")
    assert abs((found.onset or 0) / 1000 - at(60)) <= 2 * 86400


def test_against_the_highest_and_among_extremes_the_pairs_are_found() -> None:
    made = scored(range(60), {"A": 0.5, "B": 0.49, "C": 0.3})
    highest = read(ruled(replace(SCORE, reference="highest", max=None)), made, 60)
    assert {c.group for c in highest if c.verdict is Verdict.OUT} == {"C"}
    (extremes,) = read(ruled(replace(SCORE, reference="extremes", min=None)), made, 60)
    assert (extremes.group, extremes.reference, extremes.verdict) == ("A", "C", Verdict.OUT)


def test_values_outside_the_bounds_are_shown_as_they_are_tested_as_the_nearest_and_counted() -> None:
    made = scored(range(40), FAIR)
    wild = [replace(d, score=7.0) if i % 100 == 0 else d for i, d in enumerate(made)]
    (found,) = read(SCORED, wild, 40)
    ours = [d.score for d in wild if d.attributes["sex"] == "F"]
    assert found.group_rate == pytest.approx(np.mean(np.array(ours, np.float32)), abs=1e-6)
    assert (found.outside, found.tested) == (24, 2400)
    assert abs((found.cs_low or 0) + (found.cs_high or 0)) < 0.1  # as if they were 1


def test_an_alert_says_what_is_proved_and_how_many_values_were_beyond() -> None:
    (found,) = read(SCORED, scored(range(40), UNFAIR), 40)
    words = said(replace(found, onset=None))
    assert "a compliant model would ever show this at most once in " in words
    assert "On average over all 2,400 cases tested it was -0." in words
    assert "bounds" not in words
    assert "24 of the 2,400 values tested lay outside the declared bounds" in said(replace(found, outside=24))


def said(gap: Comparison) -> str:
    finding = Finding(
        id="1", model="m", rule="score", severity="warning", hold_ms=0, breached=True, evidence=gap
    )
    firing = lifecycle.advance(None, finding, int(at(40) * 1000))
    assert firing is not None
    return " ".join(story_gap.tell(firing, gap, SCORED).meaning)


def test_check_tells_the_tests_of_means() -> None:
    words = "\n".join(told(Config(models={"m": SCORED})))
    assert "m, score, by sex: tested against a gap of 0.05 either way, sequential" in words
    assert "Values count from 0 to 1, those beyond as the nearest of the two." in words
    assert "Means that are 0.15 apart, with a standard deviation of 0.25, one of them in a group" in words


# the level


def test_means_at_the_limit_itself_are_hardly_ever_called_out() -> None:
    """40 pairs of groups exactly at the limit, with the widest spread that the bounds allow; α is .05."""
    pairs, days, rng = 40, 60, np.random.default_rng(9)
    rates = {f"F{i:02}": 0.55 for i in range(pairs)} | {"M": 0.5}
    made = [
        with_score(f"{day}-{group}-{i}", day + i / 200, group, float(one))
        for day in range(days)
        for group, rate in rates.items()
        for i, one in enumerate((rng.random(120 if group == "M" else 12) < rate).tolist())
    ]
    facts = learnt(SCORED, made)
    trials = Trials("m", SCORED, facts.panes["m"], Levels(Budget(1e6), tests=1, monthly=1))
    trials.advance(int(at(days) * 1000))
    (running,) = trials.running["score", "sex"]
    assert running.terms.alpha == 0.05
    assert len(running) == pairs
    assert np.isfinite(running.marks.state["proved"]).sum() <= 5  # of 40; 2 are expected at most
