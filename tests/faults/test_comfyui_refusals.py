"""ComfyUI servers refuse workflows and credentials: that is said clearly, and no secret with it."""

import base64
import json
from collections.abc import AsyncGenerator
from copy import deepcopy
from decimal import Decimal
from typing import Final

import pytest
from bson import json_util

from tests.faults.buying import a_shop
from tests.faults.farm import GRAPH, Farm, a_farm
from tests.mongo import SharedMongod
from tests.peers import Json, Peers
from tests.service import until

pytestmark = pytest.mark.anyio

PASSWORD: Final = "a-password-that-opens-the-door-of-tests"
USER: Final = "the-user-whom-the-door-knows"
BASIC: Final = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
KEY: Final = "the-key-that-a-proxy-asks-tests-for"
RIGHT: Final = {"name": "authorization", "value": f"Basic {BASIC}"}
WRONG: Final = {"name": "authorization", "value": "Basic c29tZWJvZHk6ZWxzZQ=="}


@pytest.fixture(scope="module")
async def whole_farm(
    sandbox: Peers, mongod: SharedMongod, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Farm]:
    """A service that has credentials for its servers."""
    folder = tmp_path_factory.mktemp("farm")
    more = {"basic": f"{USER}:{PASSWORD}", "headers": {"X-Proxy-Key": KEY}}
    loud = {"LOG_LEVEL": "debug"}
    async with a_farm(folder, sandbox, mongod.uri, more=more, environ=loud) as farm:
        yield farm


async def test_a_workflow_is_refused(farm: Farm, mongod: SharedMongod) -> None:
    """It fails at once with the node's title and what is wrong; money is released, all is told."""
    graph = deepcopy(GRAPH)
    graph["2"]["inputs"]["steps"] = -1
    graph["2"]["_meta"] = {"title": "The slow one"}
    before = [await box.posts() for box in farm.boxes]
    async with a_shop(farm, mongod.uri) as shop:
        bought = await shop.buy(graph)
        record = await farm.ended(bought.order, "failed", posts=0)
        await shop.settled(bought, paid=Decimal(0))
    assert sum([await box.posts() for box in farm.boxes]) == sum(before) + 1
    assert (record["attempt"], record["maxAttempts"]) == (1, 3)
    assert record["statusReason"].startswith("The slow one: steps: Value -1 smaller than min of 0")
    (told,) = await farm.witness.ends(bought.order.chat)
    assert "The slow one: steps: Value -1 smaller than min of 0" in told["text"]


@pytest.mark.parametrize("post_delay", [0, 0.7], ids=["at-once", "after-its-end"])
async def test_one_output_of_two_is_refused(farm: Farm, post_delay: float) -> None:
    """The other one is made; what is wrong with the first is a warning in the record.

    That holds as well where the run is over before its POST is answered.
    """
    await farm.behave(post_delay=post_delay)
    graph = deepcopy(GRAPH)
    graph["5"] = {
        "class_type": "ImageBlur",
        "inputs": {"image": ["3", 0], "blur_radius": 99, "sigma": 1.0},
        "_meta": {"title": "Far too much"},
    }
    graph["6"] = {"class_type": "PreviewImage", "inputs": {"images": ["5", 0]}}
    order = await farm.order(graph=graph)
    record = await until(lambda: farm.witness.stored(order.id), lambda it: it["warnings"])
    (warning,) = record["warnings"]
    assert warning.startswith("Far too much: blur_radius: Value 99 bigger than max of 31")
    assert len((await farm.ended(order))["responsePayload"]["outputs"]) == 1


async def test_a_server_asks_for_a_credential(farm: Farm) -> None:
    """It is given one with each call and in the socket's handshake."""
    before = [len(await box.requests("")) for box in farm.boxes]
    for box in farm.boxes:
        await box.behave(header=RIGHT)
        await box.act("drop")
    await farm.well()
    order = await farm.order()
    box = await farm.place(order)
    assert (await farm.ended(order))["attempt"] == 1
    requests = (await box.requests(""))[before[farm.boxes.index(box)] :]
    assert {"WEBSOCKET", "GET", "POST"} == {each["method"] for each in requests}
    headers = {"authorization", "x-proxy-key"}
    assert all(headers <= set(each["headers"]) for each in requests)


async def test_our_credential_is_wrong(farm: Farm) -> None:
    """That is clearly said of the server, runs wait, and the credential is in nothing of ours."""
    await farm.behave(header=WRONG)
    for box in farm.boxes:
        await box.act("drop")
        assert "look at its credentials" in (await farm.seen(box, healthy=False))["trouble"]
    order = await farm.order()
    waits = await until(lambda: farm.witness.stored(order.id), lambda it: it.get("queuePosition"))
    assert (waits["status"], waits.get("runs", [])) == ("pending", [])
    paths = [f"/api/generations/{order.id}", "/api/generations", "/api/servers", "/metrics"]
    answers = [(await farm.service.call("GET", path)).text for path in paths]
    await farm.behave(header=RIGHT)
    assert (await farm.ended(order))["attempt"] == 1
    answers += [(await farm.service.call("GET", path)).text for path in paths]
    assert farm.boxes[0].name in answers[2]
    kept = json.dumps(await _everything(farm), default=json_util.default)
    assert order.id in kept
    messages = json.dumps(await farm.witness.ends(order.chat))
    for secret in (PASSWORD, BASIC, KEY):
        assert not [
            each for each in (*answers, kept, messages, farm.service.printed) if secret in each
        ]


async def _everything(farm: Farm) -> Json:
    """Return all that is in the database."""
    names = await farm.database.list_collection_names()
    return {name: await farm.database[name].find().to_list(None) for name in names}
