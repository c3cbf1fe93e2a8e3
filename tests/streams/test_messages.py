"""Panes and clocks on their way: nothing is lost in bundling, and no message is too large."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.panes import Pane
from streams import messages
from streams.messages import LARGEST, Clock, PaneMessage


def pane(model: str, slot: int, size: int = 0) -> Pane:
    return Pane(
        model=model, partition=0, slot=slot, shape="", phi="1", texts={}, groups=[], measures=bytes(size),
        cells=b"", counts=b"",
    )  # fmt: skip


panes = st.lists(
    st.builds(pane, st.sampled_from("ab"), st.integers(0, 99), st.integers(0, LARGEST)), max_size=20
)


@given(panes)
def test_bundles_hold_all_panes_of_one_model_each_in_order(found: list[Pane]) -> None:
    sent = [(model, messages.decode(record)) for model, record in messages.bundles(found)]
    for name in "ab":
        parts = [
            message.panes for model, message in sent if model == name and isinstance(message, PaneMessage)
        ]
        assert [p for part in parts for p in part] == [p for p in found if p.model == name]


@given(panes)
def test_a_bundle_of_several_panes_is_not_too_large(found: list[Pane]) -> None:
    for _, record in messages.bundles(found):
        message = messages.decode(record)
        assert isinstance(message, PaneMessage)
        assert len(message.panes) == 1 or len(record) <= LARGEST


def test_few_panes_are_one_message() -> None:
    assert len(list(messages.bundles([pane("a", slot) for slot in range(1000)]))) == 1


def test_clocks_come_back_as_they_went() -> None:
    clock = Clock(3, 8, None, True, 17)
    assert messages.decode(messages.encode(clock)) == clock
