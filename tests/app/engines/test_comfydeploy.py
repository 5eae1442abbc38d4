"""app.engines.comfydeploy: each thing the network and the peer can do, sorted by what to do."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue

from app.bootstrap import make_client
from app.engines.calling import ANSWER_LIMIT
from app.engines.comfydeploy import PAGE, UPLOAD_LIMIT, ComfyDeploy
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.observability.metrics import Metrics
from schemas.base import RunId
from schemas.generation import Generation, Request
from schemas.run import RunAt, RunStatus
from schemas.timing import Timing
from tests.builders import NOON, an_order
from tests.peers import Peers, a_sandbox

pytestmark = pytest.mark.anyio

DEPLOYMENT = "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11"
MISSING = "00000000-0000-0000-0000-000000000404"
NOBODYS = RunId("0d9f3c1e-2222-4333-8444-555566667777")
WEBHOOK = "http://127.0.0.1:9/api/webhook/comfydeploy?generation=x&token=y"
TIMING = Timing(submit_limit=timedelta(seconds=5), call_limit=timedelta(seconds=5))
QUICK = Timing(submit_limit=timedelta(milliseconds=300), call_limit=timedelta(milliseconds=300))


@pytest.fixture(scope="module")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return a sandbox of this module's own."""
    async with a_sandbox(seconds=0.1) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the sandbox as if it had just started."""
    await sandbox.control("reset")
    await sandbox.control("comfydeploy", retry_scale=0.01)
    return sandbox


@asynccontextmanager
async def an_engine(
    url: str, key: str = "a-key", timing: Timing = TIMING
) -> AsyncGenerator[ComfyDeploy]:
    """Return the client of an API at `url`."""
    async with make_client() as client:
        yield ComfyDeploy(
            client, url=url, key=key, hosts=("127.0.0.1",), timing=timing, metrics=Metrics()
        )


@asynccontextmanager
async def an_odd_peer(answer: httpx.Response) -> AsyncGenerator[ComfyDeploy]:
    """Return the client of an API that answers everything in the same way."""
    transport = httpx.MockTransport(lambda _: answer)
    async with httpx.AsyncClient(transport=transport) as client:
        yield ComfyDeploy(
            client,
            url="http://peer.example/api/",
            key="k",
            hosts=(),
            timing=TIMING,
            metrics=Metrics(),
        )


def ordered(deployment: str = DEPLOYMENT, **inputs: JsonValue) -> Generation:
    """Return an order of a deployment with these inputs."""
    given: dict[str, JsonValue] = {"prompt": "a lighthouse at dusk", **inputs}
    return an_order(request_payload=Request(deployment_id=deployment, inputs=given))


async def test_submits_and_reads_a_run(peers: Peers) -> None:
    """The engine is given inputs and webhook, and says how its run stands."""
    await peers.control("comfydeploy", hold_ends=True)
    async with an_engine(peers.comfydeploy) as engine:
        run_id = await engine.submit(ordered(), WEBHOOK)
        report = await engine.read(RunAt(run_id))

    assert run_id == report.run_id
    assert report.status not in {RunStatus.COMPLETED, RunStatus.FAILED}
    assert report.webhook == WEBHOOK


async def test_cancels_a_run(peers: Peers) -> None:
    """The engine says `cancelled` when asked, and that stands."""
    await peers.control("comfydeploy", hold_ends=True)
    async with an_engine(peers.comfydeploy) as engine:
        run_id = await engine.submit(ordered(), WEBHOOK)
        await engine.cancel(RunAt(run_id))
        report = await engine.read(RunAt(run_id))

    assert report.status is RunStatus.CANCELLED


async def test_lists_recent_runs_newest_first_and_no_older_ones(peers: Peers) -> None:
    """Only runs made since the moment named are read."""
    async with an_engine(peers.comfydeploy) as engine:
        first = await engine.submit(ordered(), WEBHOOK)
        second = await engine.submit(ordered(), WEBHOOK)
        old = (await engine.read(RunAt(first))).created_at
        assert old is not None
        all_runs = [each.run_id async for each in engine.recent(ordered(), old)]
        none = [each async for each in engine.recent(ordered(), old + timedelta(hours=1))]

    assert all_runs == [second, first]
    assert none == []


async def test_reads_page_after_page(peers: Peers) -> None:
    """A busy deployment's runs do not fit one page."""
    await peers.control("comfydeploy", hold_ends=True)
    async with an_engine(peers.comfydeploy) as engine:
        runs = [await engine.submit(ordered(), WEBHOOK) for _ in range(PAGE + 1)]
        oldest = (await engine.read(RunAt(runs[0]))).created_at
        assert oldest is not None
        found = [each.run_id async for each in engine.recent(ordered(), oldest)]

    assert sorted(found) == sorted(runs)


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield a file piece by piece."""
    for at in range(0, len(content), 1000):
        yield content[at : at + 1000]


async def test_uploads_a_file(peers: Peers) -> None:
    """The address that comes back can be used as an input."""
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400
    async with an_engine(peers.comfydeploy) as engine:
        url = await engine.upload("portrait.png", pieces(picture), len(picture), "image/png")

        with pytest.raises(PeerRefusedError, match="Unsupported file type"):
            await engine.upload("notes.txt", pieces(b"text"), 4, "text/plain")

    answer = await peers.client.get(url)
    assert (answer.content, answer.headers["content-type"]) == (picture, "image/png")


async def test_what_a_file_raises_as_it_is_read_goes_on(peers: Peers) -> None:
    """It is not the engine's fault, and is not taken for it."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"a part"
        raise PeerMissingError("storage", "has no such file")

    async with an_engine(peers.comfydeploy) as engine:
        with pytest.raises(PeerMissingError, match="storage"):
            await engine.upload("portrait.png", broken(), 4000, "image/png")


async def test_refuses_a_file_that_is_too_large_without_sending_it() -> None:
    """The peer's own limit is known."""
    async with an_engine("http://127.0.0.1:9") as engine:
        with pytest.raises(PeerRefusedError, match="250 MB"):
            await engine.upload("a.png", pieces(b""), UPLOAD_LIMIT + 1, "image/png")


async def test_checks_its_key(peers: Peers) -> None:
    """A right key is told from a wrong one by a call that changes nothing."""
    async with an_engine(peers.comfydeploy) as engine:
        assert await engine.check() == "the key is accepted"
    async with an_engine(peers.comfydeploy, key="suspended") as engine:
        with pytest.raises(PeerDownError, match="suspended"):
            await engine.check()


async def test_an_account_that_is_suspended_is_a_fault_of_the_whole_peer(peers: Peers) -> None:
    """No order is refused for it: all of them wait, and somebody is woken."""
    async with an_engine(peers.comfydeploy, key="suspended") as engine:
        with pytest.raises(PeerDownError, match="suspended"):
            await engine.submit(ordered(), WEBHOOK)


async def test_a_redirect_is_a_fault_of_the_whole_peer() -> None:
    """No right base URL answers one; it is not followed, and nothing was done."""
    answer = httpx.Response(307, headers={"location": "http://elsewhere.example/?token=x"})
    async with an_odd_peer(answer) as engine:
        with pytest.raises(PeerDownError, match="COMFYDEPLOY_API_URL") as caught:
            await engine.submit(ordered(), WEBHOOK)

    assert "elsewhere.example" not in str(caught.value)


@pytest.mark.parametrize("key", ["revoked", "expired"])
async def test_a_key_that_is_refused_is_a_fault_of_the_whole_peer(peers: Peers, key: str) -> None:
    """Every debt of the engine waits until the key is mended."""
    async with an_engine(peers.comfydeploy, key=key) as engine:
        with pytest.raises(PeerDownError, match="COMFYDEPLOY_API_KEY"):
            await engine.submit(ordered(), WEBHOOK)


@pytest.mark.parametrize(
    ("key", "deployment", "said"),
    [
        ("no-credits", DEPLOYMENT, "credits"),
        ("a-key", MISSING, "Deployment not found"),
        ("a-key", "not-a-uuid", "deployment_id"),
    ],
)
async def test_a_no_is_final_and_says_why(
    peers: Peers, key: str, deployment: str, said: str
) -> None:
    """A 4xx to a submit is the engine's own word; trying again would bring the same."""
    async with an_engine(peers.comfydeploy, key=key) as engine:
        with pytest.raises(PeerRefusedError, match=said):
            await engine.submit(ordered(deployment), WEBHOOK)


@pytest.mark.parametrize(
    "fault", ["500", "503", "reset", "hang", "created-then-hang", "created-then-500"]
)
async def test_a_broken_submit_leaves_open_whether_the_run_was_made(
    peers: Peers, fault: str
) -> None:
    """There is no idempotency key, so it must not be sent again."""
    async with an_engine(peers.comfydeploy, timing=QUICK) as engine:
        with pytest.raises(PeerUnknownError):
            await engine.submit(ordered(sandbox_submit=fault), WEBHOOK)


async def test_a_429_was_surely_not_taken(peers: Peers) -> None:
    """The same submit can be sent again."""
    async with an_engine(peers.comfydeploy) as engine:
        with pytest.raises(PeerBusyError):
            await engine.submit(ordered(sandbox_submit="429"), WEBHOOK)


async def test_a_refused_connection_was_surely_not_taken() -> None:
    """Nothing was sent, so nothing was done."""
    async with an_engine("http://127.0.0.1:9") as engine:
        with pytest.raises(PeerDownError, match="cannot be reached"):
            await engine.submit(ordered(), WEBHOOK)


async def test_an_unknown_run_is_missing(peers: Peers) -> None:
    """Reading says so; cancelling answers 500 there, which may mean `not yet`."""
    async with an_engine(peers.comfydeploy) as engine:
        with pytest.raises(PeerMissingError):
            await engine.read(RunAt(NOBODYS))
        with pytest.raises(PeerBusyError, match="Run not found"):
            await engine.cancel(RunAt(NOBODYS))


async def test_a_429_names_its_wait() -> None:
    """Retry-After in seconds is heeded, at most an hour of it; a date is not."""
    for text, wait in [("7", timedelta(seconds=7)), ("99999", timedelta(hours=1)), ("Mon", None)]:
        async with an_odd_peer(httpx.Response(429, headers={"retry-after": text})) as engine:
            with pytest.raises(PeerBusyError) as caught:
                await engine.read(RunAt(NOBODYS))

        assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, text="<html>"), PeerBusyError),
        (httpx.Response(200, json={"id": "x"}), PeerBusyError),
        (httpx.Response(302, headers={"location": "http://elsewhere.example"}), PeerDownError),
        (httpx.Response(200, json={"id": "another", "status": "success"}), PeerBusyError),
        (httpx.Response(200, content=bytes(ANSWER_LIMIT + 1)), PeerUnknownError),
        (httpx.Response(502, text="Bad Gateway"), PeerBusyError),
        (httpx.Response(403, json={"detail": "Access denied. "}), PeerRefusedError),
    ],
)
async def test_an_odd_answer_to_a_read_is_no_report(
    answer: httpx.Response, error: type[PeerError]
) -> None:
    """What makes no sense now may make sense later; a redirect is not followed."""
    async with an_odd_peer(answer) as engine:
        with pytest.raises(error):
            await engine.read(RunAt(NOBODYS))


async def test_a_submit_answered_without_a_run_id_is_unknown() -> None:
    """A proxy's 200 page says nothing about the run."""
    async with an_odd_peer(httpx.Response(200, text="<html>")) as engine:
        with pytest.raises(PeerUnknownError):
            await engine.submit(ordered(), WEBHOOK)


async def test_no_error_names_key_or_webhook(peers: Peers) -> None:
    """Messages are logged and kept in records; they hold no secret and no URL."""
    async with an_engine(peers.comfydeploy, key="revoked") as engine:
        with pytest.raises(PeerDownError) as caught:
            await engine.submit(ordered(), WEBHOOK)

    assert "revoked" not in str(caught.value).lower().replace("revoked token", "")
    assert "token=" not in str(caught.value)


async def test_what_an_error_quotes_holds_no_secret() -> None:
    """It is kept in the record and told to people."""
    said = f"bad webhook {WEBHOOK} with Bearer abcdefghijk"
    async with an_odd_peer(httpx.Response(400, json={"detail": said})) as engine:
        with pytest.raises(PeerRefusedError, match="bad webhook") as caught:
            await engine.submit(ordered(), WEBHOOK)

    assert "generation=" not in str(caught.value)
    assert "token" not in str(caught.value)
    assert "abcdefghijk" not in str(caught.value)


async def test_a_peer_that_dribbles_is_waited_for_no_longer_than_any_other() -> None:
    """A byte now and then keeps no call alive."""
    sending = asyncio.Event()

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing() and not sending.is_set():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(dribble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with an_engine(f"http://127.0.0.1:{port}", timing=QUICK) as engine:
            with pytest.raises(PeerUnknownError, match="TimeoutError"):
                await engine.read(RunAt(NOBODYS))
            with pytest.raises(PeerUnknownError, match="TimeoutError"):
                await engine.submit(ordered(), WEBHOOK)
        sending.set()


def a_list(answers: Mapping[str, httpx.Response], asked: list[str]) -> httpx.MockTransport:
    """Return an API whose list has these runs; `asked` is told each run that is read."""
    rows = [{"id": each, "created_at": "2026-01-01T12:00:00"} for each in answers]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/runs"):
            return httpx.Response(200, json={"data": rows})
        asked.append(request.url.path.rsplit("/", 1)[-1])
        return answers[asked[-1]]

    return httpx.MockTransport(answer)


def a_run(run_id: str, webhook: str | None) -> httpx.Response:
    """Return what the API says of a run with this webhook."""
    return httpx.Response(200, json={"id": run_id, "status": "running", "webhook": webhook})


async def test_a_run_that_cannot_be_read_hides_no_other() -> None:
    """A list holds what was deleted since, and what the API itself stumbles over."""
    answers = {
        "gone": httpx.Response(404),
        "broken": httpx.Response(500),
        "odd": httpx.Response(200, text="<html>"),
        "ours": a_run("ours", WEBHOOK),
    }
    async with httpx.AsyncClient(transport=a_list(answers, [])) as client:
        engine = ComfyDeploy(
            client, url="http://a", key="k", hosts=(), timing=TIMING, metrics=Metrics()
        )
        found = [each.run_id async for each in engine.recent(ordered(), NOON)]

    assert found == ["ours"]


async def test_a_strangers_run_is_read_once() -> None:
    """Whose it is never changes; one that may be ours is read each time."""
    mine = ordered()
    answers = {
        "stranger": a_run("stranger", "https://x.example.com/"),
        "nobody": a_run("nobody", None),
        "mine": a_run("mine", f"https://us.example.com/?generation={mine.id}"),
    }
    asked, found = list[str](), list[RunId]()
    async with httpx.AsyncClient(transport=a_list(answers, asked)) as client:
        engine = ComfyDeploy(
            client, url="http://a", key="k", hosts=(), timing=TIMING, metrics=Metrics()
        )
        for _ in range(3):
            found = [each.run_id async for each in engine.recent(mine, NOON)]

    assert found == ["mine"]
    assert asked == ["stranger", "nobody", "mine", "mine", "mine"]
