"""ComfyUI's sockets fall silent, break, and forget us: every run ends all the same, once."""

from itertools import count

import pytest
from websockets.asyncio.client import connect

from tests.faults.farm import HELD, Farm
from tests.service import until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "silence",
    [
        {"unsaid": ["end"]},
        {"unsaid": ["execution_success", "end"]},
        {"silent_from": "execution_start"},
        {"silent_from": "executed"},
        {"unsaid": ["status", "execution_start", "executing", "execution_success", "end"]},
    ],
    ids=str,
)
async def test_the_final_message_never_comes(farm: Farm, silence: dict[str, object]) -> None:
    """The socket stays open and says nothing more: the history is asked by the clock."""
    await farm.behave(**silence)
    record = await farm.ended(await farm.order())
    assert record["attempt"] == 1
    assert record["responsePayload"]["outputs"]


async def test_the_socket_drops_at_every_message_in_turn(farm: Farm) -> None:
    """After the first, the second and so on to the last of a run, and no run is run twice."""
    for number in count(1):
        await farm.well()
        await farm.behave(drop_after=number)
        order = await farm.order()
        box = await farm.place(order)
        record = await farm.ended(order)
        assert (record["attempt"], len(record["responsePayload"]["outputs"])) == (1, 1)
        if (await box.controls())["drop_after"] is not None:
            assert number > 12
            return


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_the_socket_drops_again_and_again(farm: Farm, most: int) -> None:
    """Each time that it says a word or two: the run ends by its history."""
    await farm.behave(drop_every=most)
    assert (await farm.ended(await farm.order()))["attempt"] == 1


async def test_no_socket_can_be_had(farm: Farm) -> None:
    """The handshake is refused: runs are sent, followed and ended without one."""
    await farm.behave(refuse_sockets=True)
    for box in farm.boxes:
        await box.act("drop")
    assert (await farm.ended(await farm.order()))["attempt"] == 1


@pytest.mark.parametrize("slowness", [{"history_after": 0.7}, {"history_takes": 0.5}], ids=str)
async def test_the_history_is_late(farm: Farm, slowness: dict[str, object]) -> None:
    """It is empty still at `execution_success`, or slow to come: that is no loss."""
    await farm.behave(**slowness)
    record = await farm.ended(await farm.order())
    assert (record["attempt"], len(record["responsePayload"]["outputs"])) == (1, 1)


async def test_messages_are_late(farm: Farm) -> None:
    """They arrive when the run is over and told of, and change nothing."""
    await farm.behave(late=1.5)
    order = await farm.order()
    record = await farm.ended(order)
    box = await farm.place(order)
    sent = [one["sent"] for one in await box.sockets()][-1]
    await until(box.sockets, lambda sockets: sockets[-1]["sent"] > sent + 5)
    assert await farm.ended(order) == record


async def test_the_server_forgets_our_client_id(farm: Farm) -> None:
    """The socket stays open and hears no more: the clock tells."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    await box.act("forget")
    await box.behave(hold=None)
    assert (await farm.ended(order))["attempt"] == 1
    assert [one["known"] for one in await box.sockets() if one["open"]] == [False]


async def test_somebody_else_connects_with_our_client_id(farm: Farm) -> None:
    """They hear in our place; when they go, the server forgets us both."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    (ours,) = await box.open_sockets()
    address = f"ws{box.url.removeprefix('http')}/ws?clientId={ours['client_id']}"
    async with connect(address, proxy=None) as thief:
        await thief.recv()
    await until(box.open_sockets, lambda sockets: not sockets)
    await box.behave(hold=None)
    assert (await farm.ended(order))["attempt"] == 1


async def test_a_message_of_a_megabyte_and_a_half_is_heard(farm: Farm) -> None:
    """The socket outlives it, and the run ends by its word."""
    before = [len(await box.sockets()) for box in farm.boxes]
    await farm.behave(padding=1_500_000)
    assert (await farm.ended(await farm.order()))["attempt"] == 1
    assert [len(await box.sockets()) for box in farm.boxes] == before
