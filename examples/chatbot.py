"""A chatbot's "was this helpful?" button. Run it, then answer y or n: `python chatbot.py`.

Every answer is a decision of the model, every press of the button feedback to it. Whether the bot helps
people equally well in every language is then a rate per group like any other: `helpful`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from uuid import uuid4

from fairlead_client import Emitter

ANSWERS = {"card": "You can block your card in the app.", "loan": "A loan is paid out within two days."}
BUTTON = {"y": True, "n": False}


class Chatbot:
    """Answers by a keyword; knows its customers' language from their profile."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def answer(self, question: str, language: str) -> tuple[str, str]:
        """(id, text) of an answer. The page keeps the id with the button."""
        topic = next((word for word in ANSWERS if word in question.lower()), None)
        id = str(uuid4())
        self._emitter.decision(
            id=id,
            decision="answered" if topic else "handed over",
            attributes={"language": language},
            slices={"topic": topic},
        )
        return id, ANSWERS[topic] if topic else "A colleague will write to you."

    def helpful(self, id: str, pressed: bool) -> None:
        """The button."""
        self._emitter.feedback(decision_id=id, flags={"helpful": pressed})


def converse(bot: Chatbot, lines: Iterable[str], language: str) -> Iterator[str]:
    """A conversation in a terminal: a question, then y or n, and so on."""
    given = iter(lines)
    for question in given:
        id, text = bot.answer(question, language)
        yield f"{text} Was this helpful? [y/n]"
        pressed = BUTTON.get(next(given, "").strip().lower())
        # No press is no feedback: it must not count as "no".
        if pressed is not None:
            bot.helpful(id, pressed)


def main() -> None:
    """Reads questions from the keyboard."""
    import sys

    with Emitter(os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092"), model="chatbot") as emitter:
        for text in converse(Chatbot(emitter), sys.stdin, language=os.environ.get("LANG", "en")[:2]):
            print(text)


if __name__ == "__main__":
    main()
