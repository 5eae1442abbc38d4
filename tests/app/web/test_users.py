"""app.web.users: registering is idempotent by Telegram id; nobody unknown is shown."""

import pytest
from pydantic import JsonValue

from app.errors import IdempotencyMismatchError, StoreDownError
from app.web import shown
from tests.app.web.fakes import API_KEY, World
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio

PATH = "/api/users/register"
ADA: dict[str, JsonValue] = {"telegramId": 4711, "firstName": "Ada \u202e", "language": "pt-br"}


async def test_somebody_is_registered_and_found() -> None:
    """201 with where they are, and the same with the balance when asked for."""
    async with serving(World()) as site:
        made = await site.client.post(PATH, json={**ADA, "username": "ada"})
        found = await site.client.get(made.headers["location"])

    assert made.status_code == 201
    assert made.headers["location"] == "/api/users/by-telegram-id/4711"
    assert (found.status_code, found.json()) == (200, made.json())
    assert found.json()["balance"] == "10.000000"
    assert found.json()["firstName"] == "Ada \u202e"
    assert "idempotencyKey" not in found.json()
    assert shown.user().model_validate_json(found.content)


async def test_somebody_known_is_answered_as_they_are() -> None:
    """200, however often."""
    async with serving(World()) as site:
        made = await site.client.post(PATH, json=ADA)
        again = await site.client.post(PATH, json=ADA)

    assert (again.status_code, again.json()) == (200, made.json())
    assert "idempotent-replayed" not in again.headers


async def test_a_repeated_request_is_answered_as_it_was() -> None:
    """Under its key, which is scoped by who calls."""
    world, key = World(), {"Idempotency-Key": "k"}
    async with serving(world) as site:
        await site.client.post(PATH, json=ADA, headers=key)
        again = await site.client.post(PATH, json=ADA, headers=key)

    assert again.status_code == 201
    assert again.headers["idempotent-replayed"] == "true"
    [(_, one, digest), (_, other, same)] = world.accounts.asked
    assert one == other
    assert str(one).endswith(":k")
    assert digest == same


@pytest.mark.parametrize(
    ("person", "field"),
    [
        pytest.param({}, "telegramId", id="nobody"),
        pytest.param({"telegramId": 0}, "telegramId", id="zero"),
        pytest.param({"telegramId": -4711}, "telegramId", id="a group"),
        pytest.param({"telegramId": 2**52}, "telegramId", id="too large"),
        pytest.param({"telegramId": "4711"}, "telegramId", id="a string"),
        pytest.param({"telegramId": 4711.0}, "telegramId", id="a fraction"),
        pytest.param({"telegramId": True}, "telegramId", id="a truth value"),
        pytest.param({**ADA, "username": "@ada"}, "username", id="username"),
        pytest.param({**ADA, "firstName": ""}, "firstName", id="no name"),
        pytest.param({**ADA, "firstName": "x" * 129}, "firstName", id="long name"),
        pytest.param({**ADA, "firstName": "a\nb"}, "firstName", id="control"),
        pytest.param({**ADA, "language": "English!"}, "language", id="language"),
        pytest.param({**ADA, "balance": "10"}, "balance", id="unknown"),
        pytest.param({**ADA, "roles": ["admin"]}, "roles", id="roles"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    person: dict[str, JsonValue], field: str
) -> None:
    """400 with the field, and nobody is registered."""
    world = World()
    async with serving(world) as site:
        answer = await site.client.post(PATH, json=person)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert world.accounts.asked == []


@pytest.mark.parametrize("named", ["1", "0", "-1", "x", "4503599627370496", "9" * 400, "%00", "٣"])
async def test_nobody_unknown_is_found(named: str) -> None:
    """404 as a problem, also for what can be nobody's id."""
    async with serving(World()) as site:
        answer = await site.client.get(f"/api/users/by-telegram-id/{named}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "no such user"


@pytest.mark.parametrize(
    ("failure", "status"), [(IdempotencyMismatchError(), 422), (StoreDownError("away"), 503)]
)
async def test_what_goes_wrong_is_told_as_a_problem(failure: Exception, status: int) -> None:
    """By the status of its kind."""
    world = World()
    world.accounts.failure = failure
    async with serving(world) as site:
        answer = await site.client.post(PATH, json=ADA)

    assert answer.status_code == status


async def test_strangers_learn_nothing() -> None:
    """Without a key nobody is registered or shown."""
    async with serving(World()) as site:
        nobody = {"Authorization": f"Bearer not-{API_KEY}"}
        made = await site.client.post(PATH, json=ADA, headers=nobody)
        found = await site.client.get("/api/users/by-telegram-id/1", headers=nobody)

    assert (made.status_code, found.status_code) == (401, 401)
