"""app.engines.replicate: each thing the network and the peer can do, sorted by what to do."""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from pydantic import JsonValue
from structlog.testing import capture_logs

from app.bootstrap import make_client
from app.clock import Clock
from app.engines.calling import SMALL
from app.engines.replicate import CREATIONS, DATA_URL_MOST, LARGE_AT_ONCE, Replicate
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerError,
    PeerMissingError,
    PeerRefusedError,
    PeerUnknownError,
)
from app.observability.metrics import Metrics
from processors.protocols import replicate
from schemas.base import RunId
from schemas.generation import OUTPUTS_KEPT, Generation, Request, StatusChange
from schemas.run import RunAt, RunStatus
from schemas.timing import Timing
from tests.builders import an_order
from tests.peers import Peers, a_sandbox

pytestmark = pytest.mark.anyio

VERSION = "0f" * 32
WEBHOOK = "http://127.0.0.1:9/api/webhook/replicate?generation=x&token=y"
NOBODYS = RunId("nobodys0000000000000000000")
TIMING = Timing(submit_limit=timedelta(seconds=5), call_limit=timedelta(seconds=5))
TOKEN = "r8_any"
QUICK = Timing(submit_limit=timedelta(milliseconds=300), call_limit=timedelta(milliseconds=300))
SLACK = timedelta(minutes=2)


@pytest.fixture(scope="module")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return a sandbox of this module's own."""
    async with a_sandbox(seconds=0.1) as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the sandbox as if it had just started."""
    await sandbox.control("reset")
    await sandbox.control("replicate", retry_scale=0.01)
    return sandbox


@asynccontextmanager
async def an_engine(
    url: str, token: str = TOKEN, timing: Timing = TIMING, secrets: Sequence[str] = ()
) -> AsyncGenerator[Replicate]:
    """Return the client of an API at `url`."""
    async with make_client() as client:
        yield Replicate(
            client, url=url, token=token, secrets=secrets, timing=timing, metrics=Metrics()
        )


@asynccontextmanager
async def an_odd_peer(*answers: httpx.Response) -> AsyncGenerator[Replicate]:
    """Return the client of an API that answers so, one after another; the last one for ever."""
    left = list(answers)
    transport = httpx.MockTransport(lambda _: left.pop(0) if len(left) > 1 else left[0])
    async with httpx.AsyncClient(transport=transport) as client:
        yield Replicate(
            client, url="http://peer.example/v1/", token="t", timing=TIMING, metrics=Metrics()
        )


def ordered(request: Request | None = None, **inputs: JsonValue) -> Generation:
    """Return an order that is being sent now."""
    given: dict[str, JsonValue] = {"prompt": "a lighthouse at dusk", **inputs}
    sent = StatusChange(status=RunStatus.SUBMITTING, at=Clock().now(), source="submit")
    target = request or Request(version=VERSION)
    return an_order(
        engine=replicate.NAME, request_payload=target.change(inputs=given), history=(sent,)
    )


@pytest.mark.parametrize(
    "target",
    [
        Request(version=VERSION),
        Request(model="black-forest-labs/flux-schnell"),
        Request(deployment_id="acme/portraits"),
    ],
)
async def test_submits_and_reads_a_prediction(peers: Peers, target: Request) -> None:
    """By version, official model or deployment; it is given inputs and webhook."""
    await peers.control("replicate", hold_ends=True)
    async with an_engine(peers.replicate) as engine:
        run_id = await engine.submit(ordered(target), WEBHOOK)
        report = await engine.read(RunAt(run_id))

    (made,) = await peers.look("replicate/predictions")
    assert run_id == report.run_id == made["id"]
    assert report.status in {RunStatus.QUEUED, RunStatus.RUNNING}
    assert made["input"] == {"prompt": "a lighthouse at dusk"}
    assert made["webhook"] == WEBHOOK
    assert set(made["events"]) == {"start", "output", "logs", "completed"}


async def test_cancels_what_runs_what_has_ended_and_what_it_does_not_know(peers: Peers) -> None:
    """None of them is a fault; the one that ran is cancelled."""
    await peers.control("replicate", hold_ends=True)
    async with an_engine(peers.replicate) as engine:
        run_id = await engine.submit(ordered(), WEBHOOK)
        await engine.cancel(RunAt(run_id))
        await engine.cancel(RunAt(run_id))
        await engine.cancel(RunAt(NOBODYS))
        report = await engine.read(RunAt(run_id))

    assert report.status is RunStatus.CANCELLED


async def test_lists_what_may_have_been_made_of_an_order(peers: Peers) -> None:
    """Page after page, newest first: of the same inputs, and no others."""
    await peers.control("replicate", hold_ends=True, page=2)
    async with an_engine(peers.replicate) as engine:
        order = ordered()
        made = [await engine.submit(order, WEBHOOK) for _ in range(3)]
        await engine.submit(ordered(prompt="a hill"), WEBHOOK)
        await engine.submit(ordered(Request(model="acme/other")), WEBHOOK)
        found = [each async for each in engine.recent(order, Clock().now() - SLACK)]
        later = order.history[0].change(at=Clock().now() + timedelta(hours=1))
        none = [
            each async for each in engine.recent(order.change(history=(later,)), later.at - SLACK)
        ]

    assert [each.run_id for each in found] == made[::-1]
    assert all(each.alike and each.webhook is None for each in found)
    assert none == []


async def test_a_prediction_that_carries_our_webhook_is_read() -> None:
    """Whatever else it was made of; one of somebody else's is not, nor what is too late or old."""
    order = ordered()
    now = Clock().now()

    def a_listed(name: str, webhook: str | None, minutes: float = 0) -> dict[str, object]:
        at = (now + timedelta(minutes=minutes)).isoformat()
        return {"id": name, "created_at": at, "input": {}, "webhook": webhook}

    ours = f"https://us.example.com/api/webhook/replicate?generation={order.id}&token=t"
    results = [
        a_listed("late", ours, 10),
        a_listed("strangers", "https://x.example.com"),
        a_listed("ours", ours),
        a_listed("old", ours, -3),
        a_listed("older", ours, -4),
    ]
    page = {"results": results, "next": "https://elsewhere.example.com/v1/predictions?cursor=2"}
    read = {"id": "ours", "status": "processing"}
    async with an_odd_peer(
        httpx.Response(200, json=page), httpx.Response(200, json=read)
    ) as engine:
        found = [each async for each in engine.recent(order, now - SLACK)]

    assert [(each.run_id, each.webhook, each.alike) for each in found] == [("ours", ours, False)]


async def test_the_next_page_is_asked_of_the_same_address_and_once() -> None:
    """Our token goes nowhere else, whatever a page says."""
    asked = list[httpx.URL]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        after = "https://elsewhere.example.com/v1/predictions?cursor=2"
        return httpx.Response(200, json={"results": [], "next": after})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        engine = Replicate(
            client, url="http://peer.example/v1", token="t", timing=TIMING, metrics=Metrics()
        )
        assert [each async for each in engine.recent(ordered(), Clock().now() - SLACK)] == []

    assert [each.host for each in asked] == ["peer.example"] * 2
    assert asked[0].params["created_after"] < asked[0].params["created_before"]
    assert asked[1].params["cursor"] == "2"


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield a file piece by piece."""
    for at in range(0, len(content), 1000):
        yield content[at : at + 1000]


async def test_a_small_file_is_given_within_the_inputs_and_a_large_one_fetched(
    peers: Peers,
) -> None:
    """The peer has what was given."""
    content = bytes(range(256)) * (DATA_URL_MOST // 256)
    async with an_engine(peers.replicate) as engine:
        assert not engine.fetches(len(content))
        assert engine.fetches(DATA_URL_MOST + 1)
        address = await engine.upload("a.png", pieces(content), len(content), "image/png")
        with pytest.raises(PeerRefusedError):
            await engine.upload("a.png", pieces(content), DATA_URL_MOST + 1, "image/png")
        run_id = await engine.submit(ordered(image=address), WEBHOOK)

    assert address.startswith("data:image/png;base64,")
    assert base64.b64decode(address.partition(",")[2]) == content
    assert run_id


FAULTS = [
    ({"create": "422"}, PeerRefusedError),
    ({"auth": "invalid"}, PeerDownError),
    ({"auth": "no-credits"}, PeerDownError),
    ({"create": "429", "resets_in": 7}, PeerBusyError),
    ({"create": "503"}, PeerUnknownError),
    ({"create": "reset"}, PeerUnknownError),
    ({"create": "taken-500"}, PeerUnknownError),
    ({"create": "taken-reset"}, PeerUnknownError),
    ({"create": "taken-hang"}, PeerUnknownError),
    ({"down": True}, PeerError),
]


@pytest.mark.parametrize(("fault", "raised"), FAULTS, ids=lambda each: str(each)[:40])
async def test_a_fault_of_a_submit_says_whether_it_was_taken(
    peers: Peers, fault: dict[str, object], raised: type[PeerError]
) -> None:
    """What may have been taken is unknown; only what was surely not is anything else."""
    await peers.control("replicate", **fault)
    async with an_engine(peers.replicate, timing=QUICK) as engine:
        with pytest.raises(raised) as error:
            await engine.submit(ordered(), WEBHOOK)

    made = len(await peers.look("replicate/predictions"))
    assert made == 0 or isinstance(error.value, PeerUnknownError)
    if isinstance(error.value, PeerBusyError):
        assert error.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("answer", "raised", "said"),
    [
        (httpx.Response(301), PeerDownError, "REPLICATE_API_URL leads elsewhere"),
        (httpx.Response(401), PeerDownError, "refuses REPLICATE_API_TOKEN"),
        (httpx.Response(402), PeerDownError, "add credit at replicate.com/account/billing"),
        (httpx.Response(404), PeerRefusedError, "has no such model or deployment"),
        (
            httpx.Response(422, json={"title": "Invalid version or not permitted"}),
            PeerRefusedError,
            "Invalid version or not permitted",
        ),
        (httpx.Response(403), PeerRefusedError, "answered 403"),
        (httpx.Response(429), PeerBusyError, "slow down"),
        (httpx.Response(429, headers={"Retry-After": "3"}), PeerBusyError, "slow down"),
        (httpx.Response(500), PeerUnknownError, "answered 500"),
        (httpx.Response(201, json={"id": None}), PeerUnknownError, "answered no prediction"),
        (httpx.Response(200, text="<html>"), PeerUnknownError, "answered no prediction"),
    ],
)
async def test_every_answer_to_a_submit_has_a_meaning(
    answer: httpx.Response, raised: type[PeerError], said: str
) -> None:
    """In words that say what to do where something can be done."""
    async with an_odd_peer(answer) as engine:
        with pytest.raises(raised, match=said) as error:
            await engine.submit(ordered(), WEBHOOK)
    if isinstance(error.value, PeerBusyError):
        assert error.value.retry_after in {timedelta(seconds=3), timedelta(seconds=10)}


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (httpx.Response(404), PeerMissingError),
        (httpx.Response(500), PeerBusyError),
        (httpx.Response(200, text="<html>"), PeerBusyError),
        (httpx.Response(200, json={"id": "another", "status": "starting"}), PeerBusyError),
    ],
)
async def test_every_answer_to_a_question_has_one_too(
    answer: httpx.Response, raised: type[PeerError]
) -> None:
    """What makes no sense may make sense later."""
    async with an_odd_peer(answer) as engine:
        with pytest.raises(raised):
            await engine.read(RunAt(NOBODYS))


async def test_a_run_that_made_more_than_is_kept_is_noted() -> None:
    """A list of numbers, as an embedding is, has more outputs than a record keeps."""
    told = {"id": NOBODYS, "status": "succeeded", "output": list(range(768))}
    async with an_odd_peer(httpx.Response(200, json=told)) as engine:
        with capture_logs() as logged:
            report = await engine.read(RunAt(NOBODYS))
    assert len(report.outputs) == OUTPUTS_KEPT
    assert [(each["event"], each["kept"]) for each in logged] == [
        ("a run made more than is kept", OUTPUTS_KEPT)
    ]


class Large(httpx.AsyncByteStream):
    """Answers of more than a megabyte; how many are read on at once is counted."""

    def __init__(self) -> None:
        self.read_on, self.most = 0, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield one such answer."""
        yield b'{"id": "' + NOBODYS.encode() + b'", "status": "starting", "logs": "'
        yield b"x" * SMALL
        self.read_on += 1
        self.most = max(self.most, self.read_on)
        await asyncio.sleep(0)
        yield b'"}'
        self.read_on -= 1


async def test_large_answers_are_read_a_few_at_a_time() -> None:
    """Each by each, however many are asked for at once."""
    large = Large()
    answers = [httpx.Response(200, stream=large) for _ in range(8)]
    async with an_odd_peer(*answers) as engine, asyncio.TaskGroup() as group:
        reads = [group.create_task(engine.read(RunAt(NOBODYS))) for _ in range(8)]
    assert {each.result().status for each in reads} == {RunStatus.QUEUED}
    assert large.most == LARGE_AT_ONCE


async def test_whoever_would_wait_long_for_a_turn_comes_back_later() -> None:
    """It is told when; nothing was sent for it."""
    async with an_odd_peer(httpx.Response(500)) as engine:
        for _ in range(CREATIONS):
            engine.creations.take()
        with pytest.raises(PeerBusyError, match="as often as it allows") as error:
            await engine.turn()
    assert error.value.retry_after is not None
    assert error.value.retry_after > timedelta(seconds=15)


async def test_a_429_holds_back_all_calls_of_its_kind() -> None:
    """Nothing is sent for them until then; the others go on."""
    slow_down = httpx.Response(429, headers={"Retry-After": "30"})
    async with an_odd_peer(slow_down, httpx.Response(200)) as engine:
        with pytest.raises(PeerBusyError, match="asks us to slow down"):
            await engine.submit(ordered(), WEBHOOK)
        assert timedelta(seconds=20) < await held_back(engine) <= timedelta(seconds=30)
        await engine.cancel(RunAt(NOBODYS))


async def test_whoever_waits_for_a_turn_is_held_back_as_well() -> None:
    """Its turn comes, and is not used."""
    async with an_odd_peer(httpx.Response(500)) as engine:
        while not engine.creations.ahead:
            engine.creations.take()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(held_back(engine))
            await asyncio.sleep(0)
            engine.creations.hold(30)
    assert waiting.result() <= timedelta(seconds=30)


async def held_back(engine: Replicate) -> timedelta:
    """Wait for a turn that does not come; return when one may."""
    with pytest.raises(PeerBusyError, match=r"slow down|as often as") as error:
        await engine.turn()
    return error.value.retry_after or timedelta()


async def test_the_check_compares_the_secret(peers: Peers) -> None:
    """Without one of ours there is nothing to compare."""
    async with an_engine(peers.replicate) as engine:
        assert await engine.check() == "the token is accepted"
    async with an_engine(peers.replicate, secrets=["whsec_x", peers.replicate_secret]) as engine:
        assert "the webhook secret is the account's" in await engine.check()
    async with an_engine(peers.replicate, secrets=["whsec_x"]) as engine:
        with pytest.raises(PeerRefusedError, match="REPLICATE_WEBHOOK_SECRET"):
            await engine.check()
    async with an_engine(peers.replicate, token="invalid") as engine:
        with pytest.raises(PeerDownError, match="REPLICATE_API_TOKEN"):
            await engine.check()
