"""The set of feedback: many facts at once are as one after the other, whatever they cost."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import Codes
from monitor.facts.returned import FACT, Returned, Rows

moments = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 2)), max_size=20)


def returned() -> Returned:
    found = Returned(Codes(), bytes(16), takes=lambda _: True)
    found.kind("outcome")
    return found


def rows(of: Returned, said: list[tuple[int, int, int]]) -> Rows:
    """Outcomes: of which decision, when, and of which rank."""
    facts = np.zeros(len(said), FACT)
    facts["kind"] = of.kind("outcome")
    for place, (id, time, rank) in enumerate(said):
        facts[place]["id"], facts[place]["time"], facts[place]["rank"] = id, time, rank
    return facts


def taken(of: Returned, facts: Rows) -> tuple[list[int], int, int]:
    """The places of what was new, how many facts were corrected, and in how many rounds."""
    new, corrections, rounds = list[int](), 0, 0
    for news in of.news(facts):
        corrections += of.commit(news)
        new += news.at.tolist()
        rounds += 1
    return sorted(new), corrections, rounds


@given(moments, moments)
def test_many_at_once_are_as_one_after_the_other(
    before: list[tuple[int, int, int]], said: list[tuple[int, int, int]]
) -> None:
    together, single = returned(), returned()
    for each in (together, single):
        taken(each, rows(each, before))
    new, corrections, _ = taken(together, rows(together, said))
    alone = [taken(single, rows(single, [one])) for one in said]
    assert new == [place for place, (found, _, _) in enumerate(alone) if found]
    assert corrections == sum(count for _, count, _ in alone)
    held = [Counter(map(tuple, each.everything().tolist())) for each in (together, single)]
    assert held[0] == held[1]


def test_all_that_is_said_of_one_decision_is_taken_in_one_round() -> None:
    """Else whoever says much of one would be waited for."""
    found = returned()
    repeated = [(1, 5, 2)] * 500
    corrected = [(1, time, time % 7) for time in range(500)]
    assert taken(found, rows(found, repeated)) == ([0], 0, 1)
    new, corrections, rounds = taken(found, rows(found, corrected))
    assert (len(new), corrections, rounds) == (500, 495, 1)
