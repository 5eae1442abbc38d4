"""Calls of the checker over open runs of which no webhook comes, where nothing runs in between.

Everything is ordered and submitted at the pace that Replicate allows, by calls of the worker. Then
the checker is called while all are open; once again at once; and when all have ended. The stand-in
counts what it is asked, and refuses what is over Replicate's limits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Final, NamedTuple

import orjson

from app.engines.replicate import CREATIONS, OTHERS
from benchmarks import fleet, people
from benchmarks.chains import ordering
from benchmarks.chains.ordering import QUICK_WEAR
from benchmarks.chains.stage import Stage
from benchmarks.chains.stand_in import Request, most_within
from benchmarks.fleet import Fleet
from benchmarks.records import LOOK_SECONDS, counted, statuses
from benchmarks.report import Figures

CRON_KEY: Final = "a-cron-key-for-measuring-only"
EVERY_EVENT: Final = ("start", "output", "logs", "completed")
CONNECTIONS: Final = 16
BUDGET_SECONDS: Final = 20
MINUTE: Final = 60.0
SOON_SECONDS: Final = 0.05
CALLS_MOST: Final = 30
ANSWERED: Final = ("checked", "advanced", "failed", "reset", "left")
"""What a call says that it did."""
ENDED: Final = "succeeded"


class Call(NamedTuple):
    """A call of the worker or the checker.

    Attributes:
        did: What it answered.
        seconds: How long that took.
        asked: What came to the stand-in meanwhile.
    """

    did: Mapping[str, Any]
    seconds: float
    asked: Sequence[Request]


async def measure(stage: Stage, uri: str, runs: int, rest_seconds: float) -> Figures:
    """Have so many runs open, and the checker called.

    Args:
        stage: A service that does nothing between requests, and its stand-ins.
        uri: Its database.
        runs: How many.
        rest_seconds: Waited between calls, until as many questions may be asked at once again.
    """
    stand_in = stage.stand_in
    await stand_in.turn(webhooks_lost=EVERY_EVENT, hold_ends=True)
    answers = await _ordered(stage, uri, runs)
    submitting = await _calls(stage, "worker", lambda: _created(stage, runs))
    checked, second = await _twice(stage)
    open_then = statuses(await stage.records.since())
    await stand_in.turn(hold_ends=False)
    await _over(stage, runs)
    await asyncio.sleep(rest_seconds)
    ends = await _call(stage, "checker")
    written, owed = statuses(await stage.records.since()), await stage.records.owed()
    jobs = await stage.records.jobs()
    await asyncio.sleep(rest_seconds)
    rest = await _calls(stage, "checker", lambda: _settled(stage))
    requests = await stand_in.requests()
    creations = [each.at for each in requests if each.method == "POST"]
    others = [each.at for each in requests if each.method != "POST"]
    return {
        "runs": runs,
        "answers": answers,
        "submitting": {"calls": len(submitting), "s": _took(submitting)},
        "checked": {**_told(checked), "written": open_then},
        "second": {"said": dict(second.did), "ms": round(1000 * second.seconds, 1)},
        "ends": {**_told(ends), "written": written, "owed": owed, "jobs": jobs},
        "rest": {"calls": len(rest), "s": _took(rest)},
        "ended": statuses(await stage.records.since()),
        "creations_a_minute": [most_within(creations, MINUTE), CREATIONS],
        "others_a_minute": [most_within(others, MINUTE), OTHERS],
    }


async def _ordered(stage: Stage, uri: str, runs: int) -> Mapping[str, int]:
    """Order so many runs, each another person's; return how many answers there were of each."""
    whose = await people.register(uri, stage.records.name, [ordering.CREDITS] * runs)
    clients = Fleet(stage.service.url, ordering.PATH, min(CONNECTIONS, runs))
    await clients.open()
    bodies = [orjson.dumps(ordering.single(each, QUICK_WEAR)) for each in whose]
    answers = await fleet.send(clients.post, bodies, None)
    clients.close()
    return counted(str(each.status) for each in answers)


async def _twice(stage: Stage) -> tuple[Call, Call]:
    """Call the checker, and again while it is at it."""
    async with asyncio.TaskGroup() as group:
        first = group.create_task(_call(stage, "checker"))
        await asyncio.sleep(SOON_SECONDS)
        second = await _call(stage, "checker")
    return first.result(), second


async def _calls(stage: Stage, name: str, done: Callable[[], Awaitable[bool]]) -> list[Call]:
    """Make a call again and again until something is done.

    Raises:
        RuntimeError: It is not, after many.
    """
    made = list[Call]()
    while not await done():
        if len(made) == CALLS_MOST:
            raise RuntimeError(f"not done after {CALLS_MOST} calls; the last: {made[-1].did}")
        made.append(await _call(stage, name))
    return made


async def _call(stage: Stage, name: str) -> Call:
    url = f"{stage.service.url}/api/cron/{name}?budget={BUDGET_SECONDS}"
    began = monotonic()
    answer = await stage.client.post(url, headers={"Authorization": f"Bearer {CRON_KEY}"})
    ended = monotonic()
    asked = [each for each in await stage.stand_in.requests() if began <= each.at <= ended]
    return Call(answer.raise_for_status().json(), ended - began, asked)


async def _created(stage: Stage, runs: int) -> bool:
    """Return whether the stand-in has so many predictions, and our records know of it."""
    return await stage.records.sent() >= runs


async def _over(stage: Stage, runs: int) -> None:
    """Wait until the stand-in has ended so many predictions; a minute at most."""
    async with asyncio.timeout(MINUTE):
        while sum(each.status == ENDED for each in await stage.stand_in.predictions()) < runs:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(LOOK_SECONDS)


async def _settled(stage: Stage) -> bool:
    return not await stage.records.owing()


def _took(calls: Sequence[Call]) -> float:
    return round(sum(each.seconds for each in calls), 1)


def _told(call: Call) -> Figures:
    """Return what a call did, and what it asked."""
    times = [each.at for each in call.asked]
    span = times[-1] - times[0] if times else 0.0
    return {
        **{name: call.did[name] for name in ANSWERED},
        "s": round(call.seconds, 2),
        "requests": len(times),
        "requests_a_second": round(len(times) / span, 1) if span else 0.0,
        "requests_in_a_second": most_within(times, 1),
    }
