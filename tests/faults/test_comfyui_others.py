"""Other people's runs at our ComfyUI servers, and other users' before ours: nothing is mixed up."""

import itertools
from decimal import Decimal
from http import HTTPStatus
from operator import itemgetter

import pytest

from tests.faults.buying import a_shop
from tests.faults.farm import HELD, Box, Farm, Order, mark_of
from tests.mongo import SharedMongod
from tests.peers import Json
from tests.service import until

pytestmark = pytest.mark.anyio

STRANGE = "SleepProgress"
"""The class of nodes that a stranger's run stops at where it is to be held up."""
VERSIONS = ("0.30.2", "0.9.0", "0.3.50")
"""One that cancels jobs, one that interrupts by id, and one that interrupts whatever runs."""


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_strangers_run_comes_first(farm: Farm, version: str) -> None:
    """Its progress and previews are not ours; nor is it harmed when ours is cancelled."""
    order, box, strange = await _behind_a_stranger(farm, version)
    record = await farm.witness.stored(order.id)
    assert (record["progress"], record.get("startedAt")) == (0, None)
    assert await _preview(farm, order) == HTTPStatus.NOT_FOUND
    await farm.cancel(order)
    await farm.ended(order, "cancelled")
    assert [each["status"] for each in await farm.posted(order)] == ["deleted"]
    await farm.behave(hold=None)
    await _has_become(box, strange, "success")
    assert await _preview(farm, order) == HTTPStatus.NOT_FOUND


async def test_a_strangers_run_before_ours_speaks_to_our_socket(farm: Farm) -> None:
    """Ours begins when it begins, is told of by its own messages, and completes."""
    order, box, strange = await _behind_a_stranger(farm, VERSIONS[0], as_us=True)
    record = await farm.witness.stored(order.id)
    assert (record["progress"], record.get("startedAt")) == (0, None)
    await box.behave(hold=HELD)
    await _has_become(box, strange, "success")
    await farm.held(order)
    record = await until(
        lambda: farm.service.get(order.id), lambda it: it["progress"] > 0 and it["liveStatus"]
    )
    assert (record["status"], record["progress"] < 1) == ("running", True)
    assert await until(lambda: _preview(farm, order), lambda status: status == HTTPStatus.OK)
    await box.behave(hold=None)
    assert (await farm.ended(order))["attempt"] == 1


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_strangers_run_comes_next(farm: Farm, version: str) -> None:
    """When ours is cancelled, exactly that one is interrupted."""
    await farm.behave(hold=HELD, version=version)
    order = await farm.order()
    box = await farm.held(order)
    strange = (await box.act("stranger"))["prompt_id"]
    await farm.cancel(order)
    await farm.ended(order, "cancelled")
    assert [each["status"] for each in await farm.posted(order)] == ["interrupted"]
    await _has_become(box, strange, "success")


async def test_runs_are_cancelled_that_wait_in_our_line(farm: Farm, mongod: SharedMongod) -> None:
    """They were never posted, have ended at once, and cost nothing; those that run go on."""
    await farm.behave(hold=HELD)
    running = [await farm.order() for _ in farm.boxes]
    for order in running:
        await farm.held(order)
    waiting = [await farm.order() for _ in range(2)]
    async with a_shop(farm, mongod.uri) as shop:
        bought = await shop.buy()
        for order in (*waiting, bought.order):
            await _waits(farm, order)
        await farm.cancel(waiting[0])
        await shop.cancel(bought)
        await farm.ended(waiting[0], "cancelled", by="us", posts=0)
        await farm.ended(bought.order, "cancelled", by="us", posts=0)
        await shop.settled(bought, paid=Decimal(0))
    await farm.behave(hold=None)
    for order in (*running, waiting[1]):
        await farm.ended(order)
    for order in (waiting[0], bought.order):
        assert await farm.posted(order) == []


async def test_one_users_runs_do_not_hold_up_anothers(farm: Farm) -> None:
    """Of fifty and one, the one goes as soon as a server is free: as the servers saw it."""
    await farm.behave(hold=HELD)
    many = [await farm.order(user="many", told=False) for _ in farm.boxes]
    for order in many:
        await farm.held(order)
    many += [await farm.order(user="many", told=False) for _ in range(50 - len(many))]
    one = await farm.order(user="one")
    await _waits(farm, one)
    await farm.behave(hold=None)
    await farm.ended(one)
    for order in many:
        assert (await farm.service.until(order.id, "completed"))["attempt"] == 1
    posted = sorted(
        itertools.chain.from_iterable([await box.prompts() for box in farm.boxes]),
        key=itemgetter("posted_at"),
    )
    marks = [mark_of(each) or "" for each in posted]
    begun = min(marks.index(each.mark) for each in many[: len(farm.boxes)])
    # Both servers are free at once, and nobody knows whose POST comes first.
    assert marks.index(one.mark) - begun in range(len(farm.boxes), 2 * len(farm.boxes))
    assert sorted(marks[begun:]) == sorted(each.mark for each in (*many, one))


async def _waits(farm: Farm, order: Order) -> None:
    """Wait until a run has a place in our line."""
    await until(lambda: farm.witness.stored(order.id), lambda it: it.get("queuePosition"))


async def _behind_a_stranger(
    farm: Farm, version: str, *, as_us: bool = False
) -> tuple[Order, Box, str]:
    """Order a run that waits at its server behind a stranger's, which has made all its progress.

    The stranger's is told to everybody, or to us alone.
    """
    await farm.behave(hold=STRANGE, version=version)
    strange = dict[str, str]()
    for box in farm.boxes:
        (ours,) = await box.open_sockets()
        client = {"client_id": ours["client_id"]} if as_us else {}
        strange[box.name] = (await box.act("stranger", **client))["prompt_id"]
        await until(lambda box=box: _last(box), lambda it: it["ran"])
    order = await farm.order()
    box = await farm.place(order)
    await farm.service.until(order.id, "queued")
    return order, box, strange[box.name]


async def _last(box: Box) -> Json:
    return (await box.prompts())[-1]


async def _has_become(box: Box, prompt_id: str, status: str) -> None:
    """Wait until a prompt is over; see how it ended."""
    found = await until(
        lambda: _told(box, prompt_id), lambda it: it["status"] not in {"pending", "running"}
    )
    assert found["status"] == status


async def _told(box: Box, prompt_id: str) -> Json:
    return next(each for each in await box.prompts() if each["prompt_id"] == prompt_id)


async def _preview(farm: Farm, order: Order) -> int:
    """Return how it is answered when a run's preview is asked for."""
    answer = await farm.service.call("GET", f"/api/generations/{order.id}/preview")
    return answer.status_code
