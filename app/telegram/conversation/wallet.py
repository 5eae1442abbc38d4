"""What somebody owns, and more of it: /balance and /buy. Loaded with aiogram."""

from typing import Final

from aiogram import F, Router
from aiogram.types import Message

from app.ports import Ledger
from app.telegram.conversation import money_views, payments
from app.telegram.conversation.heard import Commanded
from app.telegram.conversation.layout import top_up
from app.telegram.conversation.tapping import Tapped
from app.telegram.conversation.turns import Turn
from processors.notifications.buttons import Press

ENTRIES: Final = 8
"""Movements that are told."""


def make_router() -> Router:
    """Return the router."""
    router = Router(name="wallet")
    router.message.register(show, Commanded("balance"))
    router.message.register(payments.buy, Commanded("buy"))
    router.callback_query.register(payments.choose, Tapped(Press.BUY), F.message.as_("under"))
    return router


async def show(message: Message, turn: Turn, ledger: Ledger) -> None:
    """Say what somebody owns, how it last moved, and how there can be more."""
    del message
    entries = await ledger.history(turn.user.id, limit=ENTRIES)
    owned = entries[0].balance if entries else turn.account.balance
    await turn.tell(money_views.balance(turn.voice, owned, entries), (top_up(turn.voice),))
