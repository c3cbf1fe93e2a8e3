"""The set of feedback: many facts at once are as one after the other, whatever they cost."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.arrays.codes import Codes
from monitor.events import Feedback
from monitor.events.batches import Columns, Structs
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


def taken(of: Returned, facts: Rows) -> tuple[list[int], int]:
    """The places of what was new, and how many facts were corrected."""
    news = of.news(facts)
    return sorted(news.at.tolist()), of.commit(news)


@given(moments, moments)
def test_many_at_once_are_as_one_after_the_other(
    before: list[tuple[int, int, int]], said: list[tuple[int, int, int]]
) -> None:
    together, single = returned(), returned()
    for each in (together, single):
        taken(each, rows(each, before))
    new, corrections = taken(together, rows(together, said))
    alone = [taken(single, rows(single, [one])) for one in said]
    assert new == [place for place, (found, _) in enumerate(alone) if found]
    assert corrections == sum(count for _, count in alone)
    held = [Counter(map(tuple, each.everything().tolist())) for each in (together, single)]
    assert held[0] == held[1]


def test_all_that_is_said_of_one_decision_is_taken_in_one_round() -> None:
    """Else whoever says much of one would be waited for."""
    found = returned()
    repeated = [(1, 5, 2)] * 500
    corrected = [(1, time, time % 7) for time in range(500)]
    assert taken(found, rows(found, repeated)) == ([0], 0)
    new, corrections = taken(found, rows(found, corrected))
    assert (len(new), corrections) == (500, 495)


class Watched(Structs[Feedback]):
    """Events that note which columns were asked for."""

    asked: ClassVar[set[str]] = set()

    def column(self, name: str) -> Sequence[Any]:
        self.asked.add(name)
        return super().column(name)


def test_names_that_are_somebodys_cost_no_column_each() -> None:
    """Each column has all events: a name an event would cost their square."""
    flags = [{f"u{n}@example.com": True, "helpful": None} for n in range(50)]
    events = [Feedback(decision_id=n, time=0, flags=each, values={"csat": 1}) for n, each in enumerate(flags)]
    batch, found = Watched(Feedback, events, np.zeros(50, np.int64)), returned()
    facts = found.exploded(batch, np.arange(50, dtype=np.uint64))
    assert (len(facts), [name for name in Watched.asked if "@" in name]) == (50, [])
    ((counts, about),) = found.personal()
    assert (counts, about.tolist()) == ({"flags": {"email": 50}}, [*range(50)])


def test_where_columns_have_values_is_the_same_of_events_and_of_columns() -> None:
    flags: list[dict[str, bool | None]] = [{"a": True, "b": False}, {"c": True}, {"a": None, "b": True}]
    events = [Feedback(decision_id=n, time=0, flags=each) for n, each in enumerate(flags)]
    columns = {"flags.a": [True, None, None], "flags.b": [False, None, True], "flags.c": [None, True, None]}
    times = np.zeros(3, np.int64)
    for batch in (Structs(Feedback, events, times), Columns(Feedback, columns, times, np.arange(3))):
        assert batch.places(["flags.a", "flags.b"]).tolist() == [0, 0, 2]
