"""From a run's history entry at its server until its end was written and told by the database.

Both instants are of the machine's one monotonic clock: the sandbox notes when it stored the
entry, and we note when MongoDB's change stream has told us of the record's end. Beside it, at the
same moment and on servers of its own, a bare client has as many runs of the same lengths.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks import report
from benchmarks.comfyui import bare
from benchmarks.comfyui.ordering import Order, picture, place
from benchmarks.comfyui.servers import Prompt, Servers, Stage
from benchmarks.records import statuses
from benchmarks.report import Figures

SHORTEST: Final = 0.4
SPREAD: Final = 2.0
"""Seconds over which the lengths of runs are spread where history is asked every so many: ends
then come at any time between two questions."""
_GOLDEN: Final = 0.6180339887
"""Its multiples, taken modulo 1, are spread evenly, however many there are."""


def lengths(count: int, spread: float) -> list[float]:
    """Return how long runs take, in seconds, from `SHORTEST` on."""
    return [SHORTEST + spread * (number * _GOLDEN % 1) for number in range(count)]


def waits(stored: Mapping[str, float], seen: Mapping[str, float]) -> list[float]:
    """Return the milliseconds from each entry until it was seen.

    Raises:
        KeyError: One was not seen, or was never stored.
    """
    return [1000 * (at - stored[prompt]) for prompt, at in seen.items()]


async def measure(stage: Stage, bystanders: Servers, count: int, *, dead: bool) -> Figures:
    """Have runs end, with working sockets or dead ones.

    Args:
        stage: The service, each of whose servers has one slot.
        bystanders: Servers of the bare client.
        count: How many runs.
        dead: Whether sockets are dropped and new ones refused.
    """
    if dead:
        await stage.servers.silence()
    before = {each.id for each in await stage.records.since()}
    spread = SPREAD if dead else 0.0
    works = [picture(seconds, number) for number, seconds in enumerate(lengths(count, spread))]
    graphs = [work.graph() for work in works]
    async with stage.records.ends() as ends, asyncio.TaskGroup() as group:
        beside = group.create_task(bare.run(bystanders.urls(), graphs, listening=not dead))
        await place(stage.service, [Order("ada", work) for work in works])
        await ends.until(count, 30 + 5 * count)
    kept = await stage.records.since(before)
    ours = {each.run_id or "": ends.at[each.id] for each in kept}
    return {
        "runs": count,
        "ended": statuses(kept),
        "ms": report.spread(waits(_stored(await stage.servers.prompts()), ours)),
        "bare_ms": report.spread(waits(_stored(await bystanders.prompts()), beside.result())),
    }


def _stored(prompts: Sequence[Prompt]) -> dict[str, float]:
    return {each.id: each.stored for each in prompts if each.stored is not None}
