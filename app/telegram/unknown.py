"""What nobody else understands: an answer all the same. Loaded with aiogram."""

from typing import Final

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Message

from app.telegram.talking import Talk
from processors.notifications.texts import Voice


def make_router() -> Router:
    """Return the last of all routers."""
    router = Router(name="unknown")
    # In a group most of what is said is not meant for us.
    router.message.register(
        _say,
        F.chat.type == ChatType.PRIVATE,
        F.content_type.in_(_SENT),
        # Two bots that answer each other would never end.
        F.from_user.is_bot.is_(False),
        ~F.sender_chat,
    )
    router.callback_query.register(_answer)
    return router


_SENT: Final = frozenset(
    {
        "text",
        "photo",
        "document",
        "video",
        "animation",
        "audio",
        "voice",
        "video_note",
        "sticker",
        "contact",
        "location",
        "poll",
        "dice",
    }
)
"""What a person sends; the rest tells of something that happened."""


async def _say(message: Message, talk: Talk, voice: Voice) -> None:
    said = voice.say("I do not know what to do with that. /help says what I understand.")
    await talk.say(message.chat.id, said, reply_to=message.message_id)


async def _answer(query: CallbackQuery, talk: Talk, voice: Voice) -> None:
    await talk.answer(query.id, voice.say("This button is of no use any more."))
