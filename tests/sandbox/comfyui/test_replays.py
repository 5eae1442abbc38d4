"""The stand-in beside recordings of a real server (ComfyUI 0.30.2): the same messages in order."""

import json
from typing import Any, Final

import pytest

from tests.peers import Json, Peers
from tests.sandbox.comfyui.client import (
    Listener,
    Said,
    a_socket,
    exchanges,
    node,
    posted,
    prompts,
    runs,
)

pytestmark = pytest.mark.anyio

_FLAGS: Final = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


async def _first(peers: Peers, recorded: list[Said], prompt: Json, url: str) -> None:
    """Have the server make what it had made already when the recording began."""
    cached = next(said.data["nodes"] for said in recorded if said.kind == "execution_cached")
    if cached:
        async with a_socket(url) as listener:
            warm = {each: prompt[each] for each in cached}
            await posted(peers, url, warm | {"0": node("PreviewImage", images=[cached[0], 0])})
            await listener.run()


async def _same(peers: Peers, listener: Listener, prompt: Json, recorded: list[Said]) -> None:
    await posted(peers, peers.comfyui[0], prompt)
    heard = await listener.run()

    assert [said.shape for said in heard] == [said.shape for said in recorded]


@pytest.mark.parametrize("name", ["s03_ws_normal", "s05_ws_cached", "s06_ws_error", "s14_upload"])
async def test_says_the_same(peers: Peers, name: str) -> None:
    """Kinds, keys, order and states are those of the recording, run by run."""
    url, recorded, posting = peers.comfyui[0], runs(f"{name}.client"), prompts(name)
    if name == "s14_upload":
        files = {"image": ("up1795304503.png", (await _a_png(peers)), "image/png")}
        form = {"subfolder": "sub/dir"}
        await peers.client.post(f"{url}/upload/image", files=files, data=form)
    if name == "s06_ws_error":
        # What was recorded of this request is what became of it later.
        posting[2]["1"]["inputs"] |= {"silent": False, "message": "blocked"}
    await _first(peers, recorded[0], posting[0], url)
    async with a_socket(url) as listener:
        for prompt, run in zip(posting, recorded, strict=True):
            await _same(peers, listener, prompt, run)


async def test_names_previews_for_those_who_ask(peers: Peers) -> None:
    """With the feature flag previews come before the progress, and name their node."""
    url, (recorded,) = peers.comfyui[0], runs("s04_ws_feature_flags.client")
    (prompt,) = prompts("s03_ws_normal")
    prompt["2"]["inputs"] |= {"steps": 3, "text": False}
    await _first(peers, recorded, prompt, url)
    async with a_socket(url) as listener:
        await listener.socket.send(json.dumps(_FLAGS))
        (flags,) = await listener.until(lambda said: said.kind == "feature_flags")
        assert flags.data == (await peers.client.get(f"{url}/features")).json()
        await _same(peers, listener, prompt, recorded)


@pytest.mark.parametrize(("posting", "run"), [(0, 0), (4, 5)])
async def test_says_the_same_of_special_nodes(peers: Peers, posting: int, run: int) -> None:
    """Nodes of subgraphs, and a node without steps."""
    prompt = prompts("s13_ws_special_nodes")[posting]
    recorded = runs("s13_ws_special_nodes.client")[run]
    async with a_socket(peers.comfyui[0]) as listener:
        await _same(peers, listener, prompt, recorded)


@pytest.mark.parametrize("number", [1, 2])
async def test_says_the_same_of_each_node(peers: Peers, number: int) -> None:
    """Whichever output node is first, and of two at once, each is told of as in the recording."""
    prompt = prompts("s13_ws_special_nodes")[number]
    recorded = runs("s13_ws_special_nodes.client")[number]
    # It does not throttle, and so tells of steps as quick as these.
    await peers.control("comfyui/1", version="0.3.64")
    async with a_socket(peers.comfyui[0]) as listener:
        await listener.socket.send(json.dumps(_FLAGS))
        await posted(peers, peers.comfyui[0], prompt)
        heard = await listener.run()

    for each in prompt:
        assert _about(heard, each) == _about(recorded, each)
    kinds = [said.kind for said in heard if said.data.get("node") in {"1", "2"}]
    assert number != 1 or kinds[:2] == ["executing", "executing"]


async def test_throttles_quick_updates(peers: Peers) -> None:
    """From 0.9.2 on, the first and the last update come and few between; before, all do."""
    prompt = prompts("s13_ws_special_nodes")[3]
    inputs = prompt["1"]["inputs"] | {"step_seconds": 0}
    quick: Json = prompt | {"1": node("SleepProgress", **inputs)}
    counts: dict[str, int] = {}
    async with a_socket(peers.comfyui[0]) as listener:
        for version in ("0.30.2", "0.3.64"):
            await peers.control("comfyui/1", version=version)
            quick["1"]["inputs"]["seed"] += 1
            await posted(peers, peers.comfyui[0], quick)
            values = [one.data["value"] for one in await listener.run() if one.kind == "progress"]
            assert (values[0], values[-1]) == (1, 300)
            counts[version] = len(values)

    assert counts["0.30.2"] < counts["0.3.64"] == 300


async def test_answers_history_and_jobs_as_recorded(peers: Peers) -> None:
    """The history and the job of a normal run have the recorded keys."""
    url, (prompt,) = peers.comfyui[0], prompts("s03_ws_normal")
    async with a_socket(url) as listener:
        extra = {"extra_pnginfo": {"workflow": {"id": "wf-1"}}, "my_key": {"a": 1}}
        prompt_id = await posted(peers, url, prompt, extra_data=extra)
        await listener.run()
    after = {
        one["path"].partition("?")[0]: one["response_json"]
        for one in exchanges("s03_ws_normal")
        if one.get("note") == "after"
    }
    (recorded_id,) = after[next(path for path in after if path.startswith("/history/"))]
    for path in (f"/history/{prompt_id}", f"/api/jobs/{prompt_id}", "/api/jobs"):
        answer = (await peers.client.get(f"{url}{path}")).json()
        recorded = after[path.replace(prompt_id, recorded_id)]
        if path == "/api/jobs":
            answer, recorded = answer["jobs"][0], recorded["jobs"][0]
        assert _skeleton(answer, prompt_id) == _skeleton(recorded, recorded_id)


def _skeleton(value: Any, own_id: str, depth: int = 3) -> object:  # noqa: ANN401 - any JSON
    """Return the keys of a value, and those of what is in it."""
    if not isinstance(value, dict) or depth == 0:
        return type(value).__name__  # pyright: ignore[reportUnknownArgumentType]
    # JSON objects have text for keys.
    fields: Json = dict(value)  # pyright: ignore[reportUnknownArgumentType]
    return {
        "ID" if key == own_id else key: _skeleton(fields[key], own_id, depth - 1)
        for key in sorted(fields)
    }


def _about(run: list[Said], node_id: str) -> list[object]:
    named = ("node", "node_id")
    return [said.shape for said in run if node_id in {said.data.get(key) for key in named}]


async def _a_png(peers: Peers) -> bytes:
    """Return a picture that another server has made."""
    url = peers.comfyui[1]
    async with a_socket(url) as listener:
        prompt = {
            "1": node("EmptyImage", width=8, height=8, batch_size=1, color=255),
            "2": node("SaveImage", images=["1", 0], filename_prefix="a"),
        }
        await posted(peers, url, prompt)
        await listener.run()
    return (await peers.client.get(f"{url}/view?filename=a_00001_.png")).content
