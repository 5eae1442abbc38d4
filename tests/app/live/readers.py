"""Somebody who reads what a hub tells, as a test wants them to."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from app.live.reader import Reader
from app.live.states import Beat, Bye, Ready, Reset, State, Words
from schemas.live import Position, Wanted
from tests.fakes.hubs import Scenery

PATIENCE = 20.0
"""Longest that anything is waited for, in seconds."""


async def until(good: Callable[[], object]) -> None:
    """Let others go on until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not good():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)


class Told:
    """A reader, and what they were told.

    Attributes:
        lines: Each word, as ``id@version`` of a state, else its name and what it says.
        cuts: How often their connection was ended at once.
    """

    def __init__(
        self,
        scenery: Scenery,
        wanted: Wanted = Wanted(),  # noqa: B008 - it is never changed
        *,
        after: Position | None = None,
        until: datetime | None = None,
    ) -> None:
        self.hub = scenery.hub
        self.lines = list[str]()
        self.at: Position | None = None
        self.cuts = 0
        self.reader = Reader(wanted, after=after, until=until, cut=self._cut)
        self._words: AsyncGenerator[Words] | None = None

    async def begin(self) -> list[str]:
        """Join, and return what is told first."""
        self.hub.join(self.reader)
        self._words = self.hub.words(self.reader)
        return await self.more()

    async def more(self) -> list[str]:
        """Return what is told next."""
        assert self._words is not None
        async with asyncio.timeout(PATIENCE):
            told = await anext(self._words, None)
        lines = [self._line(each) for each in told or ()]
        self.lines += lines
        return lines

    async def until(self, line: str) -> list[str]:
        """Read on until a line has come; return all there were."""
        while line not in self.lines:
            assert await self.more(), f"ended with {self.lines}"
        return self.lines

    async def leave(self) -> None:
        """Read no more."""
        if self._words is not None:
            await self._words.aclose()
        self.hub.leave(self.reader)

    def _line(self, word: Reset | State | Ready | Beat | Bye) -> str:
        if isinstance(word, Reset):
            return f"reset {word.why}"
        if isinstance(word, Bye):
            return f"bye {word.why} {word.again}"
        if isinstance(word, Ready):
            self.at = word.at
            return "ready"
        if isinstance(word, Beat):
            return "beat"
        self.at = word.at or self.at
        name = word.record.id[-2:]
        return f"{word.kind.value} {name}@{word.version}"

    def _cut(self) -> None:
        self.cuts += 1


@asynccontextmanager
async def running(scenery: Scenery) -> AsyncGenerator[Scenery]:
    """Run a hub inside this block."""
    async with asyncio.TaskGroup() as group:
        hub = group.create_task(scenery.hub.run())
        yield scenery
        hub.cancel()
