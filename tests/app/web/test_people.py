"""app.web.people: what administrators do over the API, and who is written down for it."""

import pytest
from pydantic import JsonValue

from app.web import shown
from schemas.base import UserId
from schemas.user import User
from tests.app.web.fakes import API_KEY, World
from tests.app.web.serving import serving
from tests.builders import JOB, USER, a_job, a_user

pytestmark = pytest.mark.anyio

ADA = a_user(username="ada")
EVE = a_user(id=UserId("f" * 32), telegram_id=1, first_name="Eve")
ONE = f"/api/users/{USER}"
NOBODY = f"/api/users/{'0' * 32}"


def a_world(*people: User) -> World:
    """Ada and Eve, unless others are named."""
    world = World()
    world.office.users.records |= {each.id: each for each in people or (ADA, EVE)}
    return world


async def test_people_are_listed_and_found() -> None:
    """The newest first, by pages; or whom the caller looks for."""
    async with serving(a_world()) as site:
        first = await site.client.get("/api/users", params={"limit": "1"})
        rest = await site.client.get("/api/users", params={"cursor": first.json()["next"]})
        found = await site.client.get("/api/users", params={"find": "@AD"})
        nobody = await site.client.get("/api/users", params={"find": "4712"})

    assert [each["id"] for each in first.json()["items"]] == [EVE.id]
    assert (rest.json()["items"], rest.json()["next"]) == ([ADA.internal()], None)
    assert found.json() == {"items": [ADA.internal()], "next": None}
    assert nobody.json()["items"] == []
    assert shown.user_page().model_validate_json(first.content)


async def test_somebody_is_read_with_their_credits() -> None:
    """And how they moved, by pages, and what was done to them."""
    async with serving(a_world()) as site:
        await site.client.post(f"{ONE}/grant", json={"amount": "1.5"})
        made = await site.client.post(f"{ONE}/grant", json={"amount": "2.5"})
        read = await site.client.get(ONE)
        last = await site.client.get(f"{ONE}/entries", params={"limit": "1"})
        first = await site.client.get(f"{ONE}/entries", params={"before": last.json()["next"]})

    assert made.status_code == 201
    assert read.json() == {**ADA.internal(), "balance": "4.000000"}
    assert last.json()["items"] == [made.json()]
    assert [each["amount"] for each in first.json()["items"]] == ["1.500000"]
    assert first.json()["next"] is None
    assert shown.entries().model_validate_json(first.content)
    assert shown.entry().model_validate_json(made.content)


async def test_credits_are_granted_once_for_each_key() -> None:
    """Scoped by the caller, who is written down; another body is refused."""
    world, key = a_world(), {"Idempotency-Key": "k"}
    gift: dict[str, JsonValue] = {"amount": "2", "reason": "a prize"}
    async with serving(world) as site:
        made = await site.client.post(f"{ONE}/grant", json=gift, headers=key)
        again = await site.client.post(f"{ONE}/grant", json=gift, headers=key)
        more = await site.client.post(f"{ONE}/grant", json={"amount": "3"}, headers=key)
        other = await site.client.post(f"/api/users/{EVE.id}/grant", json=gift, headers=key)

    assert (again.status_code, again.json()) == (201, made.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in made.headers
    assert (more.status_code, more.json()["reason"]) == (422, "idempotency_mismatch")
    assert (other.status_code, other.json()["reason"]) == (422, "key_taken")
    [entry] = world.office.ledger.kept
    assert entry.by.startswith("api:")
    assert entry.key.endswith(":k")
    assert API_KEY not in entry.model_dump_json()


@pytest.mark.parametrize("amount", ["0", "-1", "1000000000000", "0.0000001", "NaN", "1e3", "٣"])
async def test_what_is_no_amount_is_refused(amount: str) -> None:
    """422, and nothing moves."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.client.post(f"{ONE}/grant", json={"amount": amount})

    assert (answer.status_code, answer.json()["field"]) == (422, "amount")
    assert world.office.ledger.kept == []


@pytest.mark.parametrize("amount", ["5", "-1", "0", "NaN", "1e400", "9" * 5000])
async def test_an_amount_that_is_written_as_a_number_is_refused(amount: str) -> None:
    """422 like any other that cannot be: it would not keep its decimal places."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.client.post(
            f"{ONE}/grant",
            content=f'{{"amount": {amount}}}',
            headers={"Content-Type": "application/json"},
        )

    assert (answer.status_code, answer.json()["field"]) == (422, "amount")
    assert world.office.ledger.kept == []


async def test_nothing_was_done_to_nobody() -> None:
    """404, as for everything else about them."""
    async with serving(a_world()) as site:
        answer = await site.client.get(f"/api/users/{'0' * 32}/deeds")

    assert (answer.status_code, answer.json()["detail"]) == (404, "no such user")


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("grant", {"amount": None}, "amount"),
        ("grant", {}, "amount"),
        ("grant", {"amount": "5", "to": "x"}, "to"),
        ("block", {"reason": ""}, "reason"),
        ("roles", {"roles": "admin"}, "roles"),
        ("roles", {"roles": ["Admin"]}, "roles.1"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_name(
    verb: str, body: dict[str, JsonValue], field: str
) -> None:
    """400 with the field, and nothing is done."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.client.post(f"{ONE}/{verb}", json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert world.office.deeds.done == []


async def test_somebody_is_blocked_and_let_in_again() -> None:
    """With a reason or without; what was done is shown."""
    async with serving(a_world()) as site:
        blocked = await site.client.post(f"{ONE}/block", json={"reason": "spam"})
        free = await site.client.post(f"{ONE}/unblock")
        done = await site.client.get(f"{ONE}/deeds")

    assert (blocked.status_code, blocked.json()["blocked"]) == (200, True)
    assert free.json()["blocked"] is False
    assert [(each["verb"], each["said"]) for each in done.json()["items"]] == [
        ("unblock", None),
        ("block", "spam"),
    ]
    assert shown.deeds().model_validate_json(done.content)
    assert shown.listed_user().model_validate_json(free.content)


async def test_roles_are_named() -> None:
    """In place of those that there were."""
    async with serving(a_world()) as site:
        answer = await site.client.post(f"{ONE}/roles", json={"roles": ["member", "admin"]})

    assert answer.json()["roles"] == ["admin", "member"]


async def test_somebody_is_forgotten_soon() -> None:
    """202 until it is done, however often it is wanted; not while a job of theirs runs."""
    world = a_world()
    world.office.jobs.records[JOB] = a_job(user_id=EVE.id)
    async with serving(world) as site:
        waits = await site.client.post(f"/api/users/{EVE.id}/forget")
        wanted = await site.client.post(f"{ONE}/forget")
        await world.office.forgetting().sweep()
        done = await site.client.post(f"{ONE}/forget")

    assert (waits.status_code, JOB in waits.json()["detail"]) == (409, True)
    assert (wanted.status_code, wanted.json()["firstName"]) == (202, "Ada")
    assert (done.status_code, done.json()["firstName"]) == (200, None)
    assert done.json()["forgottenAt"] is not None


async def test_nobody_unknown_is_shown_or_touched() -> None:
    """404, also for what can be nobody's id."""
    async with serving(a_world()) as site:
        answers = [
            await site.client.get(NOBODY),
            await site.client.get("/api/users/x"),
            await site.client.get(f"{NOBODY}/entries"),
            await site.client.post(f"{NOBODY}/block"),
            await site.client.post(f"{NOBODY}/forget"),
            await site.client.post(f"{NOBODY}/grant", json={"amount": "1"}),
            await site.client.post(f"{NOBODY}/roles", json={"roles": []}),
        ]

    assert {each.status_code for each in answers} == {404}
