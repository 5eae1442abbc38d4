"""Parameters that several calls of the Bot API share. Loaded with aiogram."""

from collections.abc import Sequence
from typing import Final, Protocol

from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
)

PREVIEW: Final = LinkPreviewOptions(is_disabled=True)
"""A link under a message unfolds into nothing."""


class Button(Protocol):
    """A button under a message."""

    @property
    def text(self) -> str:
        """What it says."""
        ...

    @property
    def data(self) -> str:
        """What its press brings, at most 64 bytes."""
        ...


Rows = Sequence[Sequence[Button]]
"""Buttons as they stand under a message."""


def mode(*, html: bool) -> str | None:
    """Return how a text is to be read."""
    return "HTML" if html else None


def reply(message_id: int | None) -> ReplyParameters | None:
    """Reply to a message, or to nothing where it has been deleted meanwhile."""
    if message_id is None:
        return None
    return ReplyParameters(message_id=message_id, allow_sending_without_reply=True)


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Return the buttons of a message, None where there are none."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text=each.text, callback_data=each.data) for each in row]
            for row in rows
        ]
    )
