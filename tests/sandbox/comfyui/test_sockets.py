"""Who is sent what: the map of client ids with its flaw, late sockets, prompts of nobody."""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed

from tests.peers import Json, Peers
from tests.sandbox.comfyui.client import Said, a_socket, posted, sampling, sleeping, texting

pytestmark = pytest.mark.anyio

_FLAGS: Json = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


async def test_greets_with_a_status(peers: Peers) -> None:
    """It tells the client's id, or one that was thrown; both addresses work."""
    url = peers.comfyui[0]
    async with a_socket(url, "me") as one, a_socket(f"{url}/api", "") as other:
        sids = [listener.heard[0].data["sid"] for listener in (one, other)]

    assert sids[0] == "me"
    assert len(sids[1]) == 32
    assert one.heard[0].data["status"] == {"exec_info": {"queue_remaining": 0}}


async def test_tells_others_the_status_only(peers: Peers) -> None:
    """What a run does is for the client that posted it."""
    url = peers.comfyui[0]
    async with a_socket(url, "me") as mine, a_socket(url, "you") as yours:
        await posted(peers, url, texting())
        await mine.run()
        await yours.until(_idle)

    assert {said.kind for said in yours.heard} == {"status"}


async def test_tells_everybody_of_nobodys_prompt(peers: Peers) -> None:
    """Progress, previews without a name and texts; neither its end nor its error is told."""
    url = peers.comfyui[0]
    async with a_socket(url, "me") as mine, a_socket(url, "you") as yours:
        await mine.socket.send(json.dumps(_FLAGS))
        await mine.until(lambda said: said.kind == "feature_flags")
        for fail in (-1, 0):
            prompt = sleeping(text=True, fail_at_step=fail)
            await posted(peers, url, prompt, client_id=None)
            await mine.until(_idle)
            await yours.until(_idle)

    kinds = {"status", "progress_state", "progress", "frame 1", "frame 3"}
    assert {said.kind for said in mine.heard} == kinds | {"feature_flags"}
    assert {said.kind for said in yours.heard} == kinds


async def test_tells_everybody_that_nobodys_prompt_was_interrupted(peers: Peers) -> None:
    """That one message goes to all."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hold="PreviewAny")
    async with a_socket(url) as listener:
        await posted(peers, url, texting(), client_id=None)
        await listener.until(lambda said: said.kind == "progress_state")
        await peers.client.post(f"{url}/interrupt")
        await listener.until(_idle)

    assert listener.heard[-2].kind == "execution_interrupted"


async def test_texts_go_to_everybody(peers: Peers) -> None:
    """Whoever's run it is, a frame 3 reaches every socket."""
    url = peers.comfyui[0]
    async with a_socket(url, "me") as mine, a_socket(url, "you") as yours:
        await posted(peers, url, sleeping(text=True))
        await mine.run()
        await yours.until(_idle)

    assert [said.kind for said in yours.heard if said.kind != "status"] == ["frame 3"] * 2


async def test_tells_late_ones_what_runs(peers: Peers) -> None:
    """A socket of the client that comes during its run is told the node, without the prompt."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hold="PreviewAny")
    async with a_socket(url) as first:
        prompt_id = await posted(peers, url, texting())
        await first.until(lambda said: said.kind == "executing")
    await _closed(peers, 1)
    async with a_socket(url) as second, a_socket(url, "you") as stranger:
        (executing,) = await second.until(lambda said: said.kind == "executing")
        await peers.control("comfyui/1", hold=None)
        heard = await second.run()
        await stranger.until(_idle)

    assert executing.data == {"node": "1"}
    assert [said.kind for said in heard][:2] == ["executed", "progress_state"]
    assert heard[-1].data == {"node": None, "prompt_id": prompt_id}
    assert {said.kind for said in stranger.heard} == {"status"}


async def test_forgets_an_id_with_the_older_of_two_sockets(peers: Peers) -> None:
    """The newer gets everything, until the older closes; then it gets nothing, though open."""
    url = peers.comfyui[0]
    async with a_socket(url) as older, a_socket(url) as newer:
        await posted(peers, url, texting("one"))
        await newer.run()
        await older.socket.close()
        await _closed(peers, 1)
        before = len(newer.heard)
        async with a_socket(url, "you") as other:
            await posted(peers, url, texting("two"))
            await other.until(_idle)
        await (await newer.socket.ping())
        told = await peers.look("comfyui/1/sockets")
    sent = {one["opened_at"]: one["sent"] for one in told}

    assert len(older.heard) == 1
    assert [(one["open"], one["known"]) for one in told][:2] == [(False, False), (True, False)]
    assert list(sent.values())[:2] == [1, before]


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        ([json.dumps(_FLAGS)], True),
        ([json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": 1}})], False),
        (["garbage", json.dumps(_FLAGS)], False),
        ([b"\x00", json.dumps(_FLAGS)], False),
        (["[1]", json.dumps(_FLAGS)], False),
    ],
)
async def test_hears_feature_flags_first_or_never(
    peers: Peers, messages: list[str | bytes], *, named: bool
) -> None:
    """Only the first message counts, only `true` is true, and garbage is passed over."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        for message in messages:
            await listener.socket.send(message)
        await (await listener.socket.ping())
        await posted(peers, url, sampling())
        await listener.run()
    frames = {said.kind for said in listener.heard if said.kind.startswith("frame")}

    assert frames == {"frame 4" if named else "frame 1"}


async def test_closes_on_very_long_messages(peers: Peers) -> None:
    """Over 4 MiB from a client are answered with 1009."""
    async with a_socket(peers.comfyui[0]) as listener:
        await listener.socket.send("x" * (4 * 2**20 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await listener.run()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_says_nothing_again(peers: Peers) -> None:
    """Who was away when a run ended is told a status, and finds the rest in the history."""
    url = peers.comfyui[0]
    async with a_socket(url, "you") as other:
        await posted(peers, url, texting())
        await other.until(_idle)
    async with a_socket(url) as listener:
        await (await listener.socket.ping())

    assert len(listener.heard) == 1


def _idle(said: Said) -> bool:
    """Say whether a message is the status of an empty queue."""
    empty = {"exec_info": {"queue_remaining": 0}}
    return "sid" not in said.data and said.data.get("status") == empty


async def _closed(peers: Peers, count: int) -> None:
    """Wait until the server has noticed that so many sockets are closed."""
    async with asyncio.timeout(20):
        while sum(not one["open"] for one in await peers.look("comfyui/1/sockets")) < count:
            pass
