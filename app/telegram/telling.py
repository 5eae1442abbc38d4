"""Tell one end, in the richest form that Telegram takes.

An output goes by URL, then by upload of its bytes, then as a document, then as a link; a text
whose markup is refused goes plain. So the person always gets something.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from app import clock
from app.errors import PeerError, PeerRefusedError
from app.telegram import media
from app.telegram.errors import (
    ChatClosedError,
    ChatMigratedError,
    MarkupRefusedError,
    MessageGoneError,
    NoSuchChatError,
    busy,
)
from app.telegram.lanes import PATIENCE, Lanes
from app.telegram.media import Fetch, Form, Medium
from app.telegram.room import Room
from app.telegram.unfinished import Progress
from processors.notifications import Content, Item
from processors.notifications.buttons import Rows
from processors.notifications.markup import TEXT_LIMIT, Rendered, cut, escape, link, units
from processors.protocols import addresses
from schemas.run import DATA
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.telegram.bot import Bot

Call = Callable[[str, bool], Awaitable[object]]
"""Makes a call with a text, which is HTML or plain."""

NOTHING: Final = Rendered("", "")
TEXT_NAME: Final = "text.txt"


class Means(NamedTuple):
    """What a telling needs.

    Attributes:
        bot: To call.
        lanes: To keep limits between several messages.
        fetch: Gets bytes for an upload.
        room: Memory for them.
        timing: Time limits.
        allow_private: Whether Telegram itself can reach addresses that are not public: true
            for a Bot API on this machine.
        own: Base URLs of servers of our own, which neither Telegram nor a person is sent to.
    """

    bot: "Bot"
    lanes: Lanes
    fetch: Fetch
    room: Room
    timing: Timing
    allow_private: bool
    own: tuple[str, ...] = ()


class _Fetched(NamedTuple):
    """A file's bytes, or None, and whether it only was larger than what was asked for."""

    content: bytes | None
    larger: bool


class Telling:
    """One end on its way into one chat, within a turn of that chat."""

    def __init__(
        self,
        means: Means,
        chat_id: int,
        content: Content,
        progress: Progress,
        *,
        reply_to: int | None,
        replace: int | None,
        hosts: tuple[str, ...],
    ) -> None:
        self._means = means
        self._bot = means.bot
        self._chat_id = chat_id
        self._progress = progress
        self._caption = Rendered(content.text, content.plain)
        self._rows = content.rows
        self._rows_text = Rendered(escape(content.rows_text), content.rows_text)
        # Texts come last, so that the caption stands under a picture where there is one.
        self._items = sorted(content.items, key=lambda item: item.text is not None)
        self._reply_to = reply_to
        # Once the words are told, the message that was to be replaced holds them.
        self._replace = None if progress.captioned else replace
        self._hosts = hosts
        self._begun = False
        self._call_seconds = means.timing.call_limit.total_seconds()
        self._late_at = clock.monotonic() + _budget(means.timing).total_seconds()

    async def tell(self) -> None:
        """Send all that has not been sent.

        Raises:
            PeerError: Not all of it could be; what was is noted in the progress.
        """
        if self._wants_text_first() and not self._progress.captioned:
            await self._say(self._caption)
            self._progress.captioned = self._progress.buttoned = True
        while self._progress.items < len(self._items):
            part = next(media.parts(self._items[self._progress.items :])).items
            if self._progress.items < self._progress.singly_until:
                part = part[:1]
            await self._paced(len(part))
            await self._part(part)
        if self._rows and not self._progress.buttoned:
            await self._paced(1)
            await self._say(self._rows_text)
            self._progress.buttoned = True

    def _wants_text_first(self) -> bool:
        """Whether the words go in a message of their own.

        They do where nothing can carry them, and where our status message, which can become one
        file but no album, is to become the result.
        """
        alone = len(self._items) == 1
        first = self._items[0] if self._items else None
        if first is None or first.text is not None:
            return True
        return self._replace is not None and not alone

    async def _paced(self, n: int) -> None:
        """Keep the limits; the turn itself has counted 1."""
        if not self._begun:
            self._means.lanes.charge(self._chat_id, n - 1)
            return
        self._hurry()
        await self._means.lanes.more(self._chat_id, n)

    def _hurry(self) -> None:
        """Begin nothing more that the debt's claim may not outlast: a later try goes on.

        Every try makes one call at least, so there is an end to them.
        """
        if self._begun and clock.monotonic() > self._late_at:
            raise busy("the rest is sent later", timedelta(seconds=1))

    async def _part(self, items: Sequence[Item]) -> None:
        progress = self._progress
        if len(items) > 1:
            if not await self._album(items):
                progress.singly_until = progress.items + len(items)
                progress.refused.clear()
                return
        else:
            await self._alone(items[0])
            progress.buttoned = True
        progress.captioned = True
        progress.items += len(items)
        progress.refused.clear()

    async def _alone(self, item: Item) -> None:
        if item.text is not None:
            await self._text(item.text)
        else:
            await self._single(item)

    async def _album(self, items: Sequence[Item]) -> bool:
        """Send an album by URL, else by upload; return whether Telegram took it."""
        forms = [media.form_of(item) for item in items]
        if all(
            self._goes_by_url(item, form) for item, form in zip(items, forms, strict=True)
        ) and await self._offer_album(_by_url(items), "by URL"):
            return True
        async with self._means.room.share(media.ALBUM_UPLOAD_BYTES) as share:
            self._hurry()
            uploads = await self._uploads(items)
            if uploads is None:
                return False
            share.keep(sum(len(each.source) for each in uploads))
            return await self._offer_album(uploads, "by upload")

    async def _offer_album(self, album: Sequence[Medium], label: str) -> bool:
        return await self._taken(
            label,
            lambda caption, html: self._bot.send_album(
                self._chat_id, album, caption, html=html, reply_to=self._reply_to
            ),
        )

    async def _uploads(self, items: Sequence[Item]) -> list[Medium] | None:
        """Get the bytes of an album; None where that fails, or where they are too many."""
        uploads, room = list[Medium](), media.ALBUM_UPLOAD_BYTES
        try:
            async with asyncio.timeout(self._call_seconds):
                for item in items:
                    form = media.form_of(item)
                    most = min(room, media.limit_of(form))
                    content, _ = await self._fetched(item, most, self._call_seconds)
                    if content is None:
                        return None
                    room -= len(content)
                    uploads.append(Medium(form, content, media.name_of(item)))
        except TimeoutError:
            return None
        return uploads

    async def _single(self, item: Item) -> None:
        """Send one file in the first form that is taken, or a link to it."""
        forms = media.forms(item)
        for form in forms:
            if self._goes_by_url(item, form) and await self._offer(
                Medium(form, item.url or "", item.filename), f"{form} by URL"
            ):
                return
        if not await self._uploaded(item, forms):
            await self._linked(item)

    def _goes_by_url(self, item: Item, form: Form) -> bool:
        means = self._means
        return media.by_url(item, form, allow_private=means.allow_private, own=means.own)

    async def _uploaded(self, item: Item, forms: Sequence[Form]) -> bool:
        """Send one file by upload, as long as a form is left; return whether one was taken.

        What most files need is tried first, so that a few bytes need not wait for much room.
        """
        left = [form for form in forms if _upload_of(form) not in self._progress.refused]
        if not left:
            return False
        seconds = self._call_seconds
        for most in (media.USUAL_BYTES, media.UPLOAD_BYTES):
            async with self._means.room.share(most) as share:
                self._hurry()
                began = clock.monotonic()
                content, larger = await self._fetched(item, most, seconds)
                if content is not None:
                    share.keep(len(content))
                    return await self._offered(item, content, left)
            if not larger:
                break
            seconds = max(seconds - (clock.monotonic() - began), 1.0)
        return False

    async def _offered(self, item: Item, content: bytes, forms: Sequence[Form]) -> bool:
        """Upload a file in the first form that is taken; return whether one was."""
        fit = [form for form in forms if len(content) <= media.limit_of(form)]
        for tried, form in enumerate(fit):
            if tried:
                self._hurry()
            if await self._offer(Medium(form, content, media.name_of(item)), _upload_of(form)):
                return True
        return False

    async def _offer(self, medium: Medium, label: str) -> bool:
        """Put a file into the place of our message or send it; return whether it was taken."""
        if self._replace is not None:
            message_id = self._replace
            try:
                return await self._taken(
                    label,
                    lambda caption, html: self._bot.edit_media(
                        self._chat_id,
                        message_id,
                        medium,
                        caption,
                        html=html,
                        rows=self._buttons(),
                    ),
                )
            except MessageGoneError:
                self._replace = None
        return await self._taken(
            label,
            lambda caption, html: self._bot.send(
                self._chat_id,
                medium,
                caption,
                html=html,
                reply_to=self._reply_to,
                rows=self._buttons(),
            ),
        )

    async def _linked(self, item: Item) -> None:
        """Send a link: the person can fetch what Telegram would not take.

        Where only a server of our own or the record has it as yet, its name has to do: nobody
        can get there.
        """
        words, name = self._words(), media.name_of(item)
        url = item.link or item.url or ""
        if url.startswith(DATA) or addresses.below(url, self._means.own):
            html, plain = escape(name), name
        else:
            html, plain = link(url, name), url
        if words.html:
            html, plain = f"{words.html}\n{html}", f"{words.plain}\n{plain}"
        await self._say(Rendered(html, cut(plain, TEXT_LIMIT)))

    async def _text(self, text: str) -> None:
        """Send a text output: as a message, or as a file where it is longer than that."""
        if units(text) > TEXT_LIMIT and await self._offer(
            Medium(Form.DOCUMENT, text.encode(), TEXT_NAME), _upload_of(Form.DOCUMENT)
        ):
            return
        shown = cut(text, TEXT_LIMIT)
        await self._say(Rendered(escape(shown), shown))

    async def _say(self, words: Rendered) -> None:
        """Send a message of text, or turn ours into it."""
        self._begun = True
        rows = self._buttons()
        if self._replace is not None:
            message_id, self._replace = self._replace, None
            try:
                await plainly(
                    lambda text, html: self._bot.edit_text(
                        self._chat_id, message_id, text, html=html, rows=rows
                    ),
                    words,
                )
            except MessageGoneError:
                pass
            else:
                return
        await plainly(
            lambda text, html: self._bot.send_text(
                self._chat_id, text, html=html, reply_to=self._reply_to, rows=rows
            ),
            words,
        )

    async def _taken(self, label: str, call: Call) -> bool:
        """Make a call with the caption; return whether this form of it was accepted.

        One that was refused before is not tried again.
        """
        if label in self._progress.refused:
            return False
        self._begun = True
        try:
            await plainly(call, self._words())
        except (ChatClosedError, ChatMigratedError, NoSuchChatError):
            raise
        except PeerRefusedError:
            self._progress.refused.add(label)
            return False
        self._progress.delivered = True
        return True

    def _words(self) -> Rendered:
        return NOTHING if self._progress.captioned else self._caption

    def _buttons(self) -> Rows:
        """Return the buttons for the first message that can carry them: no album can."""
        return () if self._progress.buttoned else self._rows

    async def _fetched(self, item: Item, limit_bytes: int, seconds: float) -> _Fetched:
        """Get an output's bytes; where they cannot be had, a link has to do."""
        try:
            fetched = await self._means.fetch(
                item.url or "",
                hosts=self._hosts,
                limit_bytes=limit_bytes,
                timeout_seconds=seconds,
            )
        except PeerError as error:
            return _Fetched(None, larger=error.reason == media.TOO_LARGE)
        return _Fetched(fetched.content or None, larger=False)


async def plainly(call: Call, words: Rendered) -> None:
    """Make a call with HTML, and again without markup where that is refused."""
    try:
        await call(words.html, True)  # noqa: FBT003 - the call's own order
    except MarkupRefusedError:
        await call(words.plain, False)  # noqa: FBT003


def _by_url(items: Sequence[Item]) -> list[Medium]:
    return [Medium(media.form_of(item), item.url or "", item.filename) for item in items]


def _upload_of(form: Form) -> str:
    return f"{form} by upload"


def _budget(timing: Timing) -> timedelta:
    """How long after the beginning one more message may be begun.

    Waiting for the turn, this, getting the bytes and sending them fit into a debt's claim.
    """
    spent = PATIENCE + timing.call_limit + timing.send_limit
    return max(timing.lease - spent, timedelta())
