"""From the end of a step to the next step's prediction, in one process.

The stand-in notes when it told an end, just before it sends the webhook, and when it created a
prediction; MongoDB's change stream tells when the end of our record was written. All are of the
machine's one monotonic clock. In between, the picture is copied, and handed to the next.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from benchmarks import report
from benchmarks.chains import ordering
from benchmarks.chains.bare import Bare
from benchmarks.chains.ordering import WEAR
from benchmarks.chains.stage import Stage
from benchmarks.chains.stand_in import Prediction
from benchmarks.records import Ends, statuses
from benchmarks.report import Figures
from schemas.base import UserId

STEPS: Final = 5
AT_ONCE: Final = 2
BARE_SHARE: Final = 3
"""The bare client makes one chain for so many of ours."""
PATIENCE_SECONDS: Final = 60
POLL_SECONDS: Final = 30
"""How often the design that this replaces has looked whether a step was done."""


async def measure(stage: Stage, users: Sequence[UserId], token: str) -> Figures:
    """Have chains made by us, then by the bare client, two at a time.

    Args:
        stage: A service that does everything, and its stand-ins.
        users: Who order a chain each, with credits enough; those of the first two are not measured.
        token: Of the stand-in's API.
    """
    first, rest = users[:AT_ONCE], users[AT_ONCE:]
    chains = len(rest)
    async with stage.records.ends() as ends:
        # What is done for the first time takes longer.
        await _ours(stage, first, ends)
        jobs = await _ours(stage, rest, ends)
        await stage.records.settled()
    made = {each.generation: each for each in await stage.stand_in.predictions()}
    links = [link for job in jobs for link in pairwise(job)]
    figures: Figures = {
        "chains": chains,
        "steps": STEPS,
        "links": len(links),
        "ended": statuses(await stage.records.since()),
        "told_ms": report.spread(since_told(links, made)),
        "written_ms": report.spread([1000 * (made[b].created - ends.at[a]) for a, b in links]),
        "polled_ms": polled(POLL_SECONDS),
    }
    for name, copying in (("bare_ms", False), ("bare_copying_ms", True)):
        async with Bare(stage.stand_in, token, stage.client) as bare:
            theirs = await _theirs(bare, chains // BARE_SHARE, copying=copying)
        made = {each.id: each for each in await stage.stand_in.predictions()}
        links = [link for ids in theirs for link in pairwise(ids)]
        figures[name] = report.spread(since_told(links, made))
    return figures


def since_told(links: Sequence[tuple[str, str]], made: Mapping[str, Prediction]) -> list[float]:
    """Return the milliseconds from the telling of each one's end to the next one's creation.

    Raises:
        RuntimeError: The end of one was never told.
    """
    return [1000 * (made[after].created - _told(made[before])) for before, after in links]


def polled(seconds: float) -> Figures:
    """Return what asking every so many seconds comes to, where ends come at any time between."""
    waits = [10 * seconds * hundredth for hundredth in range(100)]
    return report.spread(waits)


def _told(prediction: Prediction) -> float:
    if prediction.told is None:
        raise RuntimeError(f"the end of prediction {prediction.id} was never told")
    return prediction.told


async def _ours(stage: Stage, users: Sequence[UserId], ends: Ends) -> list[list[str]]:
    """Have chains made, and return the generations of each in their order."""

    async def one(user: UserId) -> list[str]:
        body = ordering.chain(user, WEAR, STEPS)
        placed = await ordering.place(stage.client, stage.service, body)
        ids = [each.id for each in await stage.records.parts(placed.job)]
        await ends.seen(ids, PATIENCE_SECONDS)
        return ids

    return await _in_lanes(map(one, users))


async def _theirs(bare: Bare, chains: int, *, copying: bool) -> list[list[str]]:
    return await _in_lanes(bare.chain(STEPS, copying=copying) for _ in range(chains))


async def _in_lanes(chains: Iterator[Awaitable[list[str]]]) -> list[list[str]]:
    """Make chains, two at a time."""
    made = list[list[str]]()

    async def lane() -> None:
        for each in chains:
            made.append(await each)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(lane())
    return made
