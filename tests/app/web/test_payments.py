"""app.web.payments: sales over HTTP; what is no amount is 422, whatever is wrong with it."""

import pytest
from pydantic import JsonValue

from app.errors import (
    ConflictError,
    IdempotencyMismatchError,
    PeerDownError,
    StoreDownError,
    TelegramOffError,
)
from app.web import shown
from tests.app.web.fakes import API_KEY, World
from tests.app.web.serving import serving
from tests.builders import PAYMENT, USER

pytestmark = pytest.mark.anyio

PATH = "/api/payments/create"
ORDER: dict[str, JsonValue] = {"user": USER, "amount": 100}
JSON = {"Content-Type": "application/json"}


async def test_credits_are_sold() -> None:
    """201 with where the payment is, and the same when asked for."""
    async with serving(World()) as site:
        made = await site.client.post(PATH, json=ORDER)
        found = await site.client.get(made.headers["location"])

    assert made.status_code == 201
    assert made.headers["location"] == f"/api/payments/{PAYMENT}"
    assert (found.status_code, found.json()) == (200, made.json())
    sold = made.json()
    assert (sold["id"], sold["user"], sold["amount"]) == (PAYMENT, USER, 100)
    assert (sold["status"], sold["invoiceUrl"]) == ("created", "https://t.me/$x")
    assert shown.payment().model_validate_json(found.content)


async def test_a_repeated_request_is_answered_as_it_was() -> None:
    """Under its key, which is scoped by who calls."""
    world, key = World(), {"Idempotency-Key": "k"}
    async with serving(world) as site:
        await site.client.post(PATH, json=ORDER, headers=key)
        again = await site.client.post(PATH, json=ORDER, headers=key)

    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    [(_, one, digest), (_, other, same)] = world.payments.asked
    assert (one, digest) == (other, same)
    assert str(one).endswith(":k")


@pytest.mark.parametrize(
    "amount",
    [
        *("0", "-1", "10001", "1e3", "1.0", "0.5", "null", "true", '"100"', '"NaN"', "[]"),
        *("NaN", "Infinity", "-Infinity", "1e999", "9223372036854775808", "9" * 5000),
    ],
)
async def test_what_is_no_amount_is_refused(amount: str) -> None:
    """422 by its name, and nothing is sold."""
    world = World()
    async with serving(world) as site:
        body = f'{{"user": "{USER}", "amount": {amount}}}'
        answer = await site.client.post(PATH, content=body, headers=JSON)

    assert (answer.status_code, answer.json()["field"]) == (422, "amount")
    assert answer.json()["reason"] == "amount_refused"
    assert world.payments.asked == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param('{"amount": 5}', "user", id="nobody"),
        pytest.param('{"user": 5, "amount": 5}', "user", id="a number"),
        pytest.param(f'{{"user": "{USER}", "amount": 5, "rate": 9}}', "rate", id="unknown"),
        pytest.param(f'{{"user": "{USER}", "amount": 5', None, id="cut"),
        pytest.param('{"user": NaN, "amount": 5}', None, id="NaN elsewhere"),
        pytest.param("[NaN]", None, id="a list"),
        pytest.param("NaN", None, id="a number alone"),
        pytest.param('{"NaN": NaN}', None, id="no amount"),
        pytest.param("[" * 100_000, None, id="deep"),
    ],
)
async def test_what_cannot_be_read_is_refused(body: str, field: str | None) -> None:
    """400, by name where there is one."""
    async with serving(World()) as site:
        answer = await site.client.post(PATH, content=body, headers=JSON)

    assert (answer.status_code, answer.json().get("field")) == (400, field)


@pytest.mark.parametrize("user", ["0" * 32, "nobody", "$ne"])
async def test_nobody_unknown_buys(user: str) -> None:
    """404, also for what can be nobody's id."""
    async with serving(World()) as site:
        answer = await site.client.post(PATH, json={"user": user, "amount": 5})

    assert (answer.status_code, answer.json()["detail"]) == (404, "no such user")


@pytest.mark.parametrize("named", ["0" * 32, "x", "%00", PAYMENT.upper()])
async def test_what_is_not_there_is_not_found(named: str) -> None:
    """Whether it could be or not."""
    async with serving(World()) as site:
        read = await site.client.get(f"/api/payments/{named}")
        back = await site.client.post(f"/api/payments/{named}/refund", json={"reason": "x"})

    assert (read.status_code, back.status_code) == (404, 404)


async def test_money_goes_back() -> None:
    """With who wanted it and why; a reason is needed."""
    world = World()
    async with serving(world) as site:
        await site.client.post(PATH, json=ORDER)
        path = f"/api/payments/{PAYMENT}/refund"
        back = await site.client.post(path, json={"reason": "by mistake"})
        silent = await site.client.post(path, json={})

    assert (back.status_code, back.json()["status"]) == (200, "refunded")
    [(by, reason)] = world.payments.refunds
    assert by.startswith("api:")
    assert reason == "by mistake"
    assert (silent.status_code, silent.json()["field"]) == (400, "reason")


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (IdempotencyMismatchError(), 422),
        (TelegramOffError("payments", "Telegram is not set up here"), 422),
        (ConflictError("this person is blocked"), 409),
        (PeerDownError("telegram", "away"), 502),
        (StoreDownError("away"), 503),
    ],
)
async def test_what_goes_wrong_is_told_as_a_problem(failure: Exception, status: int) -> None:
    """By the status of its kind."""
    world = World()
    world.payments.failure = failure
    async with serving(world) as site:
        answer = await site.client.post(PATH, json=ORDER)

    assert answer.status_code == status


async def test_strangers_learn_nothing() -> None:
    """Without a key nothing is sold, shown or given back."""
    nobody = {"Authorization": f"Bearer not-{API_KEY}"}
    async with serving(World()) as site:
        answers = [
            await site.client.post(PATH, json=ORDER, headers=nobody),
            await site.client.get(f"/api/payments/{PAYMENT}", headers=nobody),
            await site.client.post(f"/api/payments/{PAYMENT}/refund", headers=nobody),
        ]

    assert {each.status_code for each in answers} == {401}
