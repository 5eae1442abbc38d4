"""Orders under way and done: cancel, again, the original file, all that is known of one.

Loaded with aiogram. Only who ordered may, whoever can see the buttons in a group.
"""

import re
from collections.abc import AsyncGenerator
from typing import Final

from aiogram import Bot, Router
from aiogram.methods import SendDocument
from aiogram.types import CallbackQuery, InputFile, Message, ReplyParameters

from app.ports import Presets, Storage
from app.telegram.conversation import job_views
from app.telegram.conversation.heard import Commanded
from app.telegram.conversation.layout import page
from app.telegram.conversation.ordering import ASKING, Shop
from app.telegram.conversation.pictures import PICTURE
from app.telegram.conversation.tapping import Tapped
from app.telegram.conversation.turns import Turn
from app.usecases.links import Links
from app.usecases.orders import JobView
from processors.notifications.buttons import Press
from processors.notifications.markup import link
from schemas.job import JobChat, JobId
from schemas.preset import Preset
from schemas.run import Output

FILES_MOST: Final = 10
"""Files of one order that are sent at a tap."""
UPLOAD_MOST: Final = 20_000_000
"""Bytes that are sent as a file; of what is larger a link is sent."""

_ID: Final = re.compile(r"[0-9a-f]{32}")


class Watching:
    """What is done with orders that there are.

    Args:
        shop: Where they were placed.
        known: The presets, for their titles.
        storage: Where copies of outputs are.
        links: Makes links to them.
    """

    def __init__(self, shop: Shop, known: Presets, storage: Storage, links: Links) -> None:
        self._shop = shop
        self._known = known
        self._storage = storage
        self._links = links

    async def titles(self) -> dict[str, Preset]:
        """Return all presets by their names."""
        return {each.name: each for each in await self._known.all()}

    async def owned(self, turn: Turn, argument: str) -> JobView | None:
        """Return an order of the person's own, or None."""
        if not _ID.fullmatch(argument):
            return None
        view = await self._shop.orders.get(JobId(argument))
        return view if view is not None and view.job.user_id == turn.user.id else None

    async def cancel(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """Have an order cancelled."""
        if await self.owned(turn, argument) is None:
            await not_theirs(tap, turn)
            return
        job = await self._shop.orders.cancel(JobId(argument), user=turn.user.id)
        over = turn.voice.say("It is over already.")
        await turn.talk.answer(tap.id, over if job.ended else turn.voice.say("Being cancelled…"))

    async def cancel_newest(self, message: Message, turn: Turn) -> None:
        """Take back the question, else cancel what is under way; of several, ask which."""
        del message
        if await turn.recall(ASKING) or await turn.recall(PICTURE):
            await turn.drop()
            await turn.tell(page(turn.voice.say("Never mind, then. Nothing was ordered.")))
            return
        found = await self._shop.orders.open_of(turn.user.id)
        here = [each for each in found if turn.private or _in(turn, each.chat)]
        jobs = [each for each in here if not each.cancel_wanted]
        if len(jobs) > 1:
            rows = job_views.to_cancel(turn.voice, await self.titles(), jobs[:FILES_MOST])
            await turn.tell(page(turn.voice.say("Which one shall be cancelled?")), rows)
            return
        if jobs:
            await self._shop.orders.cancel(jobs[0].id, user=turn.user.id)
        # On another try, it is this very update that had it cancelled; it may be over by now.
        asked = bool(here) or await self._cancelled_since(turn)
        said = (
            turn.voice.say("Being cancelled…") if asked else turn.voice.say("Nothing is under way.")
        )
        await turn.tell(page(said))

    async def _cancelled_since(self, turn: Turn) -> bool:
        """Return whether something was cancelled since the person's message came in."""
        found = await self._shop.orders.of_user(turn.user.id, None, FILES_MOST)
        ended = [each.ended_at for each in found.items if each.cancel_wanted and each.ended_at]
        return any(each >= turn.at for each in ended)

    async def again(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """Order the same once more."""
        view = await self.owned(turn, argument)
        if view is None:
            await not_theirs(tap, turn)
            return
        if not view.job.single:
            await turn.talk.answer(tap.id, await self._shop.retry(turn, view.job, 1))
            return
        await turn.talk.answer(tap.id)
        step = view.job.steps[0]
        await self._shop.place(turn, step.preset, step.inputs)

    async def inform(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """Say all that may be known of an order."""
        view = await self.owned(turn, argument)
        if view is None:
            await not_theirs(tap, turn)
            return
        await turn.talk.answer(tap.id)
        text = job_views.info(turn.voice, await self.titles(), view, turn.at)
        await turn.tell(text, job_views.so_far(turn.voice, view))

    async def originals(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """Send the files as the engine made them, not as Telegram shows them.

        Of several steps, those of the last one that has made any.
        """
        view = await self.owned(turn, argument)
        if view is None:
            await not_theirs(tap, turn)
            return
        made = [out for each in view.generations for out in each.response_payload.outputs]
        kept = job_views.kept(view)
        if not kept:
            copying = any(each.url and not each.not_kept for each in made)
            said = (
                turn.voice.say("The file is still being stored. Please try again in a minute.")
                if copying
                else turn.voice.say("The file is not kept any more.")
            )
            await turn.talk.answer(tap.id, said, alert=True)
            return
        await turn.talk.answer(tap.id)
        for each in kept[:FILES_MOST]:
            await self._send(turn, each)

    async def _send(self, turn: Turn, output: Output) -> None:
        key = output.key or ""
        stored = await self._storage.head(key)
        name = output.filename or key.rpartition("/")[2]
        if stored is None:
            await turn.tell(page(turn.voice.say("The file is not kept any more.")))
        elif stored.size > UPLOAD_MOST:
            await turn.tell(link(self._links.download(output) or "", name))
        else:
            await turn.talk.call(
                turn.chat_id,
                SendDocument(
                    chat_id=turn.chat_id,
                    document=StoredFile(self._storage, key, stored.size, name),
                    disable_content_type_detection=True,
                    reply_parameters=ReplyParameters(
                        message_id=turn.message_id, allow_sending_without_reply=True
                    ),
                ),
            )


class StoredFile(InputFile):
    """A file of our storage, sent as it is read: never in memory whole."""

    def __init__(self, storage: Storage, key: str, size: int, filename: str) -> None:
        super().__init__(filename=filename)
        self._storage = storage
        self._key = key
        self._size = size

    async def read(self, bot: Bot) -> AsyncGenerator[bytes]:
        """Yield the bytes."""
        del bot
        async for chunk in self._storage.read(self._key, 0, self._size):
            yield chunk


def make_router(watching: Watching) -> Router:
    """Return the router."""
    router = Router(name="watching")
    router.message.register(watching.cancel_newest, Commanded("cancel"))
    router.callback_query.register(watching.cancel, Tapped(Press.CANCEL))
    router.callback_query.register(watching.again, Tapped(Press.AGAIN))
    router.callback_query.register(watching.inform, Tapped(Press.INFO))
    router.callback_query.register(watching.originals, Tapped(Press.ORIGINAL))
    return router


def _in(turn: Turn, chat: JobChat | None) -> bool:
    return chat is not None and chat.telegram_chat_id == turn.chat_id


async def not_theirs(tap: CallbackQuery, turn: Turn) -> None:
    """Say that an order is another person's."""
    said = turn.voice.say("Only who ordered this can do that.")
    await turn.talk.answer(tap.id, said, alert=True)
