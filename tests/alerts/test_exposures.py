"""Alerts on what events hold that they should not: told once, over after a day, never with a value."""

import pytest
from msgspec.structs import replace

from alerts import alert, exposures, lifecycle, message
from alerts.alert import Alert, State
from alerts.exposures import EXPECTED, OVER, QUIET_MS
from alerts.silences import Silence, mutes
from monitor.arrays.codes import OTHER
from monitor.arrays.personal import LOOKS, PERSONAL
from monitor.events.exposed import UNDECLARED, Exposure
from tests.alerts.sample import CONFIG, MODEL, NOW

EMAIL = Exposure(event="decision", kind="email", field="attributes.race", times=12, last=NOW)


def step(*found: Exposure, alerts: list[Alert] | None = None, now: int = NOW, **model: object) -> list[Alert]:
    present = {each.id: each for each in alerts or []}
    return exposures.step(replace(MODEL, **model), "compas", found, present, now)


def test_it_fires_once_and_is_over_when_it_has_not_come_for_a_day() -> None:
    (fired,) = step(EMAIL)
    assert (fired.state, fired.severity, fired.rule) == (State.FIRING, "warning", "personal values")
    again = replace(EMAIL, times=900, last=NOW + QUIET_MS)
    assert step(again, alerts=[fired], now=NOW + 2 * QUIET_MS) == []
    (over,) = step(again, alerts=[fired], now=NOW + 2 * QUIET_MS + 1)
    assert (over.state, over.note, over.sequence, over.evidence) == (State.RESOLVED, OVER, 2, again)
    assert step(again, alerts=[over], now=over.changed + 1) == []
    (anew,) = step(replace(again, last=over.changed + 1), alerts=[over], now=over.changed + 5)
    assert (anew.state, anew.episode, anew.id) == (State.FIRING, 2, fired.id)


def test_what_is_long_gone_when_it_is_heard_of_is_not_told() -> None:
    assert step(replace(EMAIL, last=NOW - QUIET_MS - 1)) == []


def test_each_field_and_kind_has_an_alert_of_its_own() -> None:
    found = [
        EMAIL,
        replace(EMAIL, kind="phone"),
        replace(EMAIL, event="feedback"),
        replace(EMAIL, field="id"),
    ]
    assert len({each.id for each in step(*found)}) == 4


def test_what_the_configuration_expects_by_now_is_over() -> None:
    (fired,) = step(replace(EMAIL, kind=UNDECLARED, field="features.age"))
    assert fired.severity == "info"
    for expected in ({"features": ["age"]}, {"unchecked": ["features.age"]}, {"unchecked": ["features"]}):
        (over,) = step(fired.evidence, alerts=[fired], **expected)
        assert (over.state, over.note) == (State.RESOLVED, EXPECTED)


def test_readings_do_not_end_it_and_the_end_of_the_model_does() -> None:
    (fired,) = step(EMAIL)
    assert lifecycle.step(MODEL, "compas", [], {fired.id: fired}, NOW) == []
    (over,) = lifecycle.removed([], [fired], NOW)
    assert over.state is State.RESOLVED


def test_it_can_be_silenced_and_survives_its_record() -> None:
    (fired,) = step(EMAIL)
    assert alert.decode(alert.encode(fired)) == fired
    assert mutes(Silence(id="s", until=9, rule="personal values"), fired, now=1)
    assert not mutes(Silence(id="s", until=9, group="F"), fired, now=1)


@pytest.mark.parametrize("kind", [UNDECLARED, *LOOKS])
@pytest.mark.parametrize("field", ["id", "attributes.shoe", f"features.{OTHER}", OTHER, f"values.{PERSONAL}"])
def test_it_is_told_in_words_with_model_field_and_number(kind: str, field: str) -> None:
    (fired,) = step(replace(EMAIL, kind=kind, field=field, event="feedback"))
    told = message.text(message.render(fired, CONFIG))
    assert "compas: " in told
    assert "at least 12 times" in told
    assert "Seen since: 2014-01-01" in told
    assert "feedback" in told
    over = lifecycle.resolve(fired, NOW + 3_600_000, OVER)
    assert "It ended because it has not come for a day." in message.render(over, CONFIG).summary


def test_the_words() -> None:
    (fired,) = step(EMAIL)
    told = message.render(fired, CONFIG)
    assert told.title == "compas: values of “attributes.race” look like email addresses"
    assert told.summary == (
        "Some values of “attributes.race” of decisions look like email addresses."
        " Fairlead keeps none of them: they count as __personal__."
    )
    assert told.labels["field"] == "attributes.race"
    assert told.numbers == {"times": 12}
