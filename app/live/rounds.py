"""Questions that many ask at once, answered together."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from app.errors import UnavailableError

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Rounds(Generic[Asked, Answer]):
    """Answers questions in rounds: who asks while one is on is answered by the next.

    So nobody's answer was read before they asked, and a thousand who ask at once are one read.
    """

    def __init__(
        self, answer: Callable[[frozenset[Asked]], Awaitable[Mapping[Asked, Answer]]]
    ) -> None:
        self._answer = answer
        self._asked = list[tuple[Asked, asyncio.Future[Answer]]]()
        self._some = asyncio.Event()

    async def ask(self, what: Asked) -> Answer:
        """Return the answer, read from now on.

        Raises:
            UnavailableError: The database does not answer.
        """
        answer = asyncio.get_running_loop().create_future()
        self._asked.append((what, answer))
        self._some.set()
        return await answer

    async def run(self) -> None:
        """Answer, until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            asked, self._asked = self._asked, []
            # Who has gone meanwhile asks nothing.
            waiting = [(what, answer) for what, answer in asked if not answer.done()]
            if waiting:
                await self._round(waiting)

    async def _round(self, waiting: list[tuple[Asked, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._answer(frozenset(what for what, _ in waiting))
        except UnavailableError as error:
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
            return
        for what, answer in waiting:
            if not answer.done():
                answer.set_result(answers[what])
