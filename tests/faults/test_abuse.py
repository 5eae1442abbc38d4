"""Bodies, queries and heads that nobody honest sends, against the real service."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from tests.peers import Peers
from tests.service import API_KEY, DEPLOYMENT, PATIENCE, Service

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b'{"run_id": {"$ne": null}, "status": "success"}', JSON, 400, id="operator"),
        pytest.param(b'{"run_id": {"$regex": "."}, "status": "x"}', JSON, 400, id="regex"),
        pytest.param(b'["$where"]', JSON, 400, id="list"),
        pytest.param(b"null", JSON, 400, id="null"),
        pytest.param(b"", JSON, 400, id="empty"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, JSON, 400, id="case 23: deep list"),
        pytest.param(b'{"a":' * 100_000, JSON, 400, id="case 23: deep object"),
        pytest.param(
            b'{"run_id": "r", "status": "running", "outputs": ' + b"[" * 100_000 + b"]" * 100_000,
            JSON,
            400,
            id="case 23: deep outputs",
        ),
        pytest.param(b"[]," * MEBIBYTE, JSON, 413, id="case 24: many small values"),
        pytest.param(b'{"run_id": "\xff\xfe", "status": "x"}', JSON, 400, id="case 26: no UTF-8"),
        pytest.param('{"run_id": "r"}'.encode("utf-16"), JSON, 400, id="case 26: UTF-16"),
        pytest.param(b'{"run_id": "\\ud800", "status": "x"}', JSON, 400, id="case 26: surrogate"),
        pytest.param(b'{"run_id": "r"}', {"Content-Type": "text/plain"}, 415, id="text"),
        pytest.param(b"run_id=r", {}, 415, id="no type"),
        pytest.param(b"\x1f\x8b", {**JSON, "Content-Encoding": "gzip"}, 415, id="case 27: gzip"),
        pytest.param(
            b'{"run_id": "r", "status": "x"}', {**JSON, "X": "x" * 200_000}, 431, id="case 31: head"
        ),
    ],
)
async def test_a_webhook_that_is_none_is_refused(
    service: Service, body: bytes, headers: dict[str, str], status: int
) -> None:
    """A right token opens no door for a wrong body; the next honest webhook is taken."""
    generation = service.ordered[0] if service.ordered else await service.order()
    webhook = service.webhook(generation)
    answer = await service.client.post(webhook, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert (await service.post(webhook, {"run_id": "r", "status": "queued"})).status_code == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1e999", "9" * 5000, str(2**64), "-0.1"])
async def test_case_25_numbers_beyond_reason(service: Service, number: str) -> None:
    """They are refused or say nothing; none reaches a record."""
    generation, run = await service.order_running()
    body = f'{{"run_id": "{run}", "status": "running", "progress": {number}}}'
    answer = await service.client.post(service.webhook(generation), content=body, headers=JSON)
    assert answer.status_code in {200, 400}
    record = await service.get(generation)
    assert 0 <= record["progress"] < 1


async def test_case_22_a_body_of_10_mb_is_refused_before_it_is_read(service: Service) -> None:
    """The answer comes when the head has come, whatever length it declares."""
    target = urlsplit(service.webhook(await service.order()))
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    head = (
        f"POST {target.path}?{target.query} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {10 * MEBIBYTE}\r\n\r\n"
    )
    writer.write(head.encode())
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()
    await writer.wait_closed()


async def test_case_22_a_body_without_end_is_refused_before_it_is_read(service: Service) -> None:
    """A body that declares no length is counted as it comes and refused at the limit."""
    generation = await service.order()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * (MEBIBYTE // 4)

    answer = await service.client.post(service.webhook(generation), content=endless(), headers=JSON)
    assert answer.status_code == 413


async def test_case_29_payloads_that_look_like_code_are_kept_as_they_are(
    service: Service, peers: Peers
) -> None:
    """Strings such as "$secret" in inputs and events come back as they went in."""
    odd = ["$secret", "$$ROOT", '{"$function": {"body": "x"}}', "a\u202eb", "\U0001f3a8" * 9]
    generation, run = "", ""
    for text in odd:
        generation = await service.order(prompt=text, sandbox_end="none")
        run = await service.run_id(generation)
        body = {"run_id": run, "status": "uploading", "live_status": text, "progress": 0.5}
        assert (await service.post(service.webhook(generation), body)).status_code == 200
        record = await service.until(generation, "uploading")
        assert record["requestPayload"]["inputs"]["prompt"] == text
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await service.until(generation, "completed")


@pytest.mark.parametrize(
    "query",
    [
        "metadata.run_id[$ne]=",
        "metadata.run_id[$regex]=.",
        "$where=sleep(1000)",
        "metadata.run_id=a&metadata.run_id=b",
        "status[$gt]=",
        "limit=1e9",
        "limit=NaN",
        "limit=-1",
        "cursor[$ne]=x",
        "metadata.telegramChatId=99999999999999999999",
        "%24where=1",
    ],
)
async def test_case_28_operators_in_a_query(service: Service, query: str) -> None:
    """A name or a value that is none of the listed is refused."""
    answer = await _api(service, "GET", f"?{query}")
    assert answer == 400


async def test_case_28_operators_in_an_order(service: Service) -> None:
    """An order with an operator in place of a word is refused, wherever it stands."""
    orders: list[object] = [
        {"engine": {"$ne": None}, "deployment_id": DEPLOYMENT},
        {"engine": "comfydeploy", "deployment_id": {"$gt": ""}},
        {"engine": "comfydeploy", "deployment_id": DEPLOYMENT, "inputs": {"$where": "1"}},
        {"engine": "comfydeploy", "deployment_id": DEPLOYMENT, "inputs": {"a": {"$ne": 1}}},
        {"engine": "comfydeploy", "deployment_id": DEPLOYMENT, "metadata": {"run_id": "x"}},
        {"engine": "comfydeploy", "deployment_id": DEPLOYMENT, "inputs": {"a": 2**70}},
        {"engine": "comfydeploy", "deployment_id": DEPLOYMENT, "inputs": {"a.b": 1}},
        [],
        "order",
    ]
    answers = [await _api(service, "POST", "", json.dumps(order)) for order in orders]
    assert set(answers) <= {400, 422}
    raw = ("{" * 100_000, '{"engine": NaN}', "\ud800")
    odd = [await _api(service, "POST", "", text) for text in raw]
    assert set(odd) == {400}


async def _api(service: Service, method: str, rest: str, body: str | None = None) -> int:
    answer = await service.client.request(
        method,
        f"{service.url}/api/generations{rest}",
        content=None if body is None else body.encode("utf-8", "surrogatepass"),
        headers={"Authorization": f"Bearer {API_KEY}", **JSON},
    )
    return answer.status_code
