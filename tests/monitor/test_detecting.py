"""The detectors' state: kept and taken up again, and what an edit of the configuration does to it."""

import cramjam
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from monitor.config import Model, Rule
from monitor.detecting import Detecting
from monitor.events import Decision
from monitor.facts import Facts
from monitor.panes import Panes

DAY = 86_400_000
MODEL = Model(positive=["yes"], attributes=["sex"], windows=["all"])
PAGE_HINKLEY = Rule(metric="page_hinkley", stream="selection")
Told = dict[tuple[str, str], tuple[int, list[int]]]


def crowd(days: range, each: int = 40, first: str = "d") -> list[Decision]:
    """Of two groups; granted more often from day 20 on."""
    return [
        Decision(
            id=f"{first}{day}-{n}",
            model="m",
            time=day * DAY / 1000,
            decision="yes" if n % 10 < (2 if day < 20 else 7) else "no",
            attributes={"sex": "FM"[n % 2]},
        )
        for day in days
        for n in range(each)
    ]


def add(facts: Facts, made: list[Decision]) -> None:
    facts.observe(made, np.array([int(d.time * 1000) for d in made], np.int64))


@pytest.fixture
def panes() -> Panes:
    """Forty days; what comes late is counted in them, too."""
    facts = Facts({"m": MODEL}, bytes(16))
    add(facts, crowd(range(40)))
    return facts.panes["m"]


def told(detecting: Detecting) -> Told:
    return {
        (stream, each.name): (each.n, each.changes)
        for stream, found in detecting.streams.items()
        for each in found
    }


def kept(model: Model, panes: Panes, rules: list[Rule], days: int) -> bytes:
    detecting = Detecting(model, panes, rules)
    detecting.advance(days)
    record = detecting.unsaved()
    assert record is not None
    return record


def test_what_was_kept_goes_on(panes: Panes) -> None:
    whole, again = Detecting(MODEL, panes, []), Detecting(MODEL, panes, [])
    whole.advance(40)
    again.restore(kept(MODEL, panes, [], 21))
    assert again.fed == 21
    again.advance(40)
    assert told(again) == told(whole)
    assert told(whole)["selection", "adwin"] == (1600, [21 * DAY])


def test_what_was_made_durable_is_not_written_again(panes: Panes) -> None:
    detecting = Detecting(MODEL, panes, [])
    assert detecting.unsaved() is None
    detecting.advance(10)
    assert detecting.unsaved() is not None
    assert detecting.unsaved() is None
    detecting.advance(10)
    assert detecting.unsaved() is None


def test_a_detector_that_a_rule_newly_asks_for_begins_with_what_is_held(panes: Panes) -> None:
    again, whole = (Detecting(MODEL, panes, [PAGE_HINKLEY]) for _ in range(2))
    again.restore(kept(MODEL, panes, [], 30))
    for each in (again, whole):
        each.advance(40)
    assert told(again) == told(whole)
    assert told(again)["selection", "page_hinkley"][0] == 1600


def test_a_detector_that_no_rule_asks_for_any_more_ends(panes: Panes) -> None:
    again = Detecting(MODEL, panes, [])
    again.restore(kept(MODEL, panes, [PAGE_HINKLEY], 30))
    assert {name for _, name in told(again)} == {"adwin"}


def test_streams_of_an_attribute_that_is_gone_end(panes: Panes) -> None:
    again = Detecting(replace(MODEL, attributes=[]), panes, [])
    again.restore(kept(MODEL, panes, [], 30))
    assert {stream for stream, _ in told(again)} == {"selection"}


@pytest.mark.parametrize("edit", [{"positive": ["no"]}, {"positive_outcome": ["repaid"]}])
def test_another_meaning_of_the_streams_begins_with_what_is_held(panes: Panes, edit: dict[str, list]) -> None:
    model = replace(MODEL, **edit)
    again, whole = Detecting(model, panes, []), Detecting(model, panes, [])
    again.restore(kept(MODEL, panes, [], 30))
    assert (again.fed, again.streams) == (0, {})
    for each in (again, whole):
        each.advance(40)
    assert told(again) == told(whole)


def test_slices_that_are_summed_up_are_not_fed(panes: Panes) -> None:
    received = Panes(panes.codes, panes.width)
    for pane in panes.take("m", 0, ""):
        received.put(pane)
    received.roll(25, "m", "")
    detecting = Detecting(MODEL, received, [])
    detecting.advance(40)
    assert told(detecting)["selection", "adwin"][0] == 15 * 40


def test_a_state_of_a_newer_version_is_refused(panes: Panes) -> None:
    newer = bytes(cramjam.zstd.compress(msgspec.msgpack.encode([2, "x", {}, []])))
    with pytest.raises(ValueError, match=r"^detectors: format = 2: allowed is up to 1: upgrade Fairlead$"):
        Detecting(MODEL, panes, []).restore(newer)
