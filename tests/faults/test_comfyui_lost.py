"""ComfyUI servers go, come back and forget: a run is tried again where it may be, and ends once."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Final

import pytest

from tests.faults.buying import PRICE, Shop, a_shop
from tests.faults.farm import HELD, Farm, listed
from tests.mongo import SharedMongod
from tests.peers import Json
from tests.service import until

pytestmark = pytest.mark.anyio

SAMPLED: Final[Json] = {
    "1": {
        "class_type": "CheckpointLoaderSimple",
        "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"},
    },
    "2": {
        "class_type": "EmptyLatentImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1},
    },
    "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse", "clip": ["1", 1]}},
    "5": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 0,
            "steps": 2,
            "cfg": 8.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1.0,
            "model": ["1", 0],
            "positive": ["3", 0],
            "negative": ["3", 0],
            "latent_image": ["2", 0],
        },
    },
    "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
    "4": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "x"}},
}


@pytest.fixture
async def shop(farm: Farm, mongod: SharedMongod) -> AsyncGenerator[Shop]:
    """The farm's customers."""
    async with a_shop(farm, mongod.uri) as shop:
        yield shop


async def test_a_server_restarts_in_the_middle_of_a_run(farm: Farm, shop: Shop) -> None:
    """Queue and history are empty: the run is tried again, at the other server, and paid once."""
    await farm.behave(hold=HELD)
    bought = await shop.buy()
    box = await farm.held(bought.order)
    await farm.other(box).behave(hold=None)
    await box.act("restart")
    record = await farm.ended(bought.order, posts=2)
    assert record["attempt"] == 2
    assert [each["server"] for each in record["runs"]] == [box.name, farm.other(box).name]
    await shop.settled(bought, paid=PRICE)


async def test_the_only_server_restarts_in_the_middle_of_a_run(farm: Farm) -> None:
    """Where there is no other, the run is tried again where it was lost."""
    await farm.boxes[1].door.close()
    await farm.seen(farm.boxes[1], healthy=False)
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    await box.act("restart")
    await box.behave(hold=None)
    record = await farm.ended(order, posts=2)
    assert [each["server"] for each in record["runs"]] == [box.name] * 2


async def test_a_run_is_lost_as_often_as_it_may_be_tried(farm: Farm, shop: Shop) -> None:
    """It has failed for good; what was held for it is released, and its person told."""
    await farm.behave(hold=HELD)
    bought = await shop.buy(max_attempts=2)
    box = await farm.held(bought.order)
    await box.act("restart")
    await farm.other(box).held(bought.order)
    await farm.other(box).act("restart")
    await farm.behave(hold=None)
    record = await farm.ended(bought.order, "failed", posts=2)
    assert (record["attempt"], record["statusReason"]) == (2, "lost")
    await shop.settled(bought, paid=Decimal(0))


async def test_a_server_restarts_once_it_has_told_of_the_end(farm: Farm) -> None:
    """Its history cannot be read any more: what it has told our own socket stands."""
    await farm.behave(history_takes=0.8)
    order = await farm.order()
    await until(lambda: farm.witness.stored(order.id), lambda it: it.get("claimedEnd"))
    box = await farm.place(order)
    await box.act("restart")
    await farm.behave(history_takes=0)
    record = await farm.ended(order)
    assert (record["attempt"], record["confirmed"]) == (1, True)
    assert len(record["responsePayload"]["outputs"]) == 1


async def test_a_server_restarts_before_anybody_knows_of_the_end(farm: Farm) -> None:
    """The run is lost with its history, and tried again."""
    await farm.behave(history_takes=0.8, silent_from="execution_start")
    order = await farm.order()
    box = await farm.place(order)
    await box.becomes(order, "success")
    await box.act("restart")
    await farm.behave(history_takes=0, silent_from=None)
    record = await farm.ended(order, posts=2)
    assert (record["attempt"], len(record["responsePayload"]["outputs"])) == (2, 1)


@pytest.mark.parametrize("fate", ["500", "hang"])
async def test_posts_that_were_not_taken(farm: Farm, fate: str) -> None:
    """Nobody can know that at first; asked, the server has no such run, and it is tried again."""
    await farm.behave(post=fate, post_left=1)
    record = await farm.ended(await farm.order())
    assert record["attempt"] == len(record["runs"]) == 3


@pytest.mark.parametrize("fate", ["taken-500", "taken-reset", "taken-hang"])
async def test_posts_that_were_taken_and_not_answered(farm: Farm, fate: str) -> None:
    """The run is found under the name that we gave it, and not run twice."""
    before = sum([await box.posts() for box in farm.boxes])
    await farm.behave(post=fate, post_left=1)
    record = await farm.ended(await farm.order())
    assert record["attempt"] == 1
    assert sum([await box.posts() for box in farm.boxes]) == before + 1


async def test_out_of_memory_is_tried_at_another_server(farm: Farm, shop: Shop) -> None:
    """It may pass there; the end that the first one told is not the run's."""
    await farm.behave(hold="CLIPTextEncode")
    bought = await shop.buy(SAMPLED)
    box = await farm.held(bought.order)
    await box.behave(out_of_memory=True)
    await farm.behave(hold=None)
    record = await farm.ended(bought.order, posts=2)
    assert [each["server"] for each in record["runs"]] == [box.name, farm.other(box).name]
    assert [each["status"] for each in await farm.posted(bought.order)].count("error") == 1
    await shop.settled(bought, paid=PRICE)


async def test_out_of_memory_everywhere(farm: Farm, shop: Shop) -> None:
    """After as many tries as there may be it has failed, in words that say why."""
    await farm.behave(out_of_memory=True)
    bought = await shop.buy(SAMPLED, max_attempts=2)
    record = await farm.ended(bought.order, "failed", posts=2)
    assert "out of memory" in record["responsePayload"]["error"]
    await shop.settled(bought, paid=Decimal(0))


async def test_servers_are_down_while_runs_wait(farm: Farm) -> None:
    """They refuse connections: runs wait in line without a try, and go once one is back."""
    for box in farm.boxes:
        await box.door.close()
        assert (await farm.seen(box, healthy=False))["trouble"]
    orders = [await farm.order() for _ in range(3)]
    for order in orders:
        waits = await until(
            lambda order=order: farm.witness.stored(order.id), lambda it: it.get("queuePosition")
        )
        assert (waits["status"], waits.get("runs", [])) == ("pending", [])
    await farm.boxes[1].door.open()
    for order in orders:
        record = await farm.ended(order)
        assert record["attempt"] == 1
        assert record["runs"][0]["server"] == farm.boxes[1].name


async def test_a_server_is_gone_in_the_middle_of_a_run(farm: Farm) -> None:
    """The other is well: after a while the run is tried there; the first is stopped once back."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    await box.door.close()
    await farm.other(box).held(order)
    await box.door.open()
    await box.becomes(order, "interrupted")
    await farm.behave(hold=None)
    record = await farm.ended(order, posts=2)
    assert record["attempt"] == 2
    assert farm.other(box).url in record["responsePayload"]["outputs"][0]["url"]


async def test_a_server_comes_back_having_finished_first(farm: Farm, shop: Shop) -> None:
    """Its success is the run's, once, and what still runs elsewhere is stopped there."""
    await farm.behave(hold=HELD)
    bought = await shop.buy()
    box = await farm.held(bought.order)
    await box.door.close()
    other = farm.other(box)
    await other.held(bought.order)
    await box.behave(hold=None)
    await box.becomes(bought.order, "success")
    await box.door.open()
    record = await farm.ended(bought.order, posts=2)
    assert box.url in record["responsePayload"]["outputs"][0]["url"]
    await other.becomes(bought.order, "interrupted")
    await shop.settled(bought, paid=PRICE)
    assert await farm.ended(bought.order, posts=2) == await farm.witness.stored(bought.order.id)


async def test_the_only_server_is_gone_for_a_while(farm: Farm) -> None:
    """With no other that is well a run waits for its own, which has finished it meanwhile."""
    gone, kept = farm.boxes
    await gone.door.close()
    await farm.seen(gone, healthy=False)
    await farm.behave(hold=HELD)
    order = await farm.order()
    assert await farm.held(order) == kept
    await kept.door.close()
    await farm.seen(kept, healthy=False)
    await farm.behave(hold=None)
    await kept.becomes(order, "success")
    await kept.door.open()
    record = await farm.ended(order)
    assert (record["attempt"], record["durationSource"]) == (1, "engine")


async def test_a_server_is_taken_out_of_the_settings(farm: Farm) -> None:
    """What it had is lost, and tried at another after the restart."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    other = farm.other(box)
    await other.behave(hold=None)
    path, whole = farm.folder / "one.yaml", farm.service.environ["COMFYUI_SERVERS"]
    assert await farm.service.stop() == 0
    farm.service.environ["COMFYUI_SERVERS"] = listed(path, (other,))
    await farm.service.start()
    record = await farm.ended(order, posts=2)
    assert [each["server"] for each in record["runs"]] == [box.name, other.name]
    await farm.service.restart(COMFYUI_SERVERS=whole)


async def test_a_server_that_answers_everything_and_does_nothing(farm: Farm) -> None:
    """Its `{}` says nothing of its health: it is never given a run."""
    idle, well = farm.boxes
    await idle.behave(idle=True)
    assert (await farm.seen(idle, healthy=False))["trouble"]
    before = await idle.posts()
    for order in [await farm.order() for _ in range(3)]:
        record = await farm.ended(order)
        assert record["runs"][0]["server"] == well.name
    assert await idle.posts() == before


async def test_a_server_begins_to_answer_everything_and_do_nothing(farm: Farm) -> None:
    """What it has is neither over nor lost by that, and tried at the other after a while."""
    await farm.behave(hold=HELD)
    order = await farm.order()
    box = await farm.held(order)
    await box.behave(idle=True)
    await farm.other(box).held(order)
    await box.behave(idle=False)
    await box.becomes(order, "interrupted")
    await farm.behave(hold=None)
    assert (await farm.ended(order, posts=2))["attempt"] == 2
