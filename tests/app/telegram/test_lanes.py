"""Order and limits of what the bot sends."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from app.errors import PeerBusyError
from app.telegram.errors import ChatClosedError, FloodError, unknown
from app.telegram.lanes import LANES_KEPT, MANY_PAUSED, MOST_WAITING, Lanes
from processors.notifications.pacing import Pace, Rate
from tests.app.telegram.conditions import until

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
FREE = Rate(10_000, 0.001)


def some_lanes(
    *,
    overall: Rate = FREE,
    private: Rate = FREE,
    group: Rate = FREE,
    edit_every: timedelta = timedelta(),
    patience: timedelta = timedelta(seconds=20),
) -> Lanes:
    """Lanes without any limit but those that are named."""
    return Lanes(Pace(overall, private, group), edit_every, patience)


async def take(
    lanes: Lanes, chat_id: int, *, editing: bool = False, end: str | None = None
) -> None:
    """Take a turn and give it back."""
    async with lanes.turn(chat_id, editing=editing, end=end):
        pass


async def test_turns_of_one_chat_come_in_order() -> None:
    """Who asks first is first, and the next waits until the turn is given back."""
    lanes, order, free = some_lanes(), list[int](), asyncio.Event()

    async def asks(n: int) -> None:
        async with lanes.turn(1, editing=False):
            await free.wait()
            order.append(n)

    async with asyncio.TaskGroup() as group:
        for n in range(5):
            group.create_task(asks(n))
            await asyncio.sleep(0)
        await take(lanes, 2)
        assert order == []
        free.set()

    assert order == [0, 1, 2, 3, 4]


async def test_an_end_waits_for_an_edit_in_flight() -> None:
    """An edit that is being made holds the lane like any other call."""
    lanes, order, free = some_lanes(edit_every=HOUR), list[str](), asyncio.Event()

    async def edits() -> None:
        async with lanes.turn(1, editing=True):
            order.append("edit begins")
            await free.wait()
            order.append("edit ends")

    async def ends() -> None:
        async with lanes.turn(1, editing=False):
            order.append("end")

    async with asyncio.TaskGroup() as group:
        group.create_task(edits())
        await until(lambda: order == ["edit begins"])
        group.create_task(ends())
        await asyncio.sleep(0)
        free.set()

    assert order == ["edit begins", "edit ends", "end"]


async def test_an_edit_that_waits_for_its_time_keeps_no_end_waiting() -> None:
    """Edits come at most once in a while; ends go past the one that waits."""
    lanes = some_lanes(edit_every=timedelta(seconds=10))
    await take(lanes, 1, editing=True)

    async with asyncio.TaskGroup() as group:
        waits = group.create_task(take(lanes, 1, editing=True))
        await asyncio.sleep(0)
        await take(lanes, 1)
        assert not waits.done()
        waits.cancel()


async def test_an_edit_goes_when_its_time_has_come() -> None:
    """Two edits at once are made one after the other."""
    lanes = some_lanes(edit_every=timedelta(milliseconds=20))

    async with asyncio.TaskGroup() as group:
        group.create_task(take(lanes, 1, editing=True))
        group.create_task(take(lanes, 1, editing=True))


async def test_an_edit_too_far_off_is_refused() -> None:
    """A long wait is not held in memory; the refusal names it."""
    lanes = some_lanes(edit_every=HOUR)
    await take(lanes, 1, editing=True)

    with pytest.raises(PeerBusyError) as caught:
        await take(lanes, 1, editing=True)

    assert caught.value.retry_after is not None
    assert timedelta(minutes=59) < caught.value.retry_after <= HOUR


async def test_a_paused_chat_waits_and_others_flow() -> None:
    """What Telegram said of one chat holds for that chat."""
    lanes = some_lanes()
    lanes.pause(1, HOUR)

    with pytest.raises(PeerBusyError):
        await take(lanes, 1)
    await take(lanes, 2)


async def test_a_short_pause_is_waited_out() -> None:
    """A wait of a moment is no reason to go back to the database."""
    lanes = some_lanes()
    lanes.pause(1, timedelta(milliseconds=20))

    await take(lanes, 1)


async def test_many_paused_chats_pause_the_bot() -> None:
    """When many chats at once are told to wait, it is the bot that is too fast."""
    lanes = some_lanes(patience=timedelta(seconds=1))
    for chat_id in range(1, MANY_PAUSED + 1):
        lanes.pause(chat_id, HOUR)

    with pytest.raises(PeerBusyError):
        await take(lanes, 99)


async def fail(lanes: Lanes, end: str, error: Exception) -> None:
    """Take a turn for an end that does not go out."""
    with pytest.raises(type(error)):
        async with lanes.turn(1, editing=False, end=end):
            raise error


@pytest.mark.parametrize(
    "error",
    [FloodError(timedelta(seconds=3)), PeerBusyError("telegram", "502"), unknown("no answer")],
)
async def test_an_end_that_failed_comes_before_later_ones(error: Exception) -> None:
    """They are told when to come again, each a little after the one before it."""
    lanes, waits = some_lanes(), list[timedelta]()
    await fail(lanes, "older", error)
    for end in ("newer", "newest"):
        with pytest.raises(PeerBusyError) as caught:
            await take(lanes, 1, end=end)
        waits.append(caught.value.retry_after or timedelta())

    assert timedelta(seconds=1) < waits[0] < waits[1] < timedelta(seconds=10)
    await take(lanes, 1)
    await take(lanes, 1, editing=True)
    await take(lanes, 2, end="newer")
    for end in ("older", "newer", "newest"):
        await take(lanes, 1, end=end)


async def test_who_waits_at_the_door_lets_an_end_that_failed_go_first() -> None:
    """It has not gone away, and yet it came later."""
    lanes, free = some_lanes(), asyncio.Event()

    async def fails() -> None:
        with suppress(FloodError):
            async with lanes.turn(1, editing=False, end="older"):
                await free.wait()
                raise FloodError(timedelta(milliseconds=1))

    async def comes_later() -> None:
        with pytest.raises(PeerBusyError):
            await take(lanes, 1, end="newer")

    async with asyncio.TaskGroup() as group:
        group.create_task(fails())
        await asyncio.sleep(0)
        group.create_task(comes_later())
        await asyncio.sleep(0)
        free.set()
    await take(lanes, 1, end="older")
    await take(lanes, 1, end="newer")


async def test_an_end_that_is_refused_for_good_holds_up_nobody() -> None:
    """It does not come back."""
    lanes = some_lanes()
    await fail(lanes, "older", ChatClosedError("blocked"))

    await take(lanes, 1, end="newer")


async def test_too_many_at_one_door_are_sent_away() -> None:
    """One slow chat cannot hold every worker up."""
    lanes, free = some_lanes(), asyncio.Event()

    async def holds() -> None:
        async with lanes.turn(1, editing=False):
            await free.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(MOST_WAITING):
            group.create_task(holds())
        await asyncio.sleep(0)
        with pytest.raises(PeerBusyError):
            await take(lanes, 1)
        free.set()


async def test_a_turn_that_never_comes_is_given_up() -> None:
    """Whoever holds the lane too long loses its followers to the database."""
    lanes = some_lanes(patience=timedelta(milliseconds=10))

    async with lanes.turn(1, editing=False):
        with pytest.raises(PeerBusyError):
            await take(lanes, 1)


async def test_the_limit_of_all_chats_is_shared() -> None:
    """The bot as a whole sends no more than it may, edits half of that."""
    lanes = some_lanes(overall=Rate(4, 3600.0))
    await take(lanes, 1, editing=True)
    await take(lanes, 2, editing=True)

    with pytest.raises(PeerBusyError):
        await take(lanes, 3, editing=True)
    await take(lanes, 3)
    await take(lanes, 4)
    with pytest.raises(PeerBusyError):
        await take(lanes, 5)


async def test_an_album_counts_as_its_items() -> None:
    """After ten pictures in a group of twenty a minute, ten more may go and no eleventh."""
    lanes = some_lanes(group=Rate(20, 3600.0))
    async with lanes.turn(-1, editing=False):
        lanes.charge(-1, 9)
        await lanes.more(-1, 10)
        with pytest.raises(PeerBusyError):
            await lanes.more(-1, 1)

    with pytest.raises(PeerBusyError):
        await take(lanes, -1)
    await take(lanes, 1)


async def test_idle_chats_are_forgotten() -> None:
    """Memory does not grow with every chat that was ever written to."""
    lanes = some_lanes()
    lanes.pause(-1, HOUR)
    for chat_id in range(1, 4 * LANES_KEPT):
        await take(lanes, chat_id)

    assert len(lanes) <= 2 * LANES_KEPT
    with pytest.raises(PeerBusyError):
        await take(lanes, -1)


async def test_closed_lanes_keep_nobody_waiting() -> None:
    """A service that stops is not held up by turns far off; what they were for is done later."""
    lanes, refused = some_lanes(private=Rate(1, 3600.0), patience=2 * HOUR), list[PeerBusyError]()
    await take(lanes, 1)

    async def waits(*, editing: bool) -> None:
        try:
            await take(lanes, 1, editing=editing)
        except PeerBusyError as error:
            refused.append(error)

    async with asyncio.TaskGroup() as group:
        for editing in (False, True):
            group.create_task(waits(editing=editing))
            await asyncio.sleep(0)
        assert refused == []
        lanes.close()

    assert [error.retry_after for error in refused] == [timedelta(), timedelta()]
