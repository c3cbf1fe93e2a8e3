import asyncio
import logging
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts import outbox
from alerts.alert import Alert, State
from alerts.delivery import KEPT, Outbox
from alerts.notifier import Refused, Retry
from alerts.outbox import Progress, Skip
from alerts.silences import Silence
from tests.alerts.doubles import Clock, Crash, Recorder, Store, make_outbox
from tests.alerts.sample import alert, steady
from tests.readings import NOW

FIRING = alert(sequence=1)
RESOLVED = alert(sequence=2, state=State.RESOLVED, changed=NOW + 60_000)
AGAIN = alert(sequence=3, episode=2)
PENDING = alert(sequence=1, state=State.PENDING, fired=False, episode=0)
NEVER_FIRED = alert(sequence=2, state=State.RESOLVED, fired=False, episode=0)


class Desk:
    """An outbox with two destinations, and all around it."""

    def __init__(self) -> None:
        self.clock, self.store = Clock(), Store()
        self.slack, self.email = Recorder(), Recorder()
        self.silences: list[Silence] = []
        self.outbox = self.restart()

    def restart(self, to: list[str] | None = None) -> Outbox:
        notifiers = {"slack:risk": self.slack, "email:officer": self.email}
        self.outbox = make_outbox(notifiers, self.store, self.clock, to, silences=lambda: self.silences)
        return self.outbox

    async def tell(self, *alerts: Alert) -> None:
        for each in alerts:
            await self.outbox.accept(each)
        await self.outbox.deliver()

    def progress(self) -> list[tuple[str, int, Progress]]:
        return [(d.destination, d.alert.sequence, d.state) for d in self.outbox.deliveries()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_tells_each_destination_of_firing_and_resolved(desk):
    await desk.tell(FIRING)
    await desk.tell(RESOLVED)
    for notifier in (desk.slack, desk.email):
        assert notifier.told() == [("firing", 1), ("resolved", 2)]


@pytest.mark.parametrize("silent", [PENDING, NEVER_FIRED])
async def test_what_has_not_fired_is_not_told(desk, silent):
    await desk.tell(silent)
    assert desk.slack.got == []
    assert desk.store.items == {}


async def test_the_same_alert_again_sends_nothing(desk):
    await desk.tell(FIRING, FIRING)
    await desk.tell(FIRING)
    desk.restart()
    await desk.tell(FIRING)
    assert desk.slack.told() == [("firing", 1)]


async def test_an_older_state_sends_nothing(desk):
    await desk.tell(FIRING)
    await desk.tell(RESOLVED)
    await desk.tell(AGAIN)
    await desk.tell(FIRING, RESOLVED)
    assert desk.slack.told() == [("firing", 1), ("resolved", 2), ("firing", 3)]


async def test_accepted_is_durable_before_anything_is_sent(desk):
    await desk.outbox.accept(FIRING)
    assert len(desk.store.items) == 2
    assert desk.slack.got == []
    desk.restart()
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)]


async def test_retries_with_growing_waits_until_it_works(desk):
    desk.slack.troubles = [Retry("HTTP 503"), Retry("HTTP 503")]
    await desk.tell(FIRING)
    assert desk.email.told() == [("firing", 1)], "one destination does not wait for another"
    for wait in (4.9, 0.1, 9.9):
        assert desk.slack.got == []
        desk.clock.pass_(wait)
        await desk.outbox.deliver()
    assert desk.slack.got == []
    desk.clock.pass_(0.1)
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)]


async def test_waits_survive_a_restart(desk):
    desk.slack.troubles = [Retry("HTTP 503")]
    await desk.tell(FIRING)
    desk.restart()
    await desk.outbox.deliver()
    assert desk.slack.got == []
    desk.clock.pass_(5)
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)]


async def test_retry_after_holds_for_all_that_goes_there(desk):
    desk.slack.troubles = [Retry("HTTP 429", after=30_000)]
    await desk.tell(FIRING)
    other = alert(id="another")
    await desk.tell(other)
    desk.clock.pass_(29)
    await desk.outbox.deliver()
    assert desk.slack.got == []
    assert [m.id for m in desk.email.got] == [FIRING.id, "another"]
    desk.clock.pass_(1)
    await desk.outbox.deliver()
    assert [m.id for m in desk.slack.got] == [FIRING.id, "another"]


async def test_a_destination_that_does_not_answer_is_asked_once_a_round(desk):
    desk.slack.troubles = [Retry("no answer in time") for _ in range(3)]
    await desk.tell(FIRING, alert(id="b"), alert(id="c"))
    assert len(desk.slack.troubles) == 2


async def test_firing_and_resolved_are_told_in_order_even_late(desk):
    desk.slack.troubles = [Retry("HTTP 503")]
    await desk.tell(FIRING)
    await desk.tell(RESOLVED)
    assert desk.slack.got == []
    desk.clock.pass_(5)
    for _ in range(2):
        await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1), ("resolved", 2)]


async def test_refused_is_final_and_said(desk, caplog):
    desk.slack.troubles = [Refused("HTTP 404 no_service")]
    with caplog.at_level(logging.ERROR):
        await desk.tell(FIRING)
    await desk.tell(RESOLVED)
    assert desk.slack.got == []
    states = {
        d.alert.sequence: (d.state, d.reason) for d in desk.outbox.deliveries() if "slack" in d.destination
    }
    assert states == {
        1: (Progress.FAILED, "HTTP 404 no_service"),
        2: (Progress.SKIPPED, Skip.NEVER_TOLD),
    }
    assert "slack:risk" in caplog.text
    assert "HTTP 404 no_service" in caplog.text


async def test_a_broken_notifier_stops_nobody_and_tells_no_secret(desk, caplog):
    desk.slack.troubles = [ValueError("https://hooks.example.com/secret")]
    await desk.tell(FIRING)
    assert desk.email.told() == [("firing", 1)]
    desk.clock.pass_(5)
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)]
    assert "unexpected ValueError (doubles.py:" in caplog.text
    assert "secret" not in caplog.text
    assert not any(b"secret" in value for value in desk.store.items.values())


async def test_a_destination_that_left_the_configuration_fails(desk):
    await desk.outbox.accept(FIRING)
    gone = make_outbox({"email:officer": desk.email}, desk.store, desk.clock)
    await gone.deliver()
    reasons = {d.destination: d.reason for d in gone.deliveries()}
    assert reasons == {
        "slack:risk": "the configuration no longer has this destination",
        "email:officer": "",
    }


async def test_a_new_destination_hears_what_fires_and_not_what_is_past(desk):
    desk.restart(to=["slack:risk"])
    past = alert(id="past")
    await desk.tell(FIRING, past)
    await desk.tell(alert(id="past", sequence=2, state=State.RESOLVED))
    desk.restart()
    await desk.tell(FIRING, alert(id="past", sequence=2, state=State.RESOLVED))
    assert [m.id for m in desk.email.got] == [FIRING.id]


async def test_resolved_goes_where_firing_went_whatever_the_routes_say_now(desk):
    desk.restart(to=["slack:risk"])
    await desk.tell(FIRING)
    desk.restart(to=["email:officer"])
    await desk.tell(RESOLVED)
    assert desk.slack.told() == [("firing", 1), ("resolved", 2)]


async def test_a_missed_firing_is_healed_by_resolved(desk):
    await desk.tell(RESOLVED)
    assert desk.slack.told() == [("resolved", 2)]


async def test_silenced_until_its_time_and_told_if_it_still_fires(desk):
    desk.silences = [Silence(id="1", until=desk.clock.now + 60_000, model="compas")]
    await desk.tell(FIRING)
    assert desk.slack.got == []
    desk.clock.pass_(60)
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)]


async def test_what_ends_while_silenced_is_never_told(desk):
    desk.silences = [Silence(id="1", until=desk.clock.now + 60_000)]
    await desk.tell(FIRING)
    await desk.tell(RESOLVED)
    desk.clock.pass_(60)
    for _ in range(2):
        await desk.outbox.deliver()
    assert desk.slack.got == []
    assert {d.reason for d in desk.outbox.deliveries()} == {Skip.OVER_WHILE_SILENCED, Skip.NEVER_TOLD}


async def test_told_before_the_silence_resolved_after_it(desk):
    await desk.tell(FIRING)
    desk.silences = [Silence(id="1", until=desk.clock.now + 60_000)]
    await desk.tell(RESOLVED)
    assert desk.slack.told() == [("firing", 1)]
    desk.clock.pass_(60)
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1), ("resolved", 2)]


async def test_lifting_a_silence_tells_at_once(desk):
    desk.silences = [Silence(id="1", until=desk.clock.now + 60_000)]
    await desk.tell(FIRING)
    desk.silences = []
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)]


async def test_what_must_be_repeated_is_until_it_resolves(desk):
    desk.slack.repeat_ms = 60_000
    await desk.tell(FIRING)
    for _ in range(3):
        desk.clock.pass_(60)
        await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)] * 4
    await desk.tell(RESOLVED)
    for _ in range(3):
        desk.clock.pass_(60)
        await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1)] * 4 + [("resolved", 2)]
    assert desk.email.told() == [("firing", 1), ("resolved", 2)]


async def test_a_failed_repeat_does_not_hold_back_resolved(desk):
    desk.slack.repeat_ms = 60_000
    await desk.tell(FIRING)
    desk.slack.troubles = [Retry("HTTP 503")]
    desk.clock.pass_(60)
    await desk.outbox.deliver()
    await desk.tell(RESOLVED)
    await desk.outbox.deliver()
    assert desk.slack.told() == [("firing", 1), ("resolved", 2)]


async def test_a_slow_destination_holds_up_no_other(desk):
    answer, called = asyncio.Event(), asyncio.Event()

    async def hang(message):
        called.set()
        await answer.wait()
        desk.slack.got.append(message)

    desk.slack.send = hang
    await desk.outbox.accept(FIRING)
    slow = asyncio.create_task(desk.outbox.deliver())
    await called.wait()
    await desk.tell(alert(id="b"))
    assert [m.id for m in desk.email.got] == [FIRING.id, "b"]
    assert desk.slack.got == []
    answer.set()
    await slow  # whoever is at a destination sends what has come for it meanwhile
    assert [m.id for m in desk.slack.got] == [FIRING.id, "b"]


async def test_two_rounds_at_once_send_once(desk):
    await desk.outbox.accept(FIRING)
    await asyncio.gather(desk.outbox.deliver(), desk.outbox.deliver())
    assert desk.slack.told() == desk.email.told() == [("firing", 1)]


async def test_a_notifier_that_hangs_is_given_up_for_now(desk):
    desk.slack.troubles = [TimeoutError()]
    await desk.tell(FIRING)
    assert {d.reason for d in desk.outbox.deliveries()} == {"", "no answer in time"}


async def test_a_thread_forgets_what_is_long_past(desk):
    for episode in range(1, KEPT + 3):
        await desk.tell(alert(sequence=2 * episode, episode=episode))
        await desk.tell(alert(sequence=2 * episode + 1, episode=episode, state=State.RESOLVED))
    assert len(desk.store.items) == 2 * KEPT
    assert len(desk.outbox.deliveries()) == 2 * KEPT
    sent = len(desk.slack.got)
    desk.restart()
    await desk.tell(alert(sequence=2 * (KEPT + 2) + 1, episode=KEPT + 2, state=State.RESOLVED))
    assert len(desk.slack.got) == sent


async def test_two_may_forget_at_once(desk):
    """After a crash between what was told and what is forgotten more is to be forgotten than one."""
    for episode in range(1, KEPT + 3):
        await desk.tell(alert(sequence=2 * episode, episode=episode))
        await desk.tell(alert(sequence=2 * episode + 1, episode=episode, state=State.RESOLVED))
    (thread, *_) = desk.outbox._threads[FIRING.id].values()
    last = max(thread)
    thread |= {n: replace(thread[last], alert=alert(sequence=n)) for n in (1, 2, 3)}
    removed = []

    async def put(key: bytes, _: None) -> None:
        removed.append(key)
        await asyncio.sleep(0)

    desk.outbox._store.put = put
    await asyncio.gather(desk.outbox._forget(thread), desk.outbox._forget(thread))
    assert (len(thread), len(removed), len({*removed})) == (KEPT, 3, 3)


async def test_restore_reads_its_own_records_only(desk):
    await desk.tell(FIRING)
    desk.store.items[b"silence/1"] = b"not a delivery"
    desk.restart()
    assert desk.progress() == [("email:officer", 1, Progress.SENT), ("slack:risk", 1, Progress.SENT)]


async def test_a_store_that_fails_is_no_notifiers_trouble(desk):
    desk.store.crash_after = 1
    with pytest.raises(Crash):
        await desk.tell(FIRING)


STORY = [FIRING, RESOLVED, AGAIN, alert(sequence=4, episode=2, state=State.RESOLVED)]


@steady
@given(
    crashes=st.lists(st.integers(0, 12), max_size=4),
    troubles=st.lists(st.sampled_from([None, Retry("HTTP 503"), Retry("HTTP 429", 10_000)]), max_size=6),
)
def test_at_least_once_through_any_crash(crashes, troubles):
    """Whatever is told, comes in order; a crash repeats at most one message a destination."""

    async def run() -> None:
        desk = Desk()
        desk.slack.troubles = [trouble for trouble in troubles if trouble is not None]
        for each in STORY:
            await _until_accepted(desk, each, crashes)
        for _ in range(60):
            desk.store.crash_after = None
            desk.clock.pass_(60)
            await desk.outbox.deliver()
        for notifier in (desk.slack, desk.email):
            told = notifier.told()
            assert list(dict.fromkeys(told)) == [(each.state.value, each.sequence) for each in STORY]
            assert len(told) <= len(STORY) + len(crashes)
        assert {d.state for d in desk.outbox.deliveries()} == {Progress.SENT}

    asyncio.run(run())


async def _until_accepted(desk: Desk, each: Alert, crashes: list[int]) -> None:
    """As Kafka does: the record comes again until it was taken, here with a crash on the way."""
    desk.store.crash_after = crashes[each.sequence - 1] if each.sequence <= len(crashes) else None
    with suppress(Crash):
        await desk.tell(each)
        return
    desk.store.crash_after = None
    desk.restart()
    await desk.outbox.accept(each)


async def test_deliveries_are_ordered(desk):
    await desk.tell(alert(id="b"), FIRING)
    await desk.tell(RESOLVED)
    keys = [outbox.key(delivery) for delivery in desk.outbox.deliveries()]
    assert len(keys) == 6
    assert [d.alert.id for d in desk.outbox.deliveries()] == [FIRING.id] * 4 + ["b"] * 2
