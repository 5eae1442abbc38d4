"""app.web.webhooks: the token first, then the body, then the disk, then 200."""

import asyncio
import re
from collections import Counter
from datetime import timedelta

import orjson
import pytest
from starlette.types import Message, Scope

from app.errors import OverloadedError
from app.web.application import create_app
from processors.errors import RefusedBodyError
from processors.protocols import signing
from schemas.run import Delivery, RunEvent, RunStatus
from tests.app.web.fakes import ENGINE, ID, KEY, NOON, OLD_KEY, World, a_hook
from tests.app.web.serving import Site, serving

pytestmark = pytest.mark.anyio

BODY = orjson.dumps({"event_type": "run.updated", "run_id": "run-1", "status": "running"})
JSON = {"Content-Type": "application/json"}
MEBIBYTE = 1024 * 1024


def a_head(method: str = "POST", target: str | None = None, *more: str) -> tuple[str, ...]:
    """The head of a webhook after whose answer the connection closes."""
    return (
        f"{method} {target or a_hook()} HTTP/1.1",
        "Host: relay.test",
        "Connection: close",
        "Content-Type: application/json",
        *more,
    )


async def posted(site: Site, body: bytes, path: str | None = None) -> int:
    """Post a webhook; return the status of the answer."""
    answer = await site.post(path or a_hook(), content=body, headers=JSON)
    return answer.status_code


async def test_a_webhook_is_taken_in_and_then_accepted(a_world: type[World]) -> None:
    """What came is handed on untouched, with the time, and answered once it is kept."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.post(a_hook(), content=BODY, headers=JSON)

    [(delivery, event)] = world.acceptor.taken
    assert answer.status_code == 200
    assert answer.json() == {"status": "accepted"}
    assert delivery == Delivery(generation=ID, attempt=1, engine=ENGINE, at=NOON, raw=BODY)
    assert event.status is RunStatus.RUNNING
    assert world.acceptor.by_short_way == int(world.short_way)


async def test_nothing_is_accepted_before_it_is_kept(a_world: type[World]) -> None:
    """The answer waits for the disk."""
    world = a_world()
    world.acceptor.gate = asyncio.Event()
    async with serving(world) as site, asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(posted(site, BODY))
        await world.acceptor.held.wait()

        assert not answer.done()
        world.acceptor.gate.set()
    assert answer.result() == 200


@pytest.mark.parametrize("prefix", ["", "/relay", "/relay/"])
async def test_webhooks_are_served_under_the_prefix_and_at_the_root(
    a_world: type[World], prefix: str
) -> None:
    """With a slash at the end or without, and never by a redirect."""
    async with serving(a_world(prefix=prefix)) as site:
        path, _, query = a_hook().partition("?")
        statuses = [
            await posted(site, BODY, f"{base}{path}{slash}?{query}")
            for base in {"", prefix.rstrip("/")}
            for slash in ("", "/")
        ]

    assert set(statuses) == {200}


async def test_other_parameters_are_passed_over(a_world: type[World]) -> None:
    """ComfyDeploy reads target_events from the URL, and calls it as it is."""
    async with serving(a_world()) as site:
        assert await posted(site, BODY, f"{a_hook()}&target_events=run.output,run.updated") == 200


async def test_other_methods_are_refused(a_world: type[World]) -> None:
    """Only what engines use is answered."""
    async with serving(a_world()) as site:
        answer = await site.client.put(a_hook(), content=BODY, headers=JSON)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


async def test_an_engine_that_is_off_has_no_webhook(a_world: type[World]) -> None:
    """There is nothing at its path."""
    async with serving(a_world()) as site:
        assert await posted(site, BODY, a_hook().replace("comfydeploy", "replicate")) == 404


async def test_case_09_a_retry_as_get_with_a_body_is_the_same_as_a_post(
    a_world: type[World],
) -> None:
    """ComfyDeploy repeats a failed webhook as a GET with its body."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.post(a_hook(), content=BODY, headers=JSON, method="GET")

    assert answer.status_code == 200
    assert world.acceptor.taken[0][0].raw == BODY


@pytest.mark.parametrize("length", [(), ("Content-Length: 0",)])
async def test_case_09_a_get_without_a_body_asks_the_run_now(
    a_world: type[World], length: tuple[str, ...]
) -> None:
    """It is taken in as a sign of life, whatever its content type."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.raw(
            f"GET {a_hook()} HTTP/1.1", "Host: relay.test", "Connection: close", *length
        )

    [(delivery, event)] = world.acceptor.taken
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert delivery.raw == b""
    assert event.run_id is None


async def test_a_post_without_a_body_is_refused(a_world: type[World]) -> None:
    """Nothing is no JSON."""
    async with serving(a_world()) as site:
        assert await posted(site, b"") == 400


_RIGHT = signing.webhook_token(KEY, ENGINE, ID, 1)
_OTHER = "0198c0ffee0000000000000000000002"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param(f"generation={ID}", id="no token"),
        pytest.param(f"token={_RIGHT}", id="no generation"),
        pytest.param(f"generation={ID}&token=", id="empty"),
        pytest.param(f"generation={ID}&token={_RIGHT[:-1]}", id="truncated"),
        pytest.param(f"generation={ID}&token={_RIGHT}x", id="longer"),
        pytest.param(f"generation={ID}&token=2{_RIGHT[1:]}", id="another attempt"),
        pytest.param(f"generation={_OTHER}&token={_RIGHT}", id="another generation"),
        pytest.param(f"generation={ID.upper()}&token={_RIGHT}", id="upper case"),
        pytest.param(f"generation={ID}&token=1.%C3%A9{_RIGHT[3:]}", id="encoded"),
        pytest.param(f"generation={ID}&token={_RIGHT}&token={_RIGHT}", id="two tokens"),
        pytest.param(f"generation={ID}&generation={ID}&token={_RIGHT}", id="two generations"),
        pytest.param(f"generation[$ne]={ID}&token[$ne]={_RIGHT}", id="operators"),
        pytest.param(f"generation={ID}&token={'x' * 60_000}", id="60 kB long"),
    ],
)
async def test_case_14_whatever_is_wrong_with_a_token_is_401_in_the_same_words(
    a_world: type[World], query: str
) -> None:
    """Before the body is read: it is refused though it would be too large."""
    world = a_world()
    async with serving(world) as site:
        target = f"/api/webhook/comfydeploy?{query}"
        answer = await site.raw(*a_head("POST", target, "Content-Length: 10000000000"))

    head, _, said = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 ")
    assert orjson.loads(said) == {
        "type": "/docs#unauthorized",
        "title": "The key or token is missing or not a right one",
        "status": 401,
        "detail": "a valid key or token is required",
        "reason": "unauthorized",
    }
    assert world.acceptor.taken == []
    assert world.metrics.counted == ["refused unauthorized"]


@pytest.mark.parametrize("token", ["1.\xe9" + _RIGHT[3:], "x" * MEBIBYTE], ids=["bytes", "1 MB"])
async def test_case_14_a_target_that_is_none_is_400(a_world: type[World], token: str) -> None:
    """The parser refuses what is not ASCII or longer than 64 kB; nothing of ours sees it."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.raw(*a_head("POST", a_hook(token=token)))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert set(world.metrics.counted) == {"refused malformed"}


async def test_case_54_a_flood_of_wrong_tokens_touches_nothing(a_world: type[World]) -> None:
    """Each is refused before anything is read or kept, and a right one is taken after them."""
    world, statuses = a_world(), Counter[int]()
    app = create_app(world.services(), world.hooks())

    async def never() -> Message:
        raise AssertionError

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses[message["status"]] += 1

    for n in range(10_000):
        path, _, query = a_hook(token=f"1.{n:043}").partition("?")
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", b"relay.test"), (b"content-type", b"application/json")],
        }
        await app(scope, never, noted)
    async with serving(world) as site:
        assert await posted(site, BODY) == 200

    assert statuses == {401: 10_000}
    assert len(world.acceptor.taken) == 1


async def test_case_18_tokens_of_an_older_key_are_accepted_while_it_is_kept(
    a_world: type[World],
) -> None:
    """A revoked key's are not."""
    hook = a_hook(key=OLD_KEY)
    async with serving(a_world(keys=(KEY, OLD_KEY))) as site:
        assert await posted(site, BODY, hook) == 200
    async with serving(a_world(keys=(KEY,))) as site:
        assert await posted(site, BODY, hook) == 401


async def test_no_keys_let_nobody_in(a_world: type[World]) -> None:
    """A setting that is missing is no open door."""
    async with serving(a_world(keys=())) as site:
        assert await posted(site, BODY) == 401


@pytest.mark.parametrize("more", [(), ("Expect: 100-continue",)])
@pytest.mark.parametrize("length", [MEBIBYTE + 1, 10_000_000_000])
async def test_case_22_a_declared_length_over_the_limit_is_413_before_the_body(
    a_world: type[World], length: int, more: tuple[str, ...]
) -> None:
    """The run is asked instead; no 100 invites the body."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.raw(*a_head("POST", None, f"Content-Length: {length}", *more))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert [delivery.raw for delivery, _ in world.acceptor.taken] == [b""]
    assert world.metrics.counted == ["refused too_large"]


async def test_case_22_a_chunked_body_over_the_limit_is_413(a_world: type[World]) -> None:
    """It is counted as it comes, and the run is asked instead."""
    world = a_world()
    chunks = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    async with serving(world) as site:
        answer = await site.raw(
            *a_head("POST", None, "Transfer-Encoding: chunked"), body=chunks * 17 + b"0\r\n\r\n"
        )

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert [delivery.raw for delivery, _ in world.acceptor.taken] == [b""]


async def test_a_body_of_the_largest_size_is_read(a_world: type[World]) -> None:
    """1 MiB is not over 1 MiB."""
    world = a_world()
    async with serving(world) as site:
        assert await posted(site, BODY + b" " * (MEBIBYTE - len(BODY))) == 200


async def test_case_23_100_000_brackets_are_400(a_world: type[World]) -> None:
    """Neither a stack nor an answer breaks."""
    world = a_world()
    async with serving(world) as site:
        assert await posted(site, b"[" * 100_000) == 400
        assert await posted(site, b"[" * 100_000 + b"]" * 100_000) == 400
    assert world.metrics.counted == ["refused json", "refused json"]


async def test_case_24_many_small_values_are_refused_by_size(a_world: type[World]) -> None:
    """The sender, still sending, gets to read the answer."""
    body = b"[" + b"[]," * 3_000_000 + b"[]]"
    async with serving(a_world()) as site:
        answer = await site.raw(*a_head("POST", None, f"Content-Length: {len(body)}"), body=body)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" * 5000, '"0.5x"'])
async def test_case_25_numbers_that_are_none_are_400(a_world: type[World], number: str) -> None:
    """They are never taken in."""
    world = a_world()
    body = b'{"run_id": "run-1", "status": "running", "progress": %s}' % number.encode()
    async with serving(world) as site:
        assert await posted(site, body) == 400
    assert world.acceptor.taken == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"run_id": "run-1", "status": "\\ud800"}', 400, id="lone surrogate"),
        pytest.param(b"\xef\xbb\xbf" + BODY, 400, id="BOM"),
        pytest.param(BODY.decode().encode("utf-16"), 400, id="UTF-16"),
        pytest.param(BODY.replace(b"run-1", b"run-\xff"), 400, id="invalid UTF-8"),
        pytest.param(BODY.replace(b"run-1", b"run-\\u0000"), 400, id="NUL in the run's id"),
        pytest.param(b'{"": 1, "$set": 2, "a.b": 3, ' + BODY[1:], 200, id="keys"),
        pytest.param(b'{"a\\u0000": 1, ' + BODY[1:], 400, id="NUL in a key"),
        pytest.param(b'{"status": "failed", ' + BODY[1:], 200, id="duplicate keys"),
        pytest.param(b"[]", 400, id="list"),
        pytest.param(b'"text"', 400, id="text"),
        pytest.param(b"null", 400, id="null"),
    ],
)
async def test_case_26_odd_json_is_400_or_kept_as_bytes(
    a_world: type[World], body: bytes, expected: int
) -> None:
    """It never gets further than that."""
    world = a_world()
    async with serving(world) as site:
        assert await posted(site, body) == expected
    assert [delivery.raw for delivery, _ in world.acceptor.taken] == [body] * (expected == 200)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/json", "Content-Encoding": "identity, gzip"},
    ],
)
async def test_case_27_other_content_is_415(a_world: type[World], headers: dict[str, str]) -> None:
    """Nothing is expanded."""
    async with serving(a_world()) as site:
        answer = await site.post(a_hook(), content=BODY, headers=headers)

    assert answer.status_code == 415


async def test_case_27_parameters_of_the_content_type_are_passed_over(a_world: type[World]) -> None:
    """A charset says nothing new about JSON."""
    async with serving(a_world()) as site:
        headers = {"Content-Type": "Application/JSON; charset=utf-8"}
        answer = await site.post(a_hook(), content=BODY, headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize("run_id", [{"$ne": None}, {"$regex": ".*"}, ["run-1"], 1, None, ""])
async def test_case_28_operators_in_a_body_are_400(a_world: type[World], run_id: object) -> None:
    """An id is a plain string, and the answer names the field."""
    async with serving(a_world()) as site:
        body = orjson.dumps({"run_id": run_id, "status": "running"})
        answer = await site.post(a_hook(), content=body, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["field"] == "run_id"


async def test_case_29_strings_that_look_like_operators_are_kept_verbatim(
    a_world: type[World],
) -> None:
    """What came is what is kept."""
    data = {"text": ["$secret", "$$ROOT"], "$function": []}
    outputs = [{"id": "one", "data": data}]
    body = orjson.dumps({"run_id": "run-1", "status": "success", "outputs": outputs})
    world = a_world()
    async with serving(world) as site:
        assert await posted(site, body) == 200

    [(delivery, event)] = world.acceptor.taken
    assert delivery.raw == body
    assert [output.text for output in event.outputs] == ["$secret", "$$ROOT"]


async def test_case_30_a_slow_body_is_408_and_others_are_served(a_world: type[World]) -> None:
    """The slow sender holds nobody up."""
    world = a_world(body_deadline=timedelta(milliseconds=50))
    async with serving(world) as site, asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(site.raw(*a_head("POST", None, "Content-Length: 9"), body=b"{"))
        assert await posted(site, BODY) == 200
    assert slow.result().startswith(b"HTTP/1.1 408 ")
    assert len(world.acceptor.taken) == 1


async def test_case_33_a_sender_that_leaves_in_mid_body_leaves_nothing(
    a_world: type[World],
) -> None:
    """Half a body is not taken in."""
    world = a_world()
    async with serving(world) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        head = "\r\n".join((*a_head("POST", None, f"Content-Length: {len(BODY) + 1}"), "", ""))
        writer.write(head.encode() + BODY)
        await writer.drain()
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        # One that is served after it shows that the first is over.
        assert await posted(site, BODY) == 200
    assert len(world.acceptor.taken) == 1


async def test_case_33_a_sender_that_leaves_before_the_answer_is_taken_in(
    a_world: type[World],
) -> None:
    """What had come whole is kept; its retry is a duplicate."""
    world = a_world()
    world.acceptor.gate = asyncio.Event()
    async with serving(world) as site:
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        head = "\r\n".join((*a_head("POST", None, f"Content-Length: {len(BODY)}"), "", ""))
        writer.write(head.encode() + BODY)
        await world.acceptor.held.wait()
        writer.close()
        await writer.wait_closed()
        world.acceptor.gate.set()
        assert await posted(site, BODY) == 200
    assert len(world.acceptor.taken) == 2


async def test_case_34_more_than_we_can_hold_is_503_with_a_time(a_world: type[World]) -> None:
    """Nothing that is not written is accepted."""
    world = a_world()
    world.acceptor.failure = OverloadedError("no room", timedelta(milliseconds=1500))
    async with serving(world) as site:
        answer = await site.post(a_hook(), content=BODY, headers=JSON)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert world.metrics.counted == ["refused overloaded"]


async def test_a_fault_of_ours_is_500_and_tells_nothing(
    a_world: type[World], capsys: pytest.CaptureFixture[str]
) -> None:
    """The log has it, with its generation; the sender has not, and will send again."""
    world = a_world()
    world.acceptor.failure = ZeroDivisionError("a secret of ours")
    async with serving(world) as site:
        answer = await site.post(a_hook(), content=BODY, headers=JSON)

    assert answer.status_code == 500
    assert "secret" not in answer.text
    logged = capsys.readouterr().out
    assert "a secret of ours" in logged
    assert f"generation={ID}" in re.sub("\x1b\\[[0-9;]*m", "", logged)
    assert world.metrics.counted == ["refused internal"]


async def test_a_refused_body_is_logged_without_the_body(
    a_world: type[World],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Which generation's it was is enough; the token stays out too."""

    def refuse(_delivery: Delivery) -> RunEvent:
        raise RefusedBodyError("schema", "no such thing", "status")

    async with serving(a_world(receiver=refuse)) as site:
        answer = await site.post(a_hook(), content=b'{"private": 1}', headers=JSON)

    logged = capsys.readouterr().out
    assert answer.json()["detail"] == "status: no such thing"
    assert ID in logged
    assert "private" not in logged
    assert _RIGHT not in logged
