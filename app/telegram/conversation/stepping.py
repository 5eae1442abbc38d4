"""Orders of several steps: go on, stop here, retry a step. Loaded with aiogram.

A button says which step it stands under: one of a step that the order has left behind changes
nothing any more.
"""

from aiogram import Router
from aiogram.types import CallbackQuery

from app.errors import ConflictError
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.tapping import Tapped, stale
from app.telegram.conversation.turns import Turn
from app.telegram.conversation.watching import Watching, not_theirs
from processors.notifications import buttons
from processors.notifications.buttons import Press
from processors.notifications.sums import counted
from schemas.job import Job


class Stepping:
    """What is done with the steps of an order.

    Args:
        shop: Where it was placed.
        watching: Finds it.
    """

    def __init__(self, shop: Shop, watching: Watching) -> None:
        self._shop = shop
        self._watching = watching

    async def go_on(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """Go on with the next step of an order that waits for that."""
        job, step = await self._named(tap, turn, argument)
        if job is None:
            return
        try:
            after = await self._shop.orders.go_on(job.id, step, user=turn.user.id)
        except ConflictError:
            await _left_behind(tap, turn, job)
            return
        if after.ended:
            await _left_behind(tap, turn, after)
            return
        number = counted(job, step + 1)
        said = turn.voice.say("Going on with step {number}…", number=number)
        await turn.talk.answer(tap.id, said)

    async def stop(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """End an order that waits; what is left of its credits comes back."""
        job, step = await self._named(tap, turn, argument)
        if job is None:
            return
        if job.pause is None or job.pause.step != step:
            await _left_behind(tap, turn, job)
            return
        await self._shop.orders.cancel(job.id, user=turn.user.id, reason="stopped")
        await turn.talk.answer(tap.id, turn.voice.say("Stopping here…"))

    async def retry(self, tap: CallbackQuery, turn: Turn, argument: str) -> None:
        """Order a step again, with what comes after it."""
        job, step = await self._named(tap, turn, argument)
        if job is not None:
            await turn.talk.answer(tap.id, await self._shop.retry(turn, job, step))

    async def _named(self, tap: CallbackQuery, turn: Turn, argument: str) -> tuple[Job | None, int]:
        """Return the person's own order that a button names, and the step; else say what is odd."""
        named = buttons.step_of(argument)
        if named is None:
            await stale(tap, turn)
            return None, 0
        view = await self._watching.owned(turn, named[0])
        if view is None:
            await not_theirs(tap, turn)
            return None, 0
        if not view.job.parts(named[1]):
            await stale(tap, turn)
            return None, 0
        return view.job, named[1]


async def _left_behind(tap: CallbackQuery, turn: Turn, job: Job) -> None:
    """Say that an order has left a step behind, or is over."""
    over = turn.voice.say("It is over already.")
    await turn.talk.answer(
        tap.id, over if job.ended else turn.voice.say("It does not wait there any more.")
    )


def make_router(stepping: Stepping) -> Router:
    """Return the router."""
    router = Router(name="stepping")
    router.callback_query.register(stepping.go_on, Tapped(Press.GO_ON))
    router.callback_query.register(stepping.stop, Tapped(Press.STOP))
    router.callback_query.register(stepping.retry, Tapped(Press.RETRY))
    return router
