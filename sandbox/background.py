"""Work that goes on after the request that began it was answered, and ends with the app."""

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)


class Background:
    """A task group whose tasks are independent of each other and cancelled on leaving."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel_all()
        await self._group.__aexit__(kind, error, trace)

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else; an error in it is logged and harms nothing else.

        Return its task, which may be cancelled.
        """
        task = self._group.create_task(_guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before it begins would complain that it was never awaited.
        task.add_done_callback(lambda _: work.close())
        return task

    def cancel_all(self) -> None:
        """Cancel every task that has not ended yet."""
        for task in list(self._tasks):
            task.cancel()


async def _guard(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception:  # noqa: BLE001 - one broken run must not take the others of the group with it
        _log.exception("A background task broke.")
