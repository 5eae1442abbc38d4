"""Taps on buttons: which one it is. Loaded with aiogram."""

from typing import Any

from aiogram.filters import Filter
from aiogram.types import CallbackQuery

from app.telegram.conversation.turns import Turn
from processors.notifications import buttons
from processors.notifications.buttons import Press


class Tapped(Filter):
    """Lets pass a tap on one kind of button, and gives handlers its `argument`.

    Args:
        press: The kind.
        begins: What its argument begins with; it is taken off.
    """

    def __init__(self, press: Press, begins: str = "") -> None:
        self._press = press
        self._begins = begins

    async def __call__(self, tap: CallbackQuery) -> bool | dict[str, Any]:
        """Return whether it is one, with its argument."""
        found = buttons.parse(tap.data or "")
        if found is None or found[0] is not self._press or not found[1].startswith(self._begins):
            return False
        return {"argument": found[1].removeprefix(self._begins)}


async def stale(tap: CallbackQuery, turn: Turn) -> None:
    """Say that a button is of no use: what it was about is gone, or was never theirs."""
    await turn.talk.answer(tap.id, turn.voice.say("This button is of no use any more."))
