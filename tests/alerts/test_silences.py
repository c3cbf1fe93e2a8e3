import pytest

from alerts import silences
from alerts.silences import Silence
from tests.alerts.sample import alert
from tests.readings import DRIFT, GAP

UNTIL = 1_000


@pytest.mark.parametrize(
    ("match", "muted"),
    [
        ({}, True),
        ({"model": "compas"}, True),
        ({"model": "credit"}, False),
        ({"rule": GAP.rule}, True),
        ({"rule": "other"}, False),
        ({"group": "African-American"}, True),
        ({"group": "Asian"}, False),
        ({"model": "compas", "group": "Asian"}, False),
    ],
)
def test_every_word_given_must_match(match, muted):
    assert silences.mutes(Silence(id="1", until=UNTIL, **match), alert(), now=0) is muted


def test_drift_has_no_group():
    assert not silences.mutes(Silence(id="1", until=UNTIL, group="F"), alert(evidence=DRIFT), now=0)


def test_ends_at_its_time():
    silence = Silence(id="1", until=UNTIL)
    assert silences.mutes(silence, alert(), now=UNTIL - 1)
    assert not silences.mutes(silence, alert(), now=UNTIL)


def test_the_longest_one_counts():
    short, long, other = (Silence(id=str(u), until=u, model=m) for u, m in ((5, None), (9, None), (99, "x")))
    assert silences.muting([short, long, other], alert(), now=0) == long
    assert silences.muting([], alert(), now=0) is None
