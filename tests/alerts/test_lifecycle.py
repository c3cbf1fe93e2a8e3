from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts import lifecycle, rules
from alerts.alert import Alert, State
from monitor.config import Model, Rule
from monitor.readings import Verdict
from tests.alerts.sample import MODEL, steady
from tests.readings import DRIFT, GAP, NOW, drift, gap, reading

HOUR = 3_600_000
BACK = gap(value=0.05, verdict=Verdict.UNDECIDED)
UNDECIDED = gap(value=0.15, verdict=Verdict.UNDECIDED)
PATIENT = replace(MODEL, rules=[replace(MODEL.rules[0], for_="2h")])


class Life:
    """One model's alerts through time, as `evaluate` keeps them."""

    def __init__(self, model: Model = MODEL) -> None:
        self.model = model
        self.alerts: dict[str, Alert] = {}
        self.told: list[Alert] = []

    def see(self, *comparisons, at: int, **changes) -> list[State]:
        seen = [reading(*comparisons, **changes)]
        changed = lifecycle.step(self.model, "compas", seen, self.alerts, NOW + at * HOUR)
        self.alerts |= {alert.id: alert for alert in changed}
        self.told += changed
        return [alert.state for alert in changed]


def test_fires_at_once_and_resolves():
    life = Life()
    assert life.see(UNDECIDED, at=0) == []
    assert life.see(GAP, at=1) == [State.FIRING]
    assert life.see(GAP, at=2) == []
    assert life.see(UNDECIDED, at=3) == []
    assert life.see(BACK, at=4) == [State.RESOLVED]
    assert life.see(BACK, at=5) == []
    firing, resolved = life.told
    assert (firing.sequence, firing.since, firing.changed, firing.episode) == (1, NOW + HOUR, NOW + HOUR, 1)
    assert (resolved.sequence, resolved.since, resolved.changed) == (2, NOW + HOUR, NOW + 4 * HOUR)
    assert (firing.evidence, resolved.evidence) == (GAP, BACK)


def test_a_breach_must_last_as_long_as_the_rule_says():
    life = Life(PATIENT)
    assert life.see(GAP, at=0) == [State.PENDING]
    assert life.see(GAP, at=1) == []
    assert life.see(GAP, at=2) == [State.FIRING]
    assert life.told[-1].since == NOW
    assert life.told[-1].changed == NOW + 2 * HOUR


def test_a_breach_that_ends_early_never_fired():
    life = Life(PATIENT)
    life.see(GAP, at=0)
    assert life.see(BACK, at=1) == [State.RESOLVED]
    assert (life.told[-1].fired, life.told[-1].episode) == (False, 0)


def test_firing_again_is_a_new_episode_of_the_same_alert():
    life = Life()
    for hour in (0, 2):
        life.see(GAP, at=hour)
        life.see(BACK, at=hour + 1)
    assert [(a.sequence, a.episode, a.fired) for a in life.told] == [
        (1, 1, True),
        (2, 1, True),
        (3, 2, True),
        (4, 2, True),
    ]
    assert len(life.alerts) == 1


def test_nothing_is_known_keeps_the_state():
    life = Life()
    life.see(GAP, at=0)
    for verdict in (Verdict.STALE, Verdict.UNDEFINED):
        assert life.see(gap(verdict=verdict, value=None), at=1) == []


def test_an_alert_ends_with_its_rule():
    life = Life()
    life.see(GAP, at=0)
    life.model = replace(MODEL, rules=[])
    assert life.see(GAP, at=1) == [State.RESOLVED]
    assert life.told[-1].note == "the rule was removed from the configuration"


def test_an_alert_ends_when_its_group_is_no_longer_compared():
    life = Life()
    life.see(GAP, at=0)
    assert life.see(at=1) == [], "nothing was measured for the rule: nothing is known"
    assert life.see(gap(group="Asian", verdict=Verdict.UNDECIDED), at=2) == [State.RESOLVED]
    assert "no longer compared" in life.told[-1].note


def test_an_older_state_of_the_stream_ends_nothing():
    life = Life()
    life.see(GAP, at=5)
    assert life.see(gap(group="Asian", verdict=Verdict.UNDECIDED), at=1) == []


def test_drift_ends_when_its_stream_is_gone():
    model = Model(positive=["high"], rules=[Rule(metric="psi", max=0.2, name="psi of score")])
    life = Life(model)
    life.see(at=0, drift=[DRIFT])
    life.see(at=1, drift=[drift(stream="features.age", verdict=Verdict.UNDECIDED)])
    assert [a.state for a in life.told] == [State.FIRING, State.RESOLVED]
    assert life.told[-1].note == "the stream of values is no longer measured"


def test_alerts_of_a_removed_model_are_resolved():
    life = Life()
    life.see(GAP, at=0)
    assert lifecycle.removed(["compas"], life.alerts.values(), NOW) == []
    (resolved,) = lifecycle.removed(["credit"], life.alerts.values(), NOW)
    assert (resolved.state, resolved.sequence) == (State.RESOLVED, 2)
    assert lifecycle.removed(["credit"], [resolved], NOW) == []


def test_models_do_not_touch_each_others_alerts():
    life = Life()
    life.see(GAP, at=0)
    other = reading(gap(group="Asian"), model="credit")
    changed = lifecycle.step(MODEL, "credit", [other], life.alerts, NOW + HOUR)
    assert [alert.model for alert in changed] == ["credit"]


def test_the_severity_is_the_rules_when_it_fires():
    life = Life(PATIENT)
    life.see(GAP, at=0)
    life.model = replace(PATIENT, rules=[replace(PATIENT.rules[0], severity="info")])
    life.see(GAP, at=3)
    assert life.told[-1].severity == "info"


LOOKS = st.lists(st.tuples(st.sampled_from([GAP, BACK, UNDECIDED]), st.integers(0, 3)), max_size=40)


@steady
@given(LOOKS, st.sampled_from([MODEL, PATIENT]))
def test_whatever_happens_the_story_makes_sense(looks, model):
    life, hour = Life(model), 0
    for comparison, hours in looks:
        hour += hours
        life.see(comparison, at=hour)
    states = [alert.state for alert in life.told]
    assert [alert.sequence for alert in life.told] == list(range(1, len(states) + 1))
    assert all(a != b for a, b in pairwise(states))
    assert life.told == [] or life.told[-1].episode == states.count(State.FIRING)
    for before, after in pairwise([None, *life.told]):
        if after.state is State.RESOLVED:
            assert before is not None
            assert after.fired == (before.state is State.FIRING)
        if after.state is State.FIRING:
            assert after.changed - after.since >= (2 * HOUR if model is PATIENT else 0)


@steady
@given(LOOKS)
def test_seeing_the_same_twice_changes_nothing(looks):
    life = Life(PATIENT)
    for hour, (comparison, _) in enumerate(looks):
        life.see(comparison, at=hour)
        assert life.see(comparison, at=hour) == []


def test_many_groups_live_side_by_side():
    life = Life()
    groups = [gap(group=name) for name in ("a", "b", "c")]
    assert life.see(*groups, at=0) == [State.FIRING] * 3
    assert life.see(groups[0], gap(group="b", value=0.0, verdict=Verdict.WITHIN), groups[2], at=1) == [
        State.RESOLVED
    ]
    assert {rules.alert_id(MODEL, "compas", each, MODEL.rules[0]) for each in groups} == life.alerts.keys()
