"""A shift: what is owed is taken up for as long as a call lasts, and no longer.

For hosts where nothing runs between requests. A kill in the middle loses nothing: what was
claimed is anybody's once its claim has run out, as everywhere else.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Final, Protocol

import structlog

from app.errors import ContendedError, UnavailableError, UnreadableError
from app.usecases.apply_events import Applier
from app.usecases.calls import Calls
from app.usecases.hands import Hands
from app.usecases.sweep import Sweep
from app.usecases.taking import Taking

CONNECTING: Final = timedelta(seconds=5)
"""Longest that the bot's sender is waited for: it is loaded with the first call."""
LEAVING: Final = timedelta(seconds=2)
"""Longest that it is waited for until others can have its duty."""
AGAIN: Final = timedelta(seconds=1)
"""Longest that nothing new is looked for while something is under way."""


class OnCall(Protocol):
    """The bot's sender, on duty only during calls."""

    async def called(self) -> None:
        """Return once it was tried to take the duty for a call that is open."""
        ...

    async def left(self) -> None:
        """Return once the duty was given up after the last call."""
        ...


class Shift:
    """Opens this process's hands, and closes them again.

    Args:
        calls: The calls that are open.
        sweep: Finds what was left behind.
        applier: Applies events.
        hands: Everybody who does what is owed.
        sender: The bot's sender; None where nobody is told anything from here.
        taking: Whether there is a background: then nothing is ever given back.
    """

    def __init__(
        self,
        calls: Calls,
        sweep: Sweep,
        applier: Applier,
        hands: Sequence[Hands[Any]],
        *,
        sender: OnCall | None,
        taking: Taking,
    ) -> None:
        self._calls = calls
        self._sweep = sweep
        self._applier = applier
        self._parts = (applier, *hands)
        self._hands = tuple(hands)
        self._sender = None if taking.background else sender
        self._taking = taking
        self._log = structlog.get_logger()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Take up what comes within this block; several may overlap.

        At the end of the last, what was not begun is given back. What is under way goes on.
        """
        self._calls.begin()
        try:
            yield
        finally:
            self._calls.end()
            if not self._calls.any and not self._taking.background:
                await self._give_back()

    async def attended(self, until: float) -> None:
        """Return once people can be told from here, or it is clear that they are not.

        Args:
            until: By the loop's clock: not longer than until then.
        """
        if self._sender is None:
            return
        soon = asyncio.get_running_loop().time() + CONNECTING.total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(soon, until)):
                await self._sender.called()

    async def work(self, until: float) -> None:
        """Take up what is due, and what follows from it, until nothing is or it is `until`.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = asyncio.get_running_loop().time
        await self.attended(until)
        while now() < until:
            before = self._taken()
            # It is not cut short: a claim whose answer is lost would be nobody's for its length.
            await self._sweep.once()
            # What it took up may be done already.
            if self._taken() == before and not self._busy():
                return
            # Others' events may come in all the time, so that it is never quiet.
            await self.quiet(min(until, now() + AGAIN.total_seconds()))

    async def quiet(self, until: float, family: Collection[str] | None = None) -> bool:
        """Wait until all that was taken up is done, of some records or of all.

        Returns:
            Whether it was by `until`, by the loop's clock.
        """
        try:
            async with asyncio.timeout_at(until):
                while self._busy(family):
                    for part in self._parts:
                        await part.quiet(family)
        except TimeoutError:
            return False
        return True

    def _taken(self) -> tuple[int, ...]:
        return (self._applier.applied, *(each.taken for each in self._hands))

    def _busy(self, family: Collection[str] | None = None) -> bool:
        return any(part.busy(family) for part in self._parts)

    async def _give_back(self) -> None:
        try:
            for each in self._hands:
                await each.give_back()
        except (ContendedError, UnavailableError, UnreadableError) as error:
            self._log.warning("claims could not be given back", error=str(error))
        if self._sender is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVING.total_seconds()):
                    await self._sender.left()
