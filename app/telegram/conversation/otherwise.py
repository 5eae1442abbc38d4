"""What no other handler takes, of what is meant for us. Loaded with aiogram."""

from aiogram import Router
from aiogram.types import Message

from app.telegram.conversation.layout import page
from app.telegram.conversation.turns import Turn


def make_router() -> Router:
    """Return the router of messages."""
    router = Router(name="otherwise")
    router.message.register(say)
    return router


async def say(message: Message, turn: Turn) -> None:
    """Say that this is nothing we understand; in a group nobody has asked."""
    del message
    if turn.private:
        said = turn.voice.say("I understand words and pictures only. /help says more.")
        await turn.tell(page(said))
