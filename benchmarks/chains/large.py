"""The longest chain and the widest fan-out that a job may have.

Of a chain it is told how long each step was with the stand-in, and the rest is ours. Of a fan-out,
how soon the order is answered, when all its runs are submitted, when all have ended and nothing is
owed any more, and what its person is told.
"""

from itertools import pairwise
from time import monotonic
from typing import Final

from app.engines.pacing import SHARE
from app.engines.replicate import CREATIONS
from benchmarks import report
from benchmarks.chains import ordering
from benchmarks.chains.links import since_told
from benchmarks.chains.ordering import QUICK_WEAR
from benchmarks.chains.stage import Stage
from benchmarks.records import counted, statuses
from benchmarks.report import Figures
from schemas.base import UserId

PATIENCE_SECONDS: Final = 300
REST_SECONDS: Final = 60 / (1 - SHARE) * SHARE + 1
"""Until as many predictions may be made at once again as after a long rest, and a second more."""
AT_ONCE: Final = int(CREATIONS * SHARE)
_FILES: Final = ("sendMediaGroup", "sendPhoto", "sendDocument")


async def long(stage: Stage, user: UserId, preset: str, steps: int) -> Figures:
    """Have a chain of so many steps made.

    Args:
        stage: A service that does everything, and its stand-ins.
        user: Who orders, with credits enough.
        preset: What each step is.
        steps: How many.
    """
    async with stage.records.ends() as ends:
        placed = await ordering.place(
            stage.client, stage.service, ordering.chain(user, preset, steps)
        )
        ids = [each.id for each in await stage.records.parts(placed.job)]
        await ends.seen(ids, PATIENCE_SECONDS)
    await stage.records.settled()
    made = {each.generation: each for each in await stage.stand_in.predictions()}
    total = ends.at[ids[-1]] - placed.sent
    waits = since_told([*pairwise(ids)], made)
    return {
        "steps": steps,
        "ended": statuses(each for each in await stage.records.since() if each.id in ids),
        "answer_ms": round(placed.answer_ms, 1),
        "total_s": round(total, 2),
        "ms_a_step": round(1000 * total / steps, 1),
        "between_ms": report.spread(waits),
    }


async def wide(stage: Stage, user: UserId, chat: int, runs: int) -> Figures:
    """Have one step made of so many seeds.

    Args:
        stage: A service that does everything, and its stand-ins.
        user: Who orders, with credits enough.
        chat: Who is told.
        runs: How many.
    """
    body = ordering.fan(user, QUICK_WEAR, runs) | {"notify": {"telegramChatId": chat}}
    async with stage.records.ends() as ends:
        placed = await ordering.place(stage.client, stage.service, body)
        parts = await stage.records.parts(placed.job)
        await ends.seen([each.id for each in parts], PATIENCE_SECONDS)
    await stage.records.closed(placed.job)
    closed = monotonic()
    await stage.records.settled()
    told_at = monotonic()
    ids = {each.id for each in parts}
    created = [
        each.created for each in await stage.stand_in.predictions() if each.generation in ids
    ]
    told = [each for each in await stage.stand_in.sent() if each.chat_id == chat]
    return {
        "runs": runs,
        "ended": statuses(each for each in await stage.records.since() if each.id in ids),
        "answer_ms": round(placed.answer_ms, 1),
        "first_submitted_s": round(min(created) - placed.sent, 2),
        "submitted_s": round(max(created) - placed.sent, 2),
        "at_the_pace_of_replicate_s": round(paced(runs), 2),
        "ended_s": round(max(ends.at[each] for each in ids) - placed.sent, 2),
        "closed_s": round(closed - placed.sent, 2),
        "told_s": round(told_at - placed.sent, 2),
        "calls_of_the_bot": counted(each.method for each in told),
    }


def paced(runs: int) -> float:
    """Return in how many seconds Replicate may be sent so many: some at once, then evenly."""
    return 60 * max(0, runs - AT_ONCE) / (CREATIONS - AT_ONCE)
