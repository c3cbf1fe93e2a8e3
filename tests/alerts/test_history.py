from alerts import history
from alerts.alert import State
from alerts.outbox import Delivery, Progress
from tests.alerts.sample import alert
from tests.readings import DRIFT, NOW


def test_firing_first_then_the_newest():
    alerts = [
        alert(id="resolved", state=State.RESOLVED, changed=NOW + 9),
        alert(id="old", changed=NOW),
        alert(id="pending", state=State.PENDING),
        alert(id="new", changed=NOW + 1),
    ]
    assert [row.id for row in history.rows(alerts)] == ["new", "old", "pending", "resolved"]


def test_a_row_says_what_it_is_about():
    (row,) = history.rows([alert()])
    assert (row.state, row.severity, row.model, row.episode) == (State.FIRING, "critical", "compas", 1)
    assert row.subject == "race: African-American against Caucasian"


def test_drift_is_about_its_stream():
    (row,) = history.rows([alert(evidence=DRIFT)])
    assert row.subject == "score"


def test_deliveries_newest_first():
    def made(**changes) -> Delivery:
        return Delivery(alert=alert(), **({"destination": "x", "created": 1, "next_attempt": 1} | changes))

    events = history.events(
        [
            made(created=5),
            made(destination="told", told=9, state=Progress.SENT, attempts=2),
            made(destination="a", created=5, reason="HTTP 503"),
        ]
    )
    assert [(e.destination, e.at) for e in events] == [("told", 9), ("a", 5), ("x", 5)]
    assert (events[0].progress, events[0].attempts, events[1].reason) == (Progress.SENT, 2, "HTTP 503")
