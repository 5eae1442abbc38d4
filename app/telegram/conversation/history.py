"""What somebody has ordered, page by page. Loaded with aiogram."""

from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from app.telegram.conversation import job_views
from app.telegram.conversation.heard import Commanded
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.tapping import Tapped
from app.telegram.conversation.turns import Turn
from app.telegram.conversation.watching import Watching
from processors.notifications.buttons import Press, Rows

PAGE: Final = 5
"""Orders on one page: so many buttons stand in one row."""
CURSOR_MOST: Final = 62
"""Characters of a cursor: what a button carries beside its kind."""


class History:
    """Shows what somebody has ordered."""

    def __init__(self, shop: Shop, watching: Watching) -> None:
        self._shop = shop
        self._watching = watching

    async def show(self, message: Message, turn: Turn) -> None:
        """Show the newest."""
        del message
        await turn.tell(*await self._page(turn, None))

    async def turn_page(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """Show another page in the same message."""
        await turn.talk.answer(tap.id)
        text, rows = await self._page(turn, argument or None)
        if not await turn.talk.edit(turn.chat_id, turn.message_id, text, rows):
            await turn.tell(text, rows)

    async def _page(self, turn: Turn, cursor: str | None) -> tuple[str, Rows]:
        found = await self._shop.orders.of_user(turn.user.id, cursor, PAGE)
        after = found.next if found.next and len(found.next) <= CURSOR_MOST else None
        titles = await self._watching.titles()
        return job_views.history(turn.voice, titles, found.items, after, first=cursor is None)


def make_router(history: History) -> Router:
    """Return the router."""
    router = Router(name="history")
    router.message.register(history.show, Commanded("history"))
    router.callback_query.register(history.turn_page, Tapped(Press.HISTORY))
    return router
