"""Taking and refusing prompts, beside recordings of a real server (ComfyUI 0.30.2)."""

import asyncio
import json
from typing import Final

import pytest
from websockets.exceptions import InvalidStatus

from tests.peers import Json, Peers
from tests.sandbox.comfyui.client import (
    a_socket,
    an_id,
    exchanges,
    history,
    node,
    post,
    posted,
    sampling,
    texting,
)

pytestmark = pytest.mark.anyio

_RECORDED: Final = [
    one for one in exchanges("s02_http_prompt_invalid") if one["note"] != "VALIDATE_INPUTS fails"
]
_BROKEN: Final = "500 Internal Server Error\n\nServer got itself in trouble"


@pytest.mark.parametrize("exchange", _RECORDED, ids=lambda one: one["note"])
async def test_answers_as_recorded(peers: Peers, exchange: Json) -> None:
    """Status and body are the recorded ones, but for the numbers and ids of what was taken."""
    raw = exchange.get("request_raw")
    content = json.dumps(exchange["request_json"]) if raw is None else raw
    answer = await peers.client.post(f"{peers.comfyui[0]}/prompt", content=content)

    assert answer.status_code == exchange["status"]
    if "response_json" in exchange:
        given = {"prompt_id", "number"}
        assert _without(answer.json(), given) == _without(exchange["response_json"], given)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
    else:
        assert answer.text == _BROKEN


async def test_says_what_a_later_link_lacks(peers: Peers) -> None:
    """A missing checkpoint is told with the list of those that are there."""
    prompt = sampling()
    prompt["4"]["inputs"]["ckpt_name"] = "mine.safetensors"
    answer = await post(peers, peers.comfyui[0], prompt)

    (error,) = answer.json()["node_errors"]["4"]["errors"]
    assert error["type"] == "value_not_in_list"
    assert error["details"].startswith("ckpt_name: 'mine.safetensors' not in ['sd_xl_base_1.0")


async def test_names_the_outputs_that_depend_on_an_error(peers: Peers) -> None:
    """One broken node below two outputs is told once."""
    prompt = sampling(steps=0) | {"10": node("PreviewImage", images=["8", 0])}
    told = (await post(peers, peers.comfyui[0], prompt)).json()["node_errors"]

    assert list(told) == ["3"]
    assert sorted(told["3"]["dependent_outputs"]) == ["10", "9"]


async def test_a_link_to_an_output_that_is_not_there_is_refused(peers: Peers) -> None:
    """What is not there cannot be worked with; what runs after it does."""
    prompt = texting() | {
        "2": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "3": node("PreviewImage", images=["2", 77]),
    }
    told = (await post(peers, peers.comfyui[0], prompt)).json()["node_errors"]

    assert [each["type"] for each in told["3"]["errors"]] == ["exception_during_validation"]


async def test_old_versions_say_less(peers: Peers) -> None:
    """Before 0.12 an unknown class is an invalid prompt; before 0.20 a cycle has no words."""
    await peers.control("comfyui/1", version="0.3.64")
    unknown = (await post(peers, peers.comfyui[0], {"1": node("Nothing")})).json()
    cycle: Json = {
        "1": node("ImageInvert", image=["1", 0]),
        "2": node("PreviewImage", images=["1", 0]),
    }
    circular = await post(peers, peers.comfyui[0], cycle)

    assert unknown["error"]["type"] == "invalid_prompt"
    assert (circular.status_code, circular.json()["node_errors"]) == (400, {})


async def test_old_versions_take_any_id(peers: Peers) -> None:
    """Before 0.25 any id will do, and before 0.3.45 the server makes its own."""
    await peers.control("comfyui/1", version="0.3.64")
    assert await posted(peers, peers.comfyui[0], texting(), prompt_id=5) == "5"

    await peers.control("comfyui/1", version="0.3.44")
    assert await posted(peers, peers.comfyui[0], texting(), prompt_id="x") != "x"


async def test_runs_what_can_run(peers: Peers) -> None:
    """Outputs that fail the check are left out, and the others are made."""
    prompt = texting() | {"2": node("SaveImage", filename_prefix="x")}
    prompt_id = an_id()
    async with a_socket(peers.comfyui[0]) as listener:
        answer = await post(peers, peers.comfyui[0], prompt, prompt_id=prompt_id)
        await listener.run()
    made = await history(peers, peers.comfyui[0], prompt_id)

    assert list(answer.json()["node_errors"]) == ["2"]
    assert made is not None
    assert made["outputs"] == {"1": {"text": ["hello"]}}


async def test_runs_the_same_id_twice(peers: Peers) -> None:
    """An id is no key of idempotency: both run, and the history has one entry."""
    prompt_id = an_id()
    async with a_socket(peers.comfyui[0]) as listener:
        for text in ("one", "two"):
            await posted(peers, peers.comfyui[0], texting(text), prompt_id=prompt_id)
            await listener.run()
    made = await history(peers, peers.comfyui[0], prompt_id)
    everything = (await peers.client.get(f"{peers.comfyui[0]}/history")).json()

    assert made is not None
    assert made["outputs"]["1"]["text"] == ["two"]
    assert list(everything) == [prompt_id]
    assert [one["prompt_id"] for one in await peers.look("comfyui/1/prompts")] == [prompt_id] * 2


async def test_refuses_what_is_too_large(peers: Peers) -> None:
    """A body that says that it is over 100 MB is not read."""
    reader, writer = await asyncio.open_connection(*peers.outputs_host.split(":"))
    head = "POST /comfyui/1/prompt HTTP/1.1\r\nHost: x\r\nContent-Length: 104857601\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.readuntil(b"exceeded.")
    writer.close()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"Maximum request body size 104857600 exceeded.")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_refuses_pages_of_other_sites(
    peers: Peers, headers: dict[str, str], status: int
) -> None:
    """A browser that sends somebody else's page is sent away."""
    answer = await peers.client.get(f"{peers.comfyui[0]}/queue", headers=headers)

    assert answer.status_code == status


async def test_takes_its_own_page(peers: Peers) -> None:
    """An origin that is the host is no other site."""
    headers = {"Origin": peers.url}
    answer = await peers.client.get(f"{peers.comfyui[0]}/queue", headers=headers)

    assert answer.status_code == 200


async def test_has_no_server_of_an_impossible_name(peers: Peers) -> None:
    """Names are short and plain; others are not found, by a control call neither."""
    for path in ("comfyui/NO/queue", "control/comfyui/NO", "control/comfyui/NO/prompts"):
        assert (await peers.client.get(f"{peers.url}/{path}")).status_code == 404
    with pytest.raises(InvalidStatus) as refused:
        async with a_socket(f"{peers.url}/comfyui/NO"):
            pass
    assert refused.value.response.status_code == 404


def _without(value: Json, keys: set[str]) -> Json:
    return {key: each for key, each in value.items() if key not in keys}
