"""What Telegram asks of bots that take Stars, and what a person may ask of us.

Loaded with aiogram.
"""

from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from app.errors import ConflictError
from app.telegram.conversation.heard import Commanded
from app.telegram.conversation.layout import button, page
from app.telegram.conversation.tapping import Tapped
from app.telegram.conversation.turns import Turn
from app.usecases.duties import Duties
from app.usecases.forget_user import ForgetUser
from processors.notifications.buttons import Press

FORGET: Final = "forget"
"""Token of the button that confirms it."""


def make_router() -> Router:
    """Return the router."""
    router = Router(name="legal")
    router.message.register(terms, Commanded("terms"))
    router.message.register(pay_support, Commanded("paysupport"))
    router.message.register(ask_to_forget, Commanded("forgetme"))
    router.callback_query.register(forget_them, Tapped(Press.CONFIRM, FORGET))
    return router


async def terms(message: Message, turn: Turn, duties: Duties) -> None:
    """Show the terms of use."""
    del message
    await turn.tell(page(duties.terms(turn.voice)))


async def pay_support(message: Message, turn: Turn, duties: Duties) -> None:
    """Say who helps with a payment."""
    del message
    await turn.tell(page(duties.pay_support(turn.voice)))


async def ask_to_forget(message: Message, turn: Turn) -> None:
    """Ask whether somebody means it."""
    del message
    if not turn.private:
        await turn.tell(page(turn.voice.say("Please write this to me in private.")))
        return
    said = turn.voice.say(
        "Shall everything about you be removed: your name, your orders, their pictures? What is"
        " left of your credits is lost. This cannot be undone."
    )
    yes = button(turn.voice.say("Remove everything"), Press.CONFIRM, FORGET, mark="🗑")
    await turn.tell(page(said), ((yes,),))


async def forget_them(tap: CallbackQuery, turn: Turn, forget: ForgetUser) -> None:
    """Have somebody forgotten, who has confirmed it in their own chat."""
    if not turn.private:
        await turn.talk.answer(tap.id)
        return
    try:
        await forget.begin(turn.user.id, by=f"telegram:{tap.from_user.id}")
    except ConflictError:
        said = turn.voice.say(
            "Something of yours is still under way. Please cancel it or wait, then ask again."
        )
        await turn.talk.answer(tap.id, said, alert=True)
        return
    await turn.drop()
    await turn.talk.answer(tap.id)
    said = turn.voice.say("Your data is being removed. Thank you for having been here.")
    if not await turn.talk.edit(turn.chat_id, turn.message_id, page(said)):
        await turn.tell(page(said))
