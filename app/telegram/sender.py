"""The bot's one sender: everything that goes to a chat goes through here.

One process at a time is on duty, by a lease, so limits and the order in each chat are kept in
its memory. A token that is refused takes the sender off duty: debts stay where they are, and the
token is tried again until it works.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from app.clock import Clock, monotonic
from app.errors import PeerDownError, PeerError
from app.observability.metrics import Metrics
from app.ports import Alerts, Chats, Leases
from app.telegram.connecting import connect
from app.telegram.errors import (
    PEER,
    ChatClosedError,
    ChatMigratedError,
    ConflictFaultError,
    FloodError,
    MessageGoneError,
    TokenFaultError,
    busy,
)
from app.telegram.lanes import PATIENCE, Lanes
from app.telegram.media import Fetch
from app.telegram.room import Room
from app.telegram.telling import Means, Telling, plainly
from app.telegram.unfinished import Unfinished, key_of
from app.usecases.calls import Calls
from app.usecases.duty import Duty
from processors.notifications import Content
from processors.notifications.buttons import Rows
from processors.notifications.markup import TEXT_LIMIT, Rendered, cut, stripped
from processors.notifications.pacing import Pace
from schemas.base import InstanceName
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.telegram.bot import Bot

T = TypeVar("T")

GIVE_UP_SECONDS: Final = 2.0
"""Longest that stopping waits for the database to hear that the lease is free."""

CLOSED_KEPT: Final = 10_000
"""Chats that refuse us, as this process remembers them."""


class Sender:
    """Sends to chats; an `app.ports.Messenger`. `run` keeps it alive."""

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        me: InstanceName,
        leases: Leases,
        chats: Chats,
        clock: Clock,
        alerts: Alerts,
        fetch: Fetch,
        timing: Timing,
        metrics: Metrics,
        pace: Pace | None = None,
        room: Room | None = None,
        allow_private: bool = False,
        own: tuple[str, ...] = (),
        aside: bool = False,
        calls: Calls | None = None,
    ) -> None:
        """Set the sender up; nothing is imported, asked or held before `run`.

        Args:
            token: The bot's token.
            api_url: Base URL of the Bot API, without the token.
            me: This process.
            leases: Where the duty is kept.
            chats: Where migrated and blocked chats are remembered.
            clock: The database's time.
            alerts: Told when the token is refused.
            fetch: Gets an output's bytes for an upload; raises a PeerError when it cannot.
            timing: Limits and intervals.
            metrics: Where calls and waits are counted.
            pace: Limits on sending; Telegram's own if not given.
            room: Memory for uploads; the usual if not given.
            allow_private: Whether the Bot API can itself fetch from addresses that are not
                public, as one on this machine can.
            own: Base URLs of servers of our own, which nobody else is sent to.
            aside: Never take the duty, and connect only once something is to be shown: for a
                process that has nothing to tell but its own trouble.
            calls: Take the duty only while one of them is open: for a host where nothing runs
                between requests.
        """
        self._token = token
        self._api_url = api_url
        self._chats = chats
        self._clock = clock
        self._alerts = alerts
        self._fetch = fetch
        self._timing = timing
        self._metrics = metrics
        self._allow_private = allow_private
        self._own = own
        self._duty = Duty(leases, me, clock, timing)
        self._lanes = Lanes(pace or Pace(), timing.edit_every, PATIENCE)
        self._bot: Bot | None = None
        self._aside = aside
        self._calls = calls
        self._wanted, self._ready = asyncio.Event(), asyncio.Event()
        self._refused = asyncio.Event()
        self._unfinished = Unfinished()
        self._room = room or Room()
        self._closed: dict[int, str] = {}

    def on_duty(self) -> bool:
        """Return whether this process holds the sender's lease and its token is good."""
        return self._bot is not None and not self._refused.is_set() and self._duty.held()

    async def called(self) -> None:
        """Return once it was tried to take the duty for a call that is open."""
        if not self._refused.is_set():
            await self._duty.tried()

    async def left(self) -> None:
        """Return once the duty was given up after the last call."""
        await self._duty.free()

    def close(self) -> None:
        """Begin nothing more: whoever waits for a turn is told to come back later."""
        self._lanes.close()

    async def run(self) -> NoReturn:
        """Connect, take the duty whenever it is free and keep it, for ever.

        When cancelled, the duty is given up and the connections are closed.
        """
        try:
            if self._aside:
                await self._wanted.wait()
            self._bot = await self._connected()
            self._ready.set()
            async with asyncio.TaskGroup() as group:
                if self._calls is not None:
                    group.create_task(self._duty.keep_during(self._calls))
                elif not self._aside:
                    group.create_task(self._duty.keep())
                group.create_task(self._probe())
            raise AssertionError  # pragma: no cover - neither of the two ever ends
        finally:
            await self._stop()

    @asynccontextmanager
    async def turn(
        self, chat_id: int, *, editing: bool, end: str | None = None
    ) -> AsyncGenerator[None]:
        """Hold this chat's turn; see `app.ports.Messenger`.

        Raises:
            PeerBusyError: The turn is too far off, or the sender is not on duty.
        """
        if not self.on_duty():
            raise busy("this process is not the sender", self._timing.sender_lease)
        began = monotonic()
        async with self._lanes.turn(await self._current(chat_id), editing=editing, end=end):
            self._metrics.telegram_wait(monotonic() - began)
            yield

    async def show(
        self,
        chat_id: int,
        message_id: int | None,
        text: str,
        reply_to: int | None,
        rows: Rows = (),
    ) -> int | None:
        """Send or edit a status message; return its id, or None when it is gone.

        A chat that has refused us is spared it until it lets us in, or an end reaches it again.
        """
        if self._aside:
            self._wanted.set()
            await self._ready.wait()
        bot = self._connected_bot()
        await self._check_open(chat_id)
        words = Rendered(text, cut(stripped(text), TEXT_LIMIT))

        async def sent(chat: int) -> int | None:
            ids = list[int | None]()

            async def call(said: str, html: bool) -> None:  # noqa: FBT001 - the call's own order
                ids.append(await bot.send_text(chat, said, html=html, reply_to=reply_to, rows=rows))

            await plainly(call, words)
            return ids[-1]

        async def edited(chat: int) -> int | None:
            target = message_id or 0
            try:
                await plainly(
                    lambda said, html: bot.edit_text(chat, target, said, html=html, rows=rows),
                    words,
                )
            except MessageGoneError:
                return None
            return message_id

        return await self._heeding(chat_id, sent if message_id is None else edited)

    async def tell(
        self,
        chat_id: int,
        content: Content,
        reply_to: int | None,
        replace: int | None,
        hosts: tuple[str, ...],
    ) -> bool:
        """Send an end, as rich as Telegram takes it; see `app.ports.Messenger`.

        Where an end takes several messages and not all of them went, trying again in this
        process sends only the rest.
        """
        bot = self._connected_bot()
        means = Means(
            bot,
            self._lanes,
            self._fetch,
            self._room,
            self._timing,
            self._allow_private,
            self._own,
        )
        key = key_of(chat_id, reply_to, content)
        progress = self._unfinished.take(key)

        async def attempt(chat: int) -> None:
            telling = Telling(
                means,
                chat,
                content,
                progress,
                reply_to=reply_to,
                replace=replace,
                hosts=hosts,
            )
            await telling.tell()

        try:
            await self._heeding(chat_id, attempt)
        except BaseException:
            self._unfinished.keep(key, progress)
            raise
        self._closed.pop(chat_id, None)
        return progress.delivered

    async def heeding(self, chat_id: int, attempt: Callable[[int], Awaitable[T]]) -> T:
        """Make a call to a chat, given its id of now, doing what Telegram's answer asks for.

        For what is neither a status nor an end. It needs no duty; a turn is the caller's business.
        """
        return await self._heeding(chat_id, attempt)

    async def _heeding(self, chat_id: int, attempt: Callable[[int], Awaitable[T]]) -> T:
        """Send, doing what Telegram's answer asks for: follow a group, pause, stop."""
        chat = await self._current(chat_id)
        try:
            try:
                return await attempt(chat)
            except ChatMigratedError as moved:
                await self._chats.migrated(chat, moved.to)
                chat = moved.to
                return await attempt(chat)
        except ChatClosedError as closed:
            self._note_closed(chat_id, closed.why)
            await self._chats.blocked(chat, closed.why, self._clock.now())
            raise
        except FloodError as flood:
            self._lanes.pause(chat, flood.wait)
            raise
        except PeerDownError as fault:
            self._heed(fault)
            raise

    async def _check_open(self, chat_id: int) -> None:
        """Look whether a chat that refused us still does; updates tell, in whichever process.

        Raises:
            ChatClosedError: It does.
        """
        why = self._closed.get(chat_id)
        if why is None:
            return
        if await self._chats.refuses(await self._current(chat_id)):
            raise ChatClosedError(why)
        self._closed.pop(chat_id, None)

    def _note_closed(self, chat_id: int, why: str) -> None:
        """Remember a chat that refuses us, the newest of many."""
        self._closed.pop(chat_id, None)
        self._closed[chat_id] = why
        if len(self._closed) > CLOSED_KEPT:
            del self._closed[next(iter(self._closed))]

    def _heed(self, fault: PeerDownError) -> None:
        """Tell somebody what only a person can put right."""
        if isinstance(fault, ConflictFaultError):
            self._alerts.alert("telegram_conflict", str(fault))
        elif isinstance(fault, TokenFaultError) and not self._refused.is_set():
            self._refused.set()
            self._alerts.alert(
                "telegram_token", f"the bot's token is refused, nothing is sent: {fault}"
            )

    async def _current(self, chat_id: int) -> int:
        """Return the id that a chat has now; only groups ever get another."""
        return await self._chats.current(chat_id) if chat_id < 0 else chat_id

    def _connected_bot(self) -> "Bot":
        if self._bot is None:
            raise PeerDownError(PEER, "not connected yet")
        return self._bot

    async def _connected(self) -> "Bot":
        seconds = self._timing.send_limit.total_seconds()
        try:
            return await connect(
                self._token, self._api_url, timeout_seconds=seconds, metrics=self._metrics
            )
        except TokenFaultError as fault:
            self._heed(fault)
            # Only another setting helps; the rest of the service goes on without the bot.
            return await asyncio.get_running_loop().create_future()

    async def _probe(self) -> NoReturn:
        """Try a refused token again until it is taken."""
        while True:
            await self._refused.wait()
            await asyncio.sleep(self._timing.probe_every.total_seconds())
            with suppress(PeerError):
                await self._connected_bot().me()
                self._refused.clear()

    async def _stop(self) -> None:
        bot, self._bot = self._bot, None
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await self._duty.give_up()
        if bot is not None:
            await bot.close()
