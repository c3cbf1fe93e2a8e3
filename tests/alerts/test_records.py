import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import outbox
from alerts.alert import State, decode, encode
from alerts.outbox import Delivery, Progress
from tests.alerts.sample import alert, steady
from tests.readings import DRIFT, GAP

ALERTS = st.builds(
    alert,
    id=st.text(),
    sequence=st.integers(0, 2**40),
    state=st.sampled_from(State),
    evidence=st.sampled_from([GAP, DRIFT]),
    note=st.text(),
)


@steady
@given(ALERTS)
def test_alerts_survive(made):
    assert decode(encode(made)) == made


@steady
@given(ALERTS, st.sampled_from(Progress), st.text(), st.none() | st.integers(0, 2**60))
def test_deliveries_survive(made, state, reason, told):
    delivery = Delivery(
        alert=made, destination="slack:risk", created=1, next_attempt=2, state=state, told=told, reason=reason
    )
    assert outbox.decode(outbox.encode(delivery)) == delivery


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\x02rest", "Alert: version 2 is not allowed; allowed: up to 1"),
        (b"", "Alert: a record of 0 bytes cannot be read"),
        (b"\x01", "Alert: a record of 1 bytes cannot be read"),
        (b"\x01\xff", "Alert: a record of 2 bytes cannot be read"),
        (encode(alert())[:-1], "cannot be read"),
    ],
)
def test_damaged_or_newer_records_say_so(data, match):
    with pytest.raises(ValueError, match=match):
        decode(data)


@steady
@given(st.binary())
def test_no_bytes_do_worse_than_a_value_error(data):
    with pytest.raises(ValueError, match="Alert: "):
        decode(data)
