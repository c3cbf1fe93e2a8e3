from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from chatbot import Chatbot, converse
from fairlead_client import Emitter

Sent = Callable[[str], list[dict[str, Any]]]


def test_an_answer_is_a_decision_and_the_button_its_feedback(emitter: Emitter, sent: Sent) -> None:
    bot = Chatbot(emitter)
    id, text = bot.answer("My card is gone", language="pl")
    bot.helpful(id, True)
    assert text == "You can block your card in the app."
    [decision], [feedback] = sent("decisions"), sent("feedback")
    assert (decision["id"], decision["decision"]) == (id, "answered")
    assert decision["attributes"] == {"language": "pl"}
    assert decision["slices"] == {"topic": "card"}
    assert (feedback["decision_id"], feedback["flags"]) == (id, {"helpful": True})


@pytest.mark.parametrize(("pressed", "flags"), [("Y\n", [True]), ("n\n", [False]), ("\n", []), ("maybe", [])])
def test_only_a_press_counts(emitter: Emitter, sent: Sent, pressed: str, flags: list[bool]) -> None:
    [text] = converse(Chatbot(emitter), ["What about the weather?\n", pressed], language="en")
    assert text == "A colleague will write to you. Was this helpful? [y/n]"
    assert [event["decision"] for event in sent("decisions")] == ["handed over"]
    assert [event["flags"]["helpful"] for event in sent("feedback")] == flags


def test_a_conversation_may_end_without_a_press(emitter: Emitter, sent: Sent) -> None:
    assert len(list(converse(Chatbot(emitter), ["loan?"], language="en"))) == 1
    assert sent("feedback") == []
