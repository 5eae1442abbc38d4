"""Every misbehaviour that can be asked of a server."""

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus

from tests.peers import Peers
from tests.sandbox.comfyui.client import (
    Listener,
    Said,
    a_socket,
    an_id,
    history,
    post,
    posted,
    sampling,
    sleeping,
    texting,
)

pytestmark = pytest.mark.anyio


async def test_ends_in_silence(peers: Peers) -> None:
    """From one kind on nothing of a prompt is told, though it ends; statuses come as ever."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", silent_from="execution_success")
    async with a_socket(url) as listener:
        prompt_id = await posted(peers, url, texting())
        heard = await listener.until(_idle)
        await (await listener.socket.ping())

    assert await history(peers, url, prompt_id) is not None
    assert heard[-2].kind == "progress_state"
    assert listener.heard[-1].kind == "status"


async def test_leaves_out_messages(peers: Peers) -> None:
    """Kinds that are not to be said are not, previews and the last message included."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", unsaid=["end", "binary", "progress"])
    async with a_socket(url) as listener:
        await posted(peers, url, sampling())
        await listener.until(_idle)
        await (await listener.socket.ping())
    kinds = {said.kind for said in listener.heard}

    assert "executing" in kinds
    assert not kinds & {"frame 1", "progress"}
    assert not any(said.ends for said in listener.heard)


async def test_tells_late(peers: Peers) -> None:
    """Messages come in their order all the same, even long after the history."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        await peers.control("comfyui/1", late=0.05)
        await posted(peers, url, texting("soon"))
        heard = await listener.run()
        await peers.control("comfyui/1", late=1_000)
        prompt_id = await posted(peers, url, texting("never"))
        async with asyncio.timeout(20):
            while await history(peers, url, prompt_id) is None:
                pass
        await (await listener.socket.ping())
        (told,) = await peers.look("comfyui/1/sockets")

    assert [said.kind for said in heard][-3:] == ["execution_success", "status", "executing"]
    assert told["sent"] == len(listener.heard)


async def test_drops_each_socket_again_and_again(peers: Peers) -> None:
    """After so many messages each connection breaks without a close frame."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", drop_every=2)
    for _ in range(2):
        async with a_socket(url) as listener:
            await posted(peers, url, texting())
            with pytest.raises(ConnectionClosedError) as closed:
                await listener.run()
        assert closed.value.rcvd is None
        assert len(listener.heard) == 2


async def test_drops_once(peers: Peers) -> None:
    """After so many messages from now on, and never again."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        await peers.control("comfyui/1", drop_after=3)
        prompt_id = await posted(peers, url, texting())
        with pytest.raises(ConnectionClosedError):
            await listener.run()
        assert len(listener.heard) == 4
    async with a_socket(url) as listener:
        await posted(peers, url, texting())
        await listener.run()

    assert await history(peers, url, prompt_id) is not None
    assert (await peers.look("comfyui/1"))["drop_after"] is None


async def test_drops_one_client(peers: Peers) -> None:
    """An act breaks the sockets of one client, or all; who comes back is known."""
    url = peers.comfyui[0]
    async with a_socket(url, "me") as mine, a_socket(url, "you") as yours:
        answer = await peers.control("comfyui/1/acts", act="drop", client_id="you")
        with pytest.raises(ConnectionClosedError):
            await yours.run()
        async with a_socket(url, "you") as again:
            await posted(peers, url, texting(), client_id="you")
            await again.run()
        everybody = await peers.control("comfyui/1/acts", act="drop")
        with pytest.raises(ConnectionClosedError):
            await mine.run()

    assert answer == {"dropped": 1}
    assert everybody["dropped"] >= 1


async def test_forgets_ids(peers: Peers) -> None:
    """The socket stays open, answers pings and hears no more, not even a status."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        await peers.control("comfyui/1/acts", act="forget", client_id="me")
        async with a_socket(url, "you") as other:
            await posted(peers, url, texting())
            await other.until(_idle)
            await peers.control("comfyui/1/acts", act="forget")
            await (await other.socket.ping())
        await (await listener.socket.ping())

    assert len(listener.heard) == 1


async def test_restarts_empty(peers: Peers) -> None:
    """Queue, history and temporary files are gone, connections break, and it works again."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        done = await posted(peers, url, sleeping())
        heard = await listener.run()
        (shown,) = [said.data["output"]["images"][0] for said in heard if said.kind == "executed"]
        assert (await peers.client.get(f"{url}/view", params=shown)).status_code == 200
        await peers.control("comfyui/1", hold="PreviewAny")
        running = await posted(peers, url, texting())
        waiting = await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "executing")
        await peers.control("comfyui/1/acts", act="restart")
        with pytest.raises(ConnectionClosedError):
            await listener.run()
    rows = await peers.look("comfyui/1/prompts")
    queue = (await peers.client.get(f"{url}/queue")).json()

    assert queue == {"queue_running": [], "queue_pending": []}
    assert (await peers.client.get(f"{url}/history")).json() == {}
    assert (await peers.client.get(f"{url}/view", params=shown)).status_code == 404
    assert {one["prompt_id"]: one["status"] for one in rows} == {
        done: "success",
        running: "lost",
        waiting: "lost",
    }
    await peers.control("comfyui/1", hold=None)
    async with a_socket(url) as listener:
        again = await posted(peers, url, sleeping())
        heard = await listener.run()
    assert await history(peers, url, again) is not None
    assert next(said for said in heard if said.kind == "execution_cached").data["nodes"] == []


async def test_restarts_before_it_was_used(peers: Peers) -> None:
    """A server that nobody has asked yet can restart as well."""
    await peers.control("comfyui/fresh/acts", act="restart")
    url = f"{peers.url}/comfyui/fresh"
    async with a_socket(url) as listener:
        await posted(peers, url, texting())
        await listener.run()


@pytest.mark.parametrize("down", ["500", "502", "503", "reset"])
async def test_goes_down(peers: Peers, down: str) -> None:
    """Sockets break, and nothing is answered as it should; runs go on meanwhile."""
    url = peers.comfyui[0]
    async with a_socket(url) as listener:
        await peers.control("comfyui/1", hold="PreviewAny")
        prompt_id = await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "executing")
        await peers.control("comfyui/1", down=down)
        with pytest.raises(ConnectionClosedError):
            await listener.run()
    if down == "reset":
        with pytest.raises(httpx.ReadError):
            await peers.client.get(f"{url}/queue")
        with pytest.raises((InvalidMessage, ConnectionError, EOFError)):
            await _open(url)
    else:
        assert (await peers.client.get(f"{url}/queue")).status_code == int(down)
        with pytest.raises(InvalidStatus):
            await _open(url)
    await peers.control("comfyui/1", hold=None, down=None)
    async with a_socket(url) as listener:
        await posted(peers, url, texting("later"))
        await listener.run()

    assert await history(peers, url, prompt_id) is not None


async def test_refuses_sockets(peers: Peers) -> None:
    """Handshakes get 503, and the rest is answered."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", refuse_sockets=True)
    with pytest.raises(InvalidStatus) as refused:
        await _open(url)

    assert refused.value.response.status_code == 503
    assert (await peers.client.get(f"{url}/queue")).status_code == 200


async def test_hangs(peers: Peers) -> None:
    """Neither requests nor handshakes are answered."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hang=True)
    with pytest.raises(httpx.TimeoutException):
        await peers.client.get(f"{url}/queue", timeout=0.05)
    with pytest.raises(TimeoutError):
        async with a_socket(url, open_timeout=0.05):
            pass


async def test_answers_and_does_nothing(peers: Peers) -> None:
    """Everything is answered with `{}`, and a socket hears nothing."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", idle=True)
    for path in ("queue", "system_stats", "history/x"):
        answer = await peers.client.get(f"{url}/{path}")
        assert (answer.status_code, answer.json()) == (200, {})
    answer = await post(peers, url, texting())
    listener = Listener(await _open(url))
    await (await listener.socket.ping())
    await listener.socket.close()

    assert (answer.status_code, answer.json()) == (200, {})
    assert await peers.look("comfyui/1/prompts") == []


async def test_asks_for_a_header(peers: Peers) -> None:
    """Requests and handshakes without it get 401; its value is written down nowhere."""
    url = peers.comfyui[0]
    header = {"Authorization": "Bearer s3cret"}
    await peers.control("comfyui/1", header={"name": "Authorization", "value": "Bearer s3cret"})
    assert (await peers.client.get(f"{url}/queue")).status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        await _open(url)
    assert refused.value.response.status_code == 401
    tested = header | {"X-Sandbox-Test": "seen"}
    assert (await peers.client.get(f"{url}/queue", headers=tested)).status_code == 200
    async with a_socket(url, additional_headers=header):
        pass
    requests = await peers.look("comfyui/1/requests")

    assert [one["method"] for one in requests] == ["GET", "WEBSOCKET"] * 2
    assert [one["test"] for one in requests] == [None, None, "seen", None]
    assert "authorization" in requests[2]["headers"]
    assert "s3cret" not in json.dumps(requests)


@pytest.mark.parametrize(
    ("fate", "taken"),
    [
        ("500", False),
        ("503", False),
        ("reset", False),
        ("taken-500", True),
        ("taken-reset", True),
        ("taken-hang", True),
    ],
)
async def test_breaks_off_a_post(peers: Peers, fate: str, *, taken: bool) -> None:
    """The prompt may run though its POST has failed; the next POST is answered again."""
    url, prompt_id = peers.comfyui[0], an_id()
    await peers.control("comfyui/1", post=fate, post_left=1)
    async with a_socket(url) as listener:
        if fate.endswith(("00", "03")):
            answer = await post(peers, url, texting(), prompt_id=prompt_id)
            assert answer.status_code == int(fate[-3:])
        else:
            with pytest.raises((httpx.ReadError, httpx.TimeoutException)):
                await _post_briefly(peers, url, prompt_id)
        await posted(peers, url, texting("next"))
        await listener.run()
        if taken:
            await listener.run()

    assert (await history(peers, url, prompt_id) is not None) is taken


async def test_runs_before_it_has_answered(peers: Peers) -> None:
    """The answer to a POST may come after the prompt's end."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", post_delay=1_000)
    async with a_socket(url) as listener, asyncio.TaskGroup() as group:
        posting = group.create_task(posted(peers, url, texting()))
        await listener.run()
        assert not posting.done()
        posting.cancel()


async def test_stores_history_late(peers: Peers) -> None:
    """After `execution_success` the prompt is in the queue until its history is there."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", history_after=1_000)
    async with a_socket(url) as listener:
        prompt_id = await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "execution_success")
        assert await history(peers, url, prompt_id) is None
        queue = (await peers.client.get(f"{url}/queue")).json()
        assert [one[1] for one in queue["queue_running"]] == [prompt_id]
        await peers.control("comfyui/1", history_after=0)
        await listener.run()
        assert await history(peers, url, prompt_id) is not None
    (told,) = await peers.look("comfyui/1/prompts")

    assert told["stored_at"] > told["started_at"]
    assert told["stored_monotonic"] > 0


async def test_answers_history_late(peers: Peers) -> None:
    """Other questions are answered meanwhile."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", history_takes=1_000)
    with pytest.raises(httpx.TimeoutException):
        await peers.client.get(f"{url}/history/{an_id()}", timeout=0.05)

    assert (await peers.client.get(f"{url}/queue")).status_code == 200


async def test_loses_its_worker(peers: Peers) -> None:
    """The prompt runs for ever, others wait, all is answered; only a restart helps."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", dead_worker=True)
    async with a_socket(url) as listener:
        running = await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "executing")
        waiting = await posted(peers, url, texting())
        assert (await peers.client.post(f"{url}/interrupt")).status_code == 200
        await peers.control("comfyui/1", dead_worker=False)
        queue = (await peers.client.get(f"{url}/queue")).json()
        assert [one[1] for one in queue["queue_running"]] == [running]
        assert [one[1] for one in queue["queue_pending"]] == [waiting]
    await peers.control("comfyui/1/acts", act="restart")
    async with a_socket(url) as listener:
        await posted(peers, url, texting())
        await listener.run()


async def test_runs_out_of_memory(peers: Peers) -> None:
    """Samplers of this server fail, those of another do not."""
    await peers.control("comfyui/1", out_of_memory=True)
    ends: list[Said] = []
    for url in peers.comfyui:
        async with a_socket(url) as listener:
            await posted(peers, url, sampling())
            ends.append((await listener.run())[-3])

    assert [said.kind for said in ends] == ["execution_error", "execution_success"]
    assert ends[0].data["exception_type"] == "torch.OutOfMemoryError"


@pytest.mark.parametrize("client_id", [None, "stranger"])
async def test_has_strangers(peers: Peers, client_id: str | None) -> None:
    """Somebody else's prompt runs first; of one without a client all hear previews and texts."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", hold="PreviewAny")
    async with a_socket(url) as listener:
        await posted(peers, url, texting("first"))
        mine = await posted(peers, url, texting("second"))
        theirs = await peers.control("comfyui/1/acts", act="stranger", client_id=client_id)
        await peers.control("comfyui/1", hold=None)
        await listener.run()
        heard = await listener.run()
    frames = {said.kind for said in heard if said.kind.startswith("frame")}
    named = {said.data.get("prompt_id") for said in heard} - {None}
    ran = list((await peers.client.get(f"{url}/history")).json())

    assert ran[1:] == [theirs["prompt_id"], mine]
    assert frames == ({"frame 1", "frame 3"} if client_id is None else {"frame 3"})
    assert named == ({mine, theirs["prompt_id"]} if client_id is None else {mine})


async def test_sends_very_long_messages(peers: Peers) -> None:
    """An `executed` may be longer than clients take by default."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", padding=1_500_000)
    async with a_socket(url) as listener:
        await posted(peers, url, texting())
        heard = await listener.run()
    executed = next(said for said in heard if said.kind == "executed")

    assert len(executed.data["padding"]) == 1_500_000


async def test_speaks_of_assets(peers: Peers) -> None:
    """Kinds that name no prompt come to everybody, between others."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", assets=True)
    async with a_socket(url, "you") as listener:
        await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "assets.seed.completed")

    assert listener.heard[-3].kind == "assets.seed.started"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("comfyui/1", {"verison": "0.30.2"}),
        ("comfyui/1", {"version": "new"}),
        ("comfyui/1", {"down": "418"}),
        ("comfyui/1", {"silent_from": "exectuing"}),
        ("comfyui/1", {"header": {"nmae": "x", "value": "y"}}),
        ("comfyui/1/acts", {"act": "dance"}),
        ("comfyui/1/acts", {"act": "restart", "client_id": "me"}),
    ],
)
async def test_sees_typos(peers: Peers, path: str, body: dict[str, object]) -> None:
    """What is not known is refused."""
    answer = await peers.client.post(f"{peers.url}/control/{path}", json=body)

    assert answer.status_code == 422


async def test_forgets_everything(peers: Peers) -> None:
    """After a reset servers are as new, and connections to the old ones break."""
    url = peers.comfyui[0]
    await peers.control("comfyui/1", version="0.3.64", hold="PreviewAny")
    async with a_socket(url) as listener:
        await posted(peers, url, texting())
        await listener.until(lambda said: said.kind == "executing")
        await peers.control("reset")
        with pytest.raises(ConnectionClosedError):
            await listener.run()

    assert await peers.look("comfyui/1/prompts") == []
    assert (await peers.look("comfyui/1"))["version"] == "0.30.2"


def _idle(said: Said) -> bool:
    empty = {"exec_info": {"queue_remaining": 0}}
    return "sid" not in said.data and said.data.get("status") == empty


async def _post_briefly(peers: Peers, url: str, prompt_id: str) -> None:
    body = {"client_id": "me", "prompt": texting(), "prompt_id": prompt_id}
    await peers.client.post(f"{url}/prompt", json=body, timeout=0.5)


async def _open(url: str) -> ClientConnection:
    """Open a socket, and wait for no greeting."""
    return await connect(f"{url.replace('http', 'ws', 1)}/ws?clientId=me", proxy=None)
