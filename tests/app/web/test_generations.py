"""app.web.generations: orders, lists, changes, and what is refused of them, by name."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from pydantic import JsonValue, ValidationError

from app.errors import DiskFullError, EngineOffError, PeerDownError, StoreDownError
from app.web import shown
from schemas.generation import CostRate, RateUnit
from schemas.wire.api import Change, NewGeneration
from tests.app.web.fakes import API_KEY, ID, World, a_generation
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio

PATH = "/api/generations"
ONE = f"{PATH}/{ID}"
UNKNOWN = f"{PATH}/{'0' * 32}"
ORDER: dict[str, JsonValue] = {
    "engine": "comfydeploy",
    "deployment_id": "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",
    "inputs": {"prompt": "a lighthouse at dusk", "seed": 42, "scale": 1.5, "list": [1, {"a": 2}]},
    "metadata": {
        "telegramChatId": 4711,
        "costRate": {"amount": "0.000337", "currency": "USD", "unit": "second"},
        "labels": {"campaign": "x"},
    },
}


def an_order(**fields: JsonValue) -> dict[str, JsonValue]:
    """A good order, but for `fields`."""
    return {**ORDER, **fields}


async def test_an_order_is_taken_and_shown() -> None:
    """201, where it is, and the record without what is ours alone."""
    world = World()
    async with serving(world) as site:
        answer = await site.client.post(PATH, json=ORDER)

    [order] = world.desk.orders
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{PATH}/{body['id']}"
    assert answer.headers["etag"] == '"1"'
    assert "owed" not in body
    assert body["createdAt"] == "2026-01-01T12:00:00.000Z"
    assert order.inputs["seed"] == 42
    assert order.metadata.telegram_chat_id == 4711
    assert order.metadata.cost_rate == CostRate(amount=Decimal("0.000337"), unit=RateUnit.SECOND)
    assert shown.generation().model_validate_json(answer.content)


@pytest.mark.parametrize(
    ("order", "field"),
    [
        pytest.param(an_order(engines="x"), "engines", id="unknown"),
        pytest.param(an_order(metadata={"chat": 1}), "metadata.chat", id="unknown inside"),
        pytest.param(an_order(metadata={"user_id": "1"}), "metadata.user_id", id="our own name"),
        pytest.param({"engine": "comfydeploy"}, "deployment_id", id="missing"),
        pytest.param(an_order(engine="Comfy"), "engine", id="engine"),
        pytest.param(an_order(deployment_id={"$ne": None}), "deployment_id", id="operator"),
        pytest.param(an_order(inputs={"a": None}), "inputs.a", id="null input"),
        pytest.param(an_order(inputs={"a": {"b": 1}}), "inputs.a", id="object input"),
        pytest.param(an_order(inputs={"a": [{"$set": 1}]}), "inputs.a", id="key in a list"),
        pytest.param(an_order(inputs={"$a": 1}), "inputs.$a", id="dollar"),
        pytest.param(an_order(inputs={"a.b": 1}), "inputs.a.b", id="dot"),
        pytest.param(an_order(inputs={"": 1}), "inputs.", id="empty key"),
        pytest.param(an_order(inputs={"a\0": 1}), "inputs.a\0", id="NUL"),
        pytest.param(an_order(inputs={"a": "x" * 12_288}), "inputs", id="too much"),
        pytest.param(an_order(metadata={"telegramChatId": "1"}), "metadata.telegramChatId", id="s"),
        pytest.param(an_order(metadata={"userId": "a\nb"}), "metadata.userId", id="control"),
        pytest.param(an_order(metadata={"labels": {"a b": "x"}}), "metadata.labels.a b", id="key"),
        pytest.param(
            an_order(metadata={"labels": {"a": "x" * 257}}), "metadata.labels.a", id="long label"
        ),
        pytest.param(
            an_order(metadata={"labels": {str(n): "x" for n in range(17)}}),
            "metadata.labels",
            id="many labels",
        ),
        pytest.param(
            an_order(metadata={"costRate": {"amount": "-1", "unit": "second"}}),
            "metadata.costRate.amount",
            id="rate",
        ),
        pytest.param(an_order(inputs={"a": 2**63}), "inputs.a", id="over 63 bits"),
        pytest.param([], "body", id="list"),
    ],
)
async def test_what_is_wrong_with_an_order_is_400_by_name(order: JsonValue, field: str) -> None:
    """Nothing is passed over, and nothing is made."""
    world = World()
    async with serving(world) as site:
        answer = await site.client.post(PATH, json=order)

    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.desk.orders == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="brackets"),
        pytest.param(b"[" * 33 + b"]" * 33, id="33 deep"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": 1e999}', id="infinite"),
        pytest.param(b'{"a": 18446744073709551616}', id="over 64 bits"),
        pytest.param(b'{"a": -1' + b"0" * 30 + b"}", id="far over 64 bits"),
        pytest.param(b'{"a": ' + b"1" * 5000 + b"}", id="5,000 digits"),
        pytest.param(b'"\\ud800"', id="surrogate"),
        pytest.param(b"\xff", id="UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="BOM"),
        pytest.param("{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_case_25_26_bodies_that_are_no_json_of_ours_are_400(method: str, body: bytes) -> None:
    """They never become a 500."""
    headers = {"Content-Type": "application/json"}
    path = PATH if method == "POST" else ONE
    async with serving(World()) as site:
        answer = await site.client.request(method, path, content=body, headers=headers)

    assert (answer.status_code, answer.json()["reason"]) == (400, "json")


async def test_case_27_an_order_that_is_not_json_is_415() -> None:
    """A form is no order."""
    async with serving(World()) as site:
        answer = await site.client.post(PATH, data={"engine": "comfydeploy"})

    assert answer.status_code == 415


async def test_case_30_a_slow_order_is_408() -> None:
    """A body has a time to arrive in."""
    async with serving(World(body_deadline=timedelta(milliseconds=50))) as site:
        answer = await site.raw(
            f"POST {PATH} HTTP/1.1",
            "Host: relay.test",
            "Content-Type: application/json",
            f"Authorization: Bearer {API_KEY}",
            "Content-Length: 9",
        )

    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_the_same_key_and_body_make_one_generation() -> None:
    """The repeat is answered as the first was, and says that it is one."""
    headers = {"Idempotency-Key": "once"}
    async with serving(World()) as site:
        first = await site.client.post(PATH, json=ORDER, headers=headers)
        again = await site.client.post(PATH, json=dict(reversed(ORDER.items())), headers=headers)
        other = await site.client.post(PATH, json=an_order(inputs={}), headers=headers)
        rerun = await site.client.post(f"{ONE}/rerun", headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, rerun.status_code) == (422, 422)


async def test_a_key_belongs_to_whoever_used_it() -> None:
    """Another caller's same word is another key."""
    world = World()
    async with serving(world) as site:
        for key in (API_KEY, "another-key-of-the-tests"):
            headers = {"Idempotency-Key": "once", "Authorization": f"Bearer {key}"}
            answer = await site.client.post(PATH, json=ORDER, headers=headers)
            assert "idempotent-replayed" not in answer.headers
    assert len(world.desk.keys) == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "caf\xe9"])
async def test_an_idempotency_key_is_printable_ascii(key: str) -> None:
    """1 to 255 characters of it."""
    async with serving(World()) as site:
        headers = {b"Idempotency-Key": key.encode("latin-1")}
        answer = await site.client.post(PATH, json=ORDER, headers=headers)

    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


async def test_one_idempotency_key_is_enough() -> None:
    """Two of them say nothing."""
    async with serving(World()) as site:
        headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        answer = await site.client.post(PATH, json=ORDER, headers=headers)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("failure", "status", "retry_after"),
    [
        (EngineOffError("engine", "replicate is not set up here"), 422, None),
        (StoreDownError("the database does not answer", timedelta(seconds=5)), 503, "5"),
        (DiskFullError("the disk is nearly full", timedelta(milliseconds=1)), 503, "1"),
        (PeerDownError("comfydeploy", "it wants money"), 502, None),
        (ZeroDivisionError("a secret"), 500, None),
    ],
)
async def test_failures_are_answered_by_what_the_caller_can_do(
    failure: Exception, status: int, retry_after: str | None
) -> None:
    """Their status is chosen in one place; faults and peers tell nothing."""
    world = World()
    world.desk.failure = failure
    async with serving(world) as site:
        answer = await site.client.post(PATH, json=ORDER)

    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers.get("retry-after") == retry_after
    assert "secret" not in answer.text
    assert "money" not in answer.text


async def test_generations_are_listed_by_equal_values() -> None:
    """Names are stored names, values plain; the page says where the next one begins."""
    world = World()
    query = {
        "metadata.run_id": "7f3c2b1a-5d4e",
        "metadata.telegramChatId": "-4711",
        "metadata.userId": "somebody",
        "metadata.preset": "portrait",
        "status": "completed",
        "engine": "comfydeploy",
        "cursor": ID,
        "limit": "200",
    }
    async with serving(world) as site:
        answer = await site.client.get(PATH, params=query)
        await site.client.get(PATH)

    wanted: dict[str, Any] = {**query, "metadata.telegramChatId": -4711}
    del wanted["cursor"], wanted["limit"]
    assert world.generations.asked == [(wanted, ID, 200), ({}, None, 50)]
    assert answer.json()["next"] == "more"
    assert shown.page().model_validate_json(answer.content)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("metadata.run_id[$ne]=", "metadata.run_id[$ne]"),
        ("metadata.run_id=a&metadata.run_id=b", "metadata.run_id"),
        ("metadata.run_id=%7B%22$ne%22:null%7D", "metadata.run_id"),
        ("metadata.run_id=a%00", "metadata.run_id"),
        ("metadata.run_id=a%0A", "metadata.run_id"),
        ("run_id=a", "run_id"),
        ("$where=1", "$where"),
        ("metadata.telegramChatId=1_000", "metadata.telegramChatId"),
        ("metadata.telegramChatId=9223372036854775808", "metadata.telegramChatId"),
        ("status=success", "status"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=1.0", "limit"),
        ("cursor=", "cursor"),
        ("metadata.userId=%FF", "query"),
        ("&".join(f"a{n}=1" for n in range(40)), "query"),
        (f"metadata.userId={'x' * 5000}", "query"),
    ],
)
async def test_case_28_filters_are_a_fixed_set_each_once_and_plain(query: str, field: str) -> None:
    """Anything else is 400 by name, and no query is made."""
    world = World()
    async with serving(world) as site:
        answer = await site.client.get(f"{PATH}?{query}")

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert world.generations.asked == []


async def test_a_generation_is_read_with_its_version() -> None:
    """The ETag is what If-Match takes."""
    async with serving(World()) as site:
        answer = await site.client.get(ONE)

    assert answer.json() == orjson.loads(orjson.dumps(a_generation().internal()))
    assert answer.headers["etag"] == '"3"'


@pytest.mark.parametrize("path", [UNKNOWN, f"{PATH}/x", f"{PATH}/{ID.upper()}", f"{ONE}/"])
async def test_what_is_not_there_is_404(path: str) -> None:
    """Known and malformed alike; nothing redirects."""
    async with serving(World()) as site:
        answer = await site.client.get(path)

    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


@pytest.mark.parametrize("match", [None, '"3"', "*"])
async def test_a_generation_is_changed(match: str | None) -> None:
    """The body without operators is what to set."""
    world = World()
    headers = {"If-Match": match} if match else {}
    body = {"statusReason": "checked by hand", "metadata.labels.campaign": "y"}
    async with serving(world) as site:
        answer = await site.client.put(ONE, json=body, headers=headers)

    assert answer.headers["etag"] == '"4"'
    assert world.desk.changes == [
        Change(status_reason="checked by hand", set_labels={"campaign": "y"})
    ]


@pytest.mark.parametrize(
    ("match", "status"), [('"2"', 412), ("3", 400), ('W/"3"', 400), ('"x"', 400)]
)
async def test_a_change_of_another_version_is_refused(match: str, status: int) -> None:
    """A version that is none is no version."""
    async with serving(World()) as site:
        answer = await site.client.put(ONE, json={"statusReason": "x"}, headers={"If-Match": match})

    assert answer.status_code == status


async def test_a_cancel_that_cannot_be_is_409() -> None:
    """And one of nothing is 404."""
    async with serving(World()) as site:
        assert (await site.client.post(f"{ONE}/cancel")).status_code == 409
        assert (await site.client.post(f"{UNKNOWN}/cancel")).status_code == 404


async def test_a_rerun_is_a_new_generation() -> None:
    """It has a place of its own."""
    async with serving(World()) as site:
        answer = await site.client.post(f"{ONE}/rerun")

    assert answer.status_code == 201
    assert answer.headers["location"] not in {ONE, None}


@pytest.mark.parametrize(
    "authorization",
    [
        [],
        [""],
        ["Bearer"],
        ["Bearer wrong"],
        [f"Basic {API_KEY}"],
        [f"Bearer {API_KEY}x"],
        [f"Bearer {API_KEY}\xe9"],
        [f"Bearer {API_KEY}", f"Bearer {API_KEY}"],
    ],
)
async def test_without_a_right_key_everything_is_401(authorization: list[str]) -> None:
    """Before the body or the record is looked at."""
    world = World()
    world.generations.failure = AssertionError("not to be asked")
    lines = [f"Authorization: {value}" for value in authorization]
    async with serving(world) as site:
        for target in (f"GET {ONE}", f"POST {PATH}", "GET /metrics", "GET /api/openapi.json"):
            answer = await site.raw(
                f"{target} HTTP/1.1", "Host: relay.test", "Connection: close", *lines
            )

            assert answer.startswith(b"HTTP/1.1 401 ")
            assert b"www-authenticate: Bearer" in answer


async def test_what_is_refused_or_fails_is_counted_by_its_reason() -> None:
    """One word of ours for each; what goes well is not among them."""
    world = World()
    async with serving(world) as site:
        await site.client.get(PATH, headers={"Authorization": ""})
        await site.client.get(UNKNOWN)
        await site.client.post(PATH, content=b"{")
        await site.client.post(PATH, json=an_order(engine=7))
        await site.client.delete(PATH)
        await site.client.post(PATH, json=ORDER)
        world.desk.failure = StoreDownError("gone")
        await site.client.post(PATH, json=ORDER)
        world.desk.failure = RuntimeError("a fault of ours")
        await site.client.post(PATH, json=ORDER)

    words = [each.removeprefix("refused ") for each in world.metrics.counted]
    assert words[:5] == ["unauthorized", "not_found", "media_type", "bad_field", "method"]
    assert words[5:] == ["store_down", "internal"]


async def test_another_method_is_405_by_name() -> None:
    """HEAD is a GET without its body."""
    async with serving(World()) as site:
        answer = await site.client.delete(ONE)
        head = await site.client.head(ONE)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("number", [2**63, -(2**63), 1e30])
def test_case_25_an_order_holds_no_number_over_64_bits(number: float) -> None:
    """However it is built."""
    with pytest.raises(ValidationError):
        NewGeneration.model_validate(an_order(inputs={"a": [number]}), strict=False)
