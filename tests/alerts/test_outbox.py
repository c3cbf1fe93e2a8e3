from hypothesis import given
from hypothesis import strategies as st

from alerts import outbox
from alerts.outbox import GIVE_UP_MS, LONGEST_WAIT_MS, Delivery, Progress
from tests.alerts.sample import alert, steady

MADE = Delivery(alert=alert(), destination="slack:risk", created=1_000, next_attempt=1_000)


def test_keys_order_by_alert_and_sequence():
    keys = [
        outbox.key(Delivery(alert=alert(sequence=n), destination="x", created=0, next_attempt=0))
        for n in (2, 10)
    ]
    assert keys == sorted(keys)
    assert outbox.key(MADE) == b"outbox/0123456789abcdef0123/00000001/slack:risk"


@steady
@given(st.integers(1, 10_000))
def test_waits_grow_up_to_a_bound(attempts):
    assert outbox.backoff(attempts) <= outbox.backoff(attempts + 1) <= LONGEST_WAIT_MS


def test_the_other_sides_wish_is_respected_and_never_shortens():
    later = outbox.postponed(MADE, "HTTP 429", 60_000, now=2_000)
    assert (later.state, later.next_attempt, later.attempts) == (Progress.DUE, 62_000, 1)
    assert outbox.postponed(MADE, "HTTP 429", 1, now=2_000).next_attempt == 7_000


def test_given_up_after_three_days():
    late = outbox.postponed(MADE, "HTTP 503", None, now=MADE.created + GIVE_UP_MS)
    assert (late.state, late.reason) == (Progress.FAILED, "given up after 3 days: HTTP 503")


def test_what_repeats_is_given_up_three_days_after_it_last_worked():
    worked = outbox.repeated(MADE, now=MADE.created + GIVE_UP_MS, repeat_ms=60_000)
    assert outbox.postponed(worked, "HTTP 503", None, now=MADE.created + GIVE_UP_MS + 1).state is Progress.DUE
