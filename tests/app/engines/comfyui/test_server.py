"""app.engines.comfyui.server: what a server and the network can do, sorted by what to do."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.bootstrap.engines import BESIDES, CONNECTIONS, connections
from app.engines.comfyui import ComfyServer
from app.engines.comfyui.server import ASIDE, LARGE, QUESTIONS, UPLOADS
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerLostError,
    PeerMissingError,
    PeerRefusedError,
    PeerSilentError,
    PeerUnknownError,
)
from app.observability.metrics import Metrics
from schemas.run import RunStatus
from schemas.timing import Timing
from tests.app.engines.comfyui.scene import (
    CLIENT,
    QUICK,
    TIMING,
    a_run,
    a_server,
    a_settings,
    a_workflow,
    an_odd_server,
    size,
    until,
)
from tests.peers import Json, Peers, a_sandbox

pytestmark = pytest.mark.anyio

CREDENTIAL = "Bearer nobody-reads-this"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.fixture(scope="module")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return a sandbox of this module's own."""
    async with a_sandbox(seconds=0.05) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the sandbox as if it had just started."""
    await sandbox.control("reset")
    return sandbox


@pytest.fixture
async def server(peers: Peers) -> AsyncGenerator[ComfyServer]:
    """Return the client of its first server."""
    async with a_server(peers.comfyui[0]) as made:
        yield made


async def prompts(peers: Peers) -> list[Json]:
    """Return what the first server was given."""
    return await peers.look("comfyui/1/prompts")


async def statuses(peers: Peers) -> dict[str, str]:
    """Return how everything stands that it was given."""
    return {each["prompt_id"]: each["status"] for each in await prompts(peers)}


async def running(server: ComfyServer, n: int = 1) -> None:
    """Post a prompt and wait until it runs."""
    await server.prompt(a_workflow(color=n), a_run(n), CLIENT)
    await until_running(server, n)


async def until_running(server: ComfyServer, n: int = 1) -> None:
    """Wait until a prompt runs."""

    async def runs() -> bool:
        return (await server.queue()).running == (a_run(n),)

    await until(runs)


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield a file piece by piece."""
    for at in range(0, len(content), 1000):
        yield content[at : at + 1000]


async def test_a_run_is_followed_from_the_queue_into_history(
    peers: Peers, server: ComfyServer
) -> None:
    """It waits in its place, runs, and is over, with outputs below the server's address."""
    await peers.control("comfyui/1", hold="*")
    assert (await server.prompt(a_workflow(), a_run(1), CLIENT)).warnings == ()
    await server.prompt(a_workflow(), a_run(2), CLIENT)
    await server.prompt(a_workflow(), a_run(3), CLIENT)
    await until_running(server)

    assert (await server.read(a_run(1))).status is RunStatus.RUNNING
    third = await server.read(a_run(3))
    assert (third.status, third.queue_position) == (RunStatus.QUEUED, 2)
    assert await server.history(a_run(1)) is None

    await peers.control("comfyui/1", hold=None)

    async def over() -> bool:
        return (await server.read(a_run(3))).status is RunStatus.COMPLETED

    await until(over)
    [output] = (await server.read(a_run(3))).outputs
    assert str(output.url).startswith(f"{server.base}/view?")
    assert (await peers.client.get(str(output.url))).status_code == 200
    told = await server.history(a_run(3))
    assert told is not None
    assert told.outputs == (output,)


async def test_what_is_in_neither_queue_nor_history_is_lost(
    peers: Peers, server: ComfyServer
) -> None:
    """A server that was started again knows nothing of what it had."""
    await peers.control("comfyui/1", hold="*")
    await running(server)
    await peers.control("comfyui/1/acts", act="restart")

    async def lost() -> bool:
        try:
            await server.read(a_run(1))
        except PeerLostError as error:
            return error.peer == "comfyui:box"
        except PeerError:
            pass
        return False

    await until(lost)


async def test_nothing_is_lost_that_is_not_in_history_after_the_queue() -> None:
    """A run goes from one to the other at once, and may do so between two questions."""
    asked = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        empty = '{"queue_running": [], "queue_pending": []}'
        return httpx.Response(200, text=empty if "queue" in asked[-1] else "{}")

    async with an_odd_server(answer) as odd:
        with pytest.raises(PeerLostError):
            await odd.read(a_run())

    assert asked[-2:] == ["/prefix/queue", f"/prefix/history/{a_run()}"]


async def test_a_run_that_ends_between_two_questions_is_found() -> None:
    """Neither the first look into history nor the queue has it."""
    over = (
        f'{{"{a_run()}": {{"outputs": {{}}, "status": {{"status_str": "success", '
        '"completed": true, "messages": []}}}'
    )
    histories = iter(["{}", over])

    def answer(request: httpx.Request) -> httpx.Response:
        if "queue" in request.url.path:
            return httpx.Response(200, text='{"queue_running": [], "queue_pending": []}')
        return httpx.Response(200, text=next(histories))

    async with an_odd_server(answer) as odd:
        assert (await odd.read(a_run())).status is RunStatus.COMPLETED


async def test_a_workflow_that_does_not_do_is_refused_in_words(server: ComfyServer) -> None:
    """With the node's title and what is wrong; nothing runs."""
    bad = a_workflow(
        _1={"class_type": "EmptyImage", "inputs": size(width=-5), "_meta": {"title": "Canvas"}}
    )
    with pytest.raises(PeerRefusedError, match="Canvas") as caught:
        await server.prompt(bad, a_run(), CLIENT)

    assert "width" in str(caught.value)
    with pytest.raises(PeerLostError):
        await server.read(a_run())


async def test_what_a_server_goes_on_without_is_a_warning(server: ComfyServer) -> None:
    """It makes the rest."""
    partly = a_workflow(
        _3={"class_type": "EmptyImage", "inputs": size(width=-5), "_meta": {"title": "Canvas"}},
        _4={"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    )
    accepted = await server.prompt(partly, a_run(), CLIENT)

    assert any("Canvas" in each for each in accepted.warnings)


@pytest.mark.parametrize(
    "fault", ["500", "502", "reset", "hang", "taken-500", "taken-reset", "taken-hang"]
)
async def test_a_broken_post_leaves_open_whether_it_was_taken(peers: Peers, fault: str) -> None:
    """The same id posted again would run again, so it is looked for instead."""
    await peers.control("comfyui/1", post=fault)
    async with a_server(peers.comfyui[0], timing=QUICK) as server:
        with pytest.raises(PeerUnknownError):
            await server.prompt(a_workflow(), a_run(), CLIENT)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (httpx.Response(200, text="<html>"), PeerUnknownError, "did not answer"),
        (httpx.Response(200, json={"prompt_id": "other"}), PeerUnknownError, "another prompt"),
        (httpx.Response(400, text="no"), PeerRefusedError, "without a word"),
        (httpx.Response(413, text="no"), PeerRefusedError, "larger"),
        (httpx.Response(401), PeerDownError, "credentials"),
        (httpx.Response(403), PeerDownError, "credentials"),
        (httpx.Response(404), PeerDownError, "no ComfyUI"),
        (httpx.Response(307, headers={"location": "http://x"}), PeerDownError, "leads elsewhere"),
        (httpx.Response(429, headers={"retry-after": "7"}), PeerBusyError, "slow down"),
    ],
)
async def test_an_odd_answer_to_a_prompt(
    answer: httpx.Response, error: type[PeerError], said: str
) -> None:
    """Surely refused, surely not taken, or not known."""
    async with an_odd_server(answer) as odd:
        with pytest.raises(error, match=said) as caught:
            await odd.prompt(a_workflow(), a_run(), CLIENT)

    assert caught.value.peer == "comfyui:box"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, text="<html>"), PeerBusyError),
        (httpx.Response(200, json={}), PeerBusyError),
        (httpx.Response(503), PeerSilentError),
        (httpx.Response(500), PeerBusyError),
        (httpx.Response(429), PeerBusyError),
        (httpx.Response(401), PeerDownError),
        (httpx.Response(302, headers={"location": "http://x"}), PeerDownError),
        (httpx.Response(404), PeerDownError),
    ],
)
async def test_an_odd_answer_to_a_question_is_no_report(
    answer: httpx.Response, error: type[PeerError]
) -> None:
    """What makes no sense now may make sense later; nothing is concluded from it."""
    async with an_odd_server(answer) as odd:
        for ask in (odd.read(a_run()), odd.stats()):
            with pytest.raises(error):
                await ask


async def test_a_server_that_answers_everything_with_nothing_has_lost_nothing(
    peers: Peers, server: ComfyServer
) -> None:
    """It is not well, and what it had is not given up for its word."""
    await peers.control("comfyui/1", idle=True)

    with pytest.raises(PeerBusyError):
        await server.stats()
    with pytest.raises(PeerBusyError):
        await server.read(a_run())
    with pytest.raises(PeerUnknownError):
        await server.prompt(a_workflow(), a_run(), CLIENT)


async def test_an_answer_that_does_not_end_is_not_read_on() -> None:
    """Memory has a bound."""
    async with an_odd_server(httpx.Response(200, content=bytes(LARGE + 1))) as odd:
        with pytest.raises(PeerUnknownError, match="more than can be read"):
            await odd.queue()


async def test_a_server_that_is_not_there_is_down() -> None:
    """Nothing was sent, so nothing was done."""
    async with a_server("http://127.0.0.1:9") as nobody:
        for ask in (nobody.stats(), nobody.prompt(a_workflow(), a_run(), CLIENT)):
            with pytest.raises(PeerDownError, match="cannot be reached"):
                await ask


async def test_it_says_how_it_stands(peers: Peers, server: ComfyServer) -> None:
    """Version, device and memory; one too old to be given our ids is not given runs."""
    stats = await server.stats()
    assert stats.version == "0.30.2"
    assert stats.memory_total

    await peers.control("comfyui/1", version="0.3.44")
    with pytest.raises(PeerDownError, match=r"is ComfyUI 0\.3\.44, and must be 0\.3\.45 or newer"):
        await server.stats()


async def test_every_call_carries_the_credential_and_no_error_tells_it(peers: Peers) -> None:
    """In front of each server there may be a proxy that asks for one."""
    await peers.control("comfyui/1", header={"name": "Authorization", "value": CREDENTIAL})
    async with a_server(peers.comfyui[0], {"Authorization": CREDENTIAL}) as server:
        await server.stats()
        await server.prompt(a_workflow(), a_run(), CLIENT)
        await server.queue()
        await server.history(a_run())
        await server.upload("a.png", pieces(PICTURE), len(PICTURE), "image/png")
        await server.object_info()
        await server.cancel(a_run())
    async with a_server(peers.comfyui[0], {"Authorization": "Bearer wrong-one"}) as server:
        with pytest.raises(PeerDownError, match="COMFYUI_SERVERS") as caught:
            await server.stats()

    assert "wrong-one" not in f"{caught.value!r} {caught.value}"
    assert "nobody-reads-this" not in f"{caught.value!r} {caught.value} {server!r}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("portrait.png", "png"), ("ünï/../cödé.WEBP", "webp"), ("plain", ""), ("a.p'n g", "")],
)
async def test_a_file_is_found_under_what_stands_for_it(
    peers: Peers, server: ComfyServer, name: str, value: str
) -> None:
    """Whatever it is called; the same file is stored once."""
    put = await server.upload(name, pieces(PICTURE), len(PICTURE), "image/png")
    again = await server.upload(name, pieces(PICTURE), len(PICTURE), "image/png")
    other = await server.upload(name, pieces(PICTURE * 2), len(PICTURE) * 2, "image/png")

    assert put == again != other
    folder, _, file = put.partition("/")
    assert folder == "runrelay"
    assert file.partition(".")[2] == value
    for address, content in [(put, PICTURE), (other, PICTURE * 2)]:
        query = {"filename": address.partition("/")[2], "subfolder": folder, "type": "input"}
        answer = await peers.client.get(f"{server.base}/view", params=query)
        assert answer.content == content


async def test_what_a_file_raises_as_it_is_read_goes_on(server: ComfyServer) -> None:
    """It is not the server's fault, and is not taken for it."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"a part"
        raise PeerMissingError("storage", "has no such file")

    with pytest.raises(PeerMissingError, match="storage"):
        await server.upload("portrait.png", broken(), 4000, "image/png")


@pytest.mark.parametrize(
    ("status", "error"), [(400, PeerRefusedError), (413, PeerRefusedError), (500, PeerBusyError)]
)
async def test_a_file_that_is_not_taken(status: int, error: type[PeerError]) -> None:
    """For good, or for now."""
    async with an_odd_server(httpx.Response(status)) as odd:
        with pytest.raises(error):
            await odd.upload("a.png", pieces(PICTURE), len(PICTURE), "image/png")


VERSIONS = pytest.mark.parametrize("version", ["0.30.2", "0.25.0", "0.3.64", "0.3.56"])


@VERSIONS
async def test_one_that_waits_is_taken_out(peers: Peers, server: ComfyServer, version: str) -> None:
    """Nobody else's is touched: neither what runs nor what waits."""
    await peers.control("comfyui/1", hold="*", version=version)
    await running(server, 1)
    await server.prompt(a_workflow(), a_run(2), CLIENT)
    await server.prompt(a_workflow(), a_run(3), CLIENT)

    await server.cancel(a_run(2))

    assert await statuses(peers) == {
        a_run(1): "running",
        a_run(2): "deleted",
        a_run(3): "pending",
    }
    with pytest.raises(PeerLostError):
        await server.read(a_run(2))


@VERSIONS
async def test_one_that_runs_is_stopped(peers: Peers, server: ComfyServer, version: str) -> None:
    """The next one is not."""
    await peers.control("comfyui/1", hold="*", version=version)
    await running(server, 1)
    await server.prompt(a_workflow(), a_run(2), CLIENT)

    await server.cancel(a_run(1))
    await until_running(server, 2)

    assert (await server.read(a_run(1))).status is RunStatus.CANCELLED
    assert (await statuses(peers))[a_run(2)] == "running"


@VERSIONS
async def test_one_that_is_over_or_unknown_stops_nobody(
    peers: Peers, server: ComfyServer, version: str
) -> None:
    """What runs now is somebody else's."""
    await peers.control("comfyui/1", version=version)
    await server.prompt(a_workflow(), a_run(1), CLIENT)

    async def over() -> bool:
        return (await server.read(a_run(1))).status is RunStatus.COMPLETED

    await until(over)
    await peers.control("comfyui/1", hold="*")
    await running(server, 2)

    await server.cancel(a_run(1))
    await server.cancel(a_run(404))

    assert (await server.read(a_run(2))).status is RunStatus.RUNNING
    assert [each["interrupted_at"] for each in await prompts(peers)] == [None, None]


@pytest.mark.parametrize("version", ["0.3.56", "0.3.64", "odd"])
async def test_one_that_begins_while_it_is_taken_out_is_stopped(version: str) -> None:
    """A server answers 200 to a deletion that came too late."""
    asked = list[tuple[str, str]]()
    waiting = {"queue_running": [[1, "theirs"]], "queue_pending": [[2, a_run()]]}
    runs = {"queue_running": [[2, a_run()]], "queue_pending": []}
    queues = iter([waiting, runs])

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/prefix")
        asked.append((request.method, path))
        if path == "/system_stats":
            told = f'{{"system": {{"comfyui_version": "{version}"}}, "devices": []}}'
            return httpx.Response(200, text=told)
        if request.method == "GET":
            return httpx.Response(200, json=next(queues))
        if path.startswith("/api/jobs"):
            return httpx.Response(405)
        assert a_run() in request.content.decode()
        return httpx.Response(200)

    async with an_odd_server(answer) as odd:
        await odd.cancel(a_run())

    assert asked[-3:] == [("POST", "/queue"), ("GET", "/queue"), ("POST", "/interrupt")]


async def test_a_refused_cancel_is_no_done_one(peers: Peers, server: ComfyServer) -> None:
    """It can be tried again."""
    await server.stats()
    await peers.control("comfyui/1", down="503")

    with pytest.raises(PeerSilentError):
        await server.cancel(a_run())


async def test_it_lists_its_nodes(server: ComfyServer) -> None:
    """Some hundred kilobytes at a real one."""
    info = await server.object_info()

    assert {"EmptyImage", "SaveImage", "KSampler"} <= info.keys()


@pytest.mark.parametrize("text", ["<html>", "[]"])
async def test_what_lists_no_nodes_is_something_else(text: str) -> None:
    """It may list them later."""
    async with an_odd_server(httpx.Response(200, text=text)) as odd:
        with pytest.raises(PeerBusyError, match="something else"):
            await odd.object_info()


async def test_a_server_that_hangs_is_not_waited_for(peers: Peers) -> None:
    """Each call has its limit."""
    await peers.control("comfyui/1", hang=True)
    async with a_server(peers.comfyui[0], timing=QUICK) as server, asyncio.timeout(20):
        for ask in (server.stats(), server.read(a_run())):
            with pytest.raises(PeerUnknownError, match="broke off"):
                await ask


class Held:
    """A server that answers how it stands, takes prompts and stops, and keeps all else waiting."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.enough = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer, or never."""
        path = request.url.path
        if path.startswith("/history") or path == "/upload/image":
            self.waiting.append(path)
            if len(self.waiting) == QUESTIONS + UPLOADS:
                self.enough.set()
            await asyncio.Event().wait()
        told: Json = {
            "/system_stats": {"system": {"comfyui_version": "0.30.2"}, "devices": []},
            "/prompt": {"prompt_id": a_run(), "number": 1, "node_errors": {}},
        }
        if request.method == "GET" and path == "/prompt":
            return httpx.Response(200, json={"exec_info": {"queue_remaining": 7}})
        return httpx.Response(200, json=told.get(path, {}))


@asynccontextmanager
async def held(silent: Held, timing: Timing = TIMING) -> AsyncGenerator[ComfyServer]:
    """Return the client of a server that is asked as much at once as it may be."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as client:
        settings = a_settings("http://slow.example")
        server = ComfyServer(client, settings, timing=timing, metrics=Metrics())
        async with asyncio.TaskGroup() as group, asyncio.timeout(30):
            calls = [group.create_task(server.history(a_run(n))) for n in range(QUESTIONS)]
            sent = [group.create_task(a_file(server)) for _ in range(UPLOADS)]
            await silent.enough.wait()
            yield server
            for each in (*calls, *sent):
                each.cancel()


async def a_file(server: ComfyServer) -> str:
    """Upload one."""
    return await server.upload("a.png", pieces(PICTURE), len(PICTURE), "image/png")


async def test_what_a_server_is_slow_with_holds_up_nothing_else() -> None:
    """Its health, prompts and stops wait neither for answers about runs nor for files."""
    async with held(Held()) as server:
        assert (await server.stats()).version == "0.30.2"
        assert await server.remaining() == 7
        assert await server.prompt(a_workflow(), a_run(), CLIENT)
        await server.cancel(a_run())


async def test_what_finds_no_room_of_our_own_says_nothing_of_the_server() -> None:
    """It is not taken for one that cannot be reached; and nothing was sent."""
    limit, silent = timedelta(seconds=2), Held()
    async with held(silent, TIMING.change(call_limit=limit, upload_limit=limit)) as server:
        asks = (server.history(a_run(9)), server.queue(), a_file(server))
        found = await asyncio.gather(*asks, return_exceptions=True)

    assert [type(each) for each in found] == [PeerBusyError] * 3
    assert "asked too much by us at once" in str(found[0])
    assert len(silent.waiting) == QUESTIONS + UPLOADS


def test_servers_that_hang_leave_all_others_their_connections() -> None:
    """Each brings as many as it can hold."""
    server = a_settings("http://127.0.0.1:9")

    each = QUESTIONS + UPLOADS + server.slots + BESIDES
    assert connections(()) == CONNECTIONS
    assert connections([server] * 3) == CONNECTIONS + 3 * each


class Aside(ThreadPoolExecutor):
    """Counts what is done beside the loop."""

    done = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:  # noqa: ANN401 - as there
        """See ThreadPoolExecutor."""
        self.done += 1
        return super().submit(fn, *args, **more)


@pytest.mark.parametrize(("text", "aside"), [("a", 0), ("a" * ASIDE, 1)])
async def test_a_large_answer_is_read_beside_everything_else(text: str, aside: int) -> None:
    """It holds other people's workflows, and the loop goes on meanwhile."""
    graph = {"1": {"class_type": "Note", "inputs": {"text": text}}}
    told: Json = {"queue_running": [[1, a_run(), graph, {}, []]], "queue_pending": []}
    threads = Aside(1)
    asyncio.get_running_loop().set_default_executor(threads)

    async with an_odd_server(httpx.Response(200, json=told)) as odd:
        assert (await odd.queue()).running == (a_run(),)

    assert threads.done == aside
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    threads.shutdown()


async def test_calls_are_counted_by_engine(peers: Peers) -> None:
    """Not by server: names of the operator's are no words for a label."""
    metrics = Metrics()
    async with a_server(peers.comfyui[0], metrics=metrics) as server:
        await server.queue()

    told = metrics.render().decode()
    assert 'call="queue",engine="comfyui",outcome="ok"' in told
    assert "box" not in told
