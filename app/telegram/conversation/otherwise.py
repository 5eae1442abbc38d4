"""What no other handler takes, of what is meant for us. Loaded with aiogram."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from app.telegram.conversation.layout import page
from app.telegram.conversation.turns import Turn
from app.telegram.talking import Talk
from processors.notifications.texts import Voice


def make_router() -> Router:
    """Return the router of messages."""
    router = Router(name="otherwise")
    router.message.register(say)
    return router


def make_taps() -> Router:
    """Return the router of buttons, the last of all."""
    router = Router(name="stale")
    router.callback_query.register(answer)
    return router


async def say(message: Message, turn: Turn) -> None:
    """Say that this is nothing we understand; in a group nobody has asked."""
    del message
    if turn.private:
        said = turn.voice.say("I understand words and pictures only. /help says more.")
        await turn.tell(page(said))


async def answer(tap: CallbackQuery, talk: Talk, voice: Voice) -> None:
    """Say that a button is of no use: nobody made it here, or nobody knows it any more."""
    await talk.answer(tap.id, voice.say("This button is of no use any more."))
