"""app.web.tokens: what the bearer of a view token sees and does, over HTTP."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.usecases.orders import JobView
from schemas.access import KeyScope
from schemas.base import GenerationId
from schemas.generation import Generation
from tests.app.web.fakes import ID, NOON, World, a_generation, a_key
from tests.app.web.serving import Site, serving
from tests.builders import JOB, USER, a_job
from tests.fakes.storage import PICTURE

pytestmark = pytest.mark.anyio

READER = "a-key-that-may-only-read"
ONE = f"/api/generations/{ID}"
JOB_PATH = f"/api/jobs/{JOB}"
OTHER = GenerationId("0198c0ffee0000000000000000000002")
THEIRS = f"/api/generations/{OTHER}"
SEEN = (ONE, f"{ONE}/preview", JOB_PATH)
UNSEEN = (THEIRS, f"{THEIRS}/preview", "/api/generations/none", f"/api/jobs/{'f' * 32}")


def a_record(generation_id: GenerationId = ID, user: str = USER) -> Generation:
    """A generation of somebody's job that has a cost and a chat."""
    made = a_generation(generation_id)
    metadata = made.metadata.change(user_id=user, telegram_chat_id=4711)
    return made.change(metadata=metadata, job_id=JOB, step=1, item=1)


async def a_world() -> World:
    """Somebody's job with a generation and its preview, and another person's generation."""
    world = World()
    mine, theirs = a_record(), a_record(OTHER, "f" * 32).change(job_id="e" * 32)
    world.generations.records = {ID: mine, OTHER: theirs}
    world.orders.views[JOB] = JobView(a_job(), (mine,))
    for each in (ID, OTHER):
        await world.previews.put(each, PICTURE, "image/png", NOON)
    world.api_keys = (*world.api_keys, a_key(READER, "page", KeyScope.READ))
    return world


async def a_token(site: Site, **wanted: str | bool) -> Mapping[str, str]:
    """The headers of whoever has a token for this."""
    answer = await site.client.post("/api/tokens", json=wanted)
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ({"user": USER}, SEEN),
        ({"job": JOB}, SEEN),
        ({"generation": ID}, SEEN[:2]),
        ({"all": True}, (*SEEN, *UNSEEN[:2])),
    ],
)
async def test_a_token_sees_what_it_is_for(wanted: dict[str, Any], seen: tuple[str, ...]) -> None:
    """Somebody else's is as if there were none."""
    async with serving(await a_world()) as site:
        token = await a_token(site, **wanted)
        answers = {path: await site.client.get(path, headers=token) for path in (*SEEN, *UNSEEN)}

    assert {path for path, answer in answers.items() if answer.status_code == 200} == set(seen)
    others = {answer.status_code for path, answer in answers.items() if path not in seen}
    assert others <= {404}


async def test_a_token_sees_only_what_is_public() -> None:
    """In the same shape; what operators see is not in it."""
    async with serving(await a_world()) as site:
        token = await a_token(site, user=USER)
        shown = (await site.client.get(ONE, headers=token)).json()
        job = (await site.client.get(JOB_PATH, headers=token)).json()
        internal = (await site.client.get(ONE)).json()
        cancelled = await site.client.post(
            f"{JOB_PATH}/cancel", headers=await a_token(site, job=JOB, act=True)
        )

    assert internal["metadata"]["telegramChatId"] == 4711
    assert shown["metadata"] == {"preset": None}
    assert set(shown) < set(internal)
    for told in (shown, *job["generations"], *cancelled.json()["generations"]):
        assert "4711" not in str(told)
        assert not {"costUsd", "runs", "slot", "history"} & set(told)


async def test_a_token_cancels_what_it_sees_if_it_may_act() -> None:
    """What it sees without it is not cancelled, nor what it may act on without seeing it."""
    async with serving(await a_world()) as site:
        act, read = await a_token(site, user=USER, act=True), await a_token(site, user=USER)
        answers = [
            await site.client.post(f"{path}/cancel", headers=headers)
            for path, headers in ((ONE, act), (ONE, read), (THEIRS, act), (JOB_PATH, read))
        ]

    # The desk of these tests finds that it has ended.
    assert [each.status_code for each in answers] == [409, 403, 404, 403]
    assert answers[1].json()["reason"] == "scope"


async def test_a_token_opens_nothing_else() -> None:
    """Not even one that sees everything and may act: no list, no order, no token."""
    world = await a_world()
    async with serving(world) as site:
        token = await a_token(site, all=True, act=True)
        answers = [
            await site.client.request(method, path, headers=token)
            for method, path in (
                ("GET", "/api/generations"),
                ("GET", "/api/jobs"),
                ("GET", "/metrics"),
                ("GET", "/api/session"),
                ("GET", "/api/openapi.json"),
                ("POST", "/api/tokens"),
                ("POST", "/api/generations"),
                ("POST", f"{ONE}/rerun"),
                ("PUT", ONE),
                ("POST", f"/api/users/{USER}/grant"),
            )
        ]

    assert [each.status_code for each in answers] == [403] * 10
    assert {each.json()["reason"] for each in answers} == {"scope"}
    assert world.metrics.counted == ["refused scope"] * 10


async def test_a_token_that_ran_out_says_so() -> None:
    """So that who holds it asks for another; at most after an hour."""
    world = await a_world()
    async with serving(world) as site:
        made = (await site.client.post("/api/tokens", json={"user": USER})).json()
        token = {"Authorization": f"Bearer {made['token']}"}
        world.clock.later = timedelta(seconds=3599)
        good = await site.client.get(ONE, headers=token)
        world.clock.later = timedelta(hours=1)
        late = await site.client.get(ONE, headers=token)

    assert made["expiresAt"] == "2026-01-01T13:00:00.000Z"
    assert (good.status_code, late.status_code) == (200, 401)
    assert late.json()["reason"] == "token_expired"
    assert late.headers["www-authenticate"] == "Bearer"
    assert world.metrics.counted == ["refused token_expired"]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"user": USER, "job": JOB},
        {"user": USER, "all": True},
        {"all": False},
        {"user": "ada"},
        {"user": f"{USER}\n"},
        {"user": USER, "seconds": 3601},
        {"user": USER, "seconds": 0},
        {"user": USER, "admin": True},
        {"user": USER, "act": "yes"},
    ],
)
async def test_a_token_is_for_one_thing_and_an_hour(wanted: dict[str, Any]) -> None:
    """Anything else is refused by its name."""
    async with serving(World()) as site:
        answer = await site.client.post("/api/tokens", json=wanted)

    assert answer.status_code == 400


async def test_a_key_gives_away_no_more_than_it_has() -> None:
    """One that may only read makes tokens that may only see; what it may not is said."""
    world = await a_world()
    async with serving(world) as site:
        reader = {"Authorization": f"Bearer {READER}"}
        read, act, order, grant = [
            await site.client.post(path, headers=reader, json=body)
            for path, body in (
                ("/api/tokens", {"user": USER}),
                ("/api/tokens", {"user": USER, "act": True}),
                ("/api/generations", {}),
                (f"/api/users/{USER}/grant", {}),
            )
        ]
        listed = await site.client.get("/api/generations", headers=reader)

    assert [each.status_code for each in (read, act, order, grant)] == [201, 403, 403, 403]
    assert order.json()["detail"] == "this needs the scope act, and what you came with has read"
    assert "scope admin" in grant.json()["detail"]
    assert listed.json()["items"][0]["metadata"]["telegramChatId"] == 4711
