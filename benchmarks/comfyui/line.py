"""1,000 runs that wait, given to four servers in fair order.

One person has half of the orders, and was first; twenty others share the rest. All of them are in
line before the first is given a server: what the servers work on until then is held there. The
order is compared with the one that `scheduling.line` gives. Beside it stands a bare client, which
posts the same workflows to servers of its own as they came, without a line.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from time import monotonic, perf_counter
from typing import Final, NamedTuple

from app.store.connection import Connection
from app.store.generations import MongoGenerations
from app.store.turns import MongoTurns
from benchmarks import report
from benchmarks.comfyui import bare
from benchmarks.comfyui.ordering import Order, place, words
from benchmarks.comfyui.servers import COUNT, Prompt, Servers, Stage
from benchmarks.records import Kept, Records, statuses
from benchmarks.report import Figures
from processors import scheduling
from processors.scheduling import Waiting
from schemas.base import EngineName, GenerationId

OTHERS: Final = 20
GREEDY: Final = "who has half of them"
ENGINE: Final = EngineName("comfyui")
ASKED: Final = 50
PATIENCE_SECONDS: Final = 300


class Fairness(NamedTuple):
    """How runs were begun, beside the order in which they were to be.

    Attributes:
        in_turn: Whether each server was given its runs in that order.
        passed: At the most, how many that were before a run had not begun when it did.
        first: The place at which the last person had a first run.
    """

    in_turn: bool
    passed: int
    first: int

    def holds(self, slots: int) -> bool:
        """Return whether runs were chosen in that order, for servers with so many slots in all.

        Several are on their way at once, each to a slot of its own, and may overtake each other
        there: as many as there are other slots.
        """
        return self.in_turn and self.passed < slots


def users(count: int) -> Iterator[str]:
    """Yield whose orders they are, in the order in which they come: half are one person's."""
    yield from (GREEDY for _ in range(count // 2))
    yield from (f"person {number % OTHERS}" for number in range(count - count // 2))


def fair(kept: Sequence[Kept]) -> list[str]:
    """Return the ids of waiting runs in the order in which they are to go."""
    waiting = [Waiting(GenerationId(each.id), each.user, 0, None, None) for each in kept]
    return [each.generation for each in scheduling.line(waiting, {})]


def fairness(
    order: Sequence[str], begun: Sequence[tuple[str, str]], users_of: Mapping[str, str]
) -> Fairness:
    """Compare how runs were begun with how they were to be.

    Args:
        order: The ids in fair order.
        begun: Server and id of each, in the order in which they were begun.
        users_of: Whose each is.
    """
    places = {each: place for place, each in enumerate(order)}
    at = dict[str, list[int]]()
    for server, each in begun:
        at.setdefault(server, []).append(places[each])
    in_turn = all(one < other for places_of in at.values() for one, other in pairwise(places_of))
    waiting, passed = set(places.values()), 0
    first = dict[str, int]()
    for place_of, (_, each) in enumerate(begun, 1):
        waiting.remove(places[each])
        passed = max(passed, sum(one < places[each] for one in waiting))
        first.setdefault(users_of[each], place_of)
    return Fairness(in_turn, passed, max(first.values()))


def between(prompts: Sequence[Prompt]) -> list[float]:
    """Return the milliseconds from each history entry to the server's next prompt."""
    at = dict[str, list[Prompt]]()
    for each in sorted(prompts, key=lambda one: one.posted_at):
        at.setdefault(each.server, []).append(each)
    return [
        after.posted_at - before.stored_at
        for those in at.values()
        for before, after in pairwise(those)
        if before.stored_at is not None
    ]


async def measure(stage: Stage, bystanders: Servers, count: int) -> Figures:
    """Have so many runs wait, and be given servers.

    Args:
        stage: The service, each of whose servers has one slot.
        bystanders: Servers of the bare client.
        count: How many.
    """
    records, servers, service = stage.records, stage.servers, stage.service
    sent = {each.id for each in await servers.prompts()}
    await servers.turn(hold="*")
    await place(service, [Order(f"before {n}", words(f"before {n}")) for n in range(COUNT)])
    await records.until(records.running, COUNT)
    earlier = {each.id for each in await records.since()}
    orders = [Order(who, words(f"in line {n}")) for n, who in enumerate(users(count))]
    async with records.ends() as ends:
        # The half of the one who has most is there before anybody else's.
        await place(service, orders[: count // 2])
        await place(service, orders[count // 2 :])
        await records.until(records.parked, count)
        asked = await _asked(records)
        async with records.scans() as scans:
            used, began = service.processor_seconds(), monotonic()
            await servers.turn(hold=None)
            await ends.until(count + COUNT, PATIENCE_SECONDS)
            used, seconds = service.processor_seconds() - used, monotonic() - began
    kept = await records.since(earlier)
    prompts = [each for each in await servers.prompts() if each.id not in sent]
    found = fairness(fair(kept), _begun(kept, prompts), {each.id: each.user for each in kept})
    bare_seconds = await _bare(bystanders, count)
    return {
        "waiting": count,
        "ended": statuses(kept),
        "once": len(prompts) == count + COUNT,
        "fair": found.holds(COUNT),
        "each_server_in_turn": found.in_turn,
        "passed_at_the_most": found.passed,
        "everybody_had_one_after": found.first,
        "placed_a_second": round(count / seconds, 1),
        "between_runs_ms": report.spread(between(prompts)),
        "processor_ms_a_run": round(1000 * used / count, 1),
        "bare_everybody_had_one_after": count // 2 + OTHERS,
        "bare_placed_a_second": round(count / bare_seconds, 1),
        "bare_between_runs_ms": report.spread(between(await bystanders.prompts())),
        "questions": asked,
        "collection_scans": scans,
    }


async def _bare(bystanders: Servers, count: int) -> float:
    """Have the bare client run as many, as they came; return the seconds that it took."""
    began = monotonic()
    graphs = [words(f"bare {number}").graph() for number in range(count)]
    await bare.run(bystanders.urls(), graphs, listening=True)
    return monotonic() - began


def _begun(kept: Sequence[Kept], prompts: Sequence[Prompt]) -> list[tuple[str, str]]:
    """Return the server and the generation of each run that was begun, in that order.

    Of two that servers have begun in the same millisecond the one comes first that was to.
    """
    places = {each: place for place, each in enumerate(fair(kept))}
    ids = {each.run_id: each.id for each in kept}
    begun = [
        (each.started_at, places[ids[each.id]], each.server, ids[each.id])
        for each in prompts
        if each.started_at is not None and each.id in ids
    ]
    return [(server, named) for _, _, server, named in sorted(begun)]


async def _asked(records: Records) -> Figures:
    """Ask what a round asks while all are in line, and have it profiled."""
    connection = Connection(records.uri, records.name, timedelta(seconds=60))
    generations, turns = MongoGenerations(connection), MongoTurns(connection)
    somebody = sorted({GREEDY, *(f"person {number}" for number in range(OTHERS))})
    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "who waits": lambda: generations.waiting(ENGINE),
        "which slots are taken": generations.slots,
        "who was served when": lambda: turns.last(somebody),
    }
    try:
        return {name: await _profiled(records, ask) for name, ask in questions.items()}
    finally:
        connection.close()


async def _profiled(records: Records, ask: Callable[[], Awaitable[object]]) -> Figures:
    times = list[float]()
    for _ in range(ASKED):
        began = perf_counter()
        await ask()
        times.append(1000 * (perf_counter() - began))
    return {"ms": report.spread(times), **await records.profiled(ask)}
