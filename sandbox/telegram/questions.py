"""Questions that the bot must answer, once and in time: taps, and payments about to be made."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Literal

from sandbox.telegram.messages import Json
from sandbox.telegram.refusals import Refusal

Kind = Literal["tap", "checkout"]

_FIRST: Final = 10**9
"""Ids of real ones are long, too."""


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        answered: What the bot says to it, by the fields of its call.
    """

    id: str
    kind: Kind
    chat_id: int
    user_id: int
    answered: asyncio.Future[Json] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Questions:
    """The questions that the bot has not answered yet."""

    def __init__(self) -> None:
        self._last = _FIRST
        self._open: dict[str, Question] = {}

    def ask(self, kind: Kind, chat_id: int, user_id: int) -> Question:
        """Return a new question."""
        self._last += 1
        asked = Question(str(self._last), kind, chat_id, user_id)
        self._open[asked.id] = asked
        return asked

    def answer(self, kind: Kind, question_id: str, words: Json) -> Question:
        """Take the bot's answer and return the question.

        Raises:
            Refusal: There is no such question, or it was answered, or is too old.
        """
        asked = self._open.get(question_id)
        if asked is None or asked.kind != kind:
            raise Refusal("query is too old and response timeout expired or query ID is invalid")
        del self._open[question_id]
        asked.answered.set_result(words)
        return asked

    def close(self, question: Question) -> None:
        """Take no answer any more."""
        self._open.pop(question.id, None)

    def clear(self) -> None:
        """Forget every question."""
        self._open.clear()
