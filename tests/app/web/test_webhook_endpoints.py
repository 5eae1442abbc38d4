"""app.web.webhook_endpoints: operators make, change, try and replay endpoints over the API."""

from typing import Any

import pytest

from app.ports import Receipt
from processors import debts, hooks
from processors.hooks import About
from schemas.hook import EndpointId, HookEvent
from schemas.wire.hooks import DeliveryPageView, HookMade, HookPage, HookView, TriedView
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.builders import HOOK_SECRET, NOON, a_generation, a_user, an_endpoint, later
from tests.fakes.users import FakeUsers

pytestmark = pytest.mark.anyio

PATH = "/api/webhook-endpoints"
URL = "https://hooks.example.com/runrelay"
ONE = f"{PATH}/{an_endpoint().id}"


def a_world(**fields: Any) -> World:  # noqa: ANN401 - any field of the endpoint
    """One endpoint, which has one delivery that was given up."""
    world = World()
    world.office.endpoints.records[an_endpoint().id] = an_endpoint(**fields)
    told = About(HookEvent.COMPLETED, 7, "2026-01-01T12:00:00.000Z")
    sent = hooks.made(a_generation(), told, "{}", an_endpoint(), now=NOON)
    owed = debts.bury(sent.owed, hooks.DELIVER, 1, error="answered 404", now=later(60))
    world.office.deliveries.records[sent.id] = debts.put(sent, owed)
    return world


async def test_an_endpoint_is_made_and_its_secret_told_once() -> None:
    """Given or made by us; what it is is shown afterwards, its secret never."""
    async with serving(World()) as site:
        made = await site.client.post(PATH, json={"url": URL})
        given = await site.client.post(
            PATH, json={"url": URL, "events": ["job.completed"], "secret": HOOK_SECRET}
        )
        listed = await site.client.get(PATH)
        read = await site.client.get(made.headers["Location"])

    assert made.status_code == given.status_code == 201
    assert HookMade.model_validate_json(made.content).secret.startswith("whsec_")
    assert len(made.json()["events"]) == len(HookEvent)
    assert given.json()["secret"] == HOOK_SECRET
    assert len(HookPage.model_validate_json(listed.content).items) == 2
    assert "whsec_" not in listed.text + read.text
    assert read.json()["id"] == made.json()["id"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": URL, "events": ["generation.done"]}, "events"),
        ({"url": URL, "secret": "whsec_short"}, "secret"),
    ],
)
async def test_what_cannot_be_is_422_by_its_field(body: dict[str, Any], field: str) -> None:
    """And nothing is kept of it; nor is a secret that was given repeated."""
    world = World()
    async with serving(world) as site:
        answer = await site.client.post(PATH, json=body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert "whsec_short" not in answer.text
    assert world.office.endpoints.records == {}


async def test_an_endpoint_is_changed_paused_and_taken_away() -> None:
    """By PUT or PATCH; what is not named stays."""
    world = a_world()
    async with serving(world) as site:
        paused = await site.client.put(ONE, json={"paused": True})
        other = await site.client.patch(ONE, json={"events": ["job.completed"], "url": f"{URL}/2"})
        again = await site.client.patch(ONE, json={"paused": True})
        wrong = await site.client.patch(ONE, json={"url": "nonsense"})
        resumed = await site.client.put(ONE, json={"paused": False})
        gone = await site.client.delete(ONE)
        missing = await site.client.get(ONE)

    assert HookView.model_validate_json(paused.content).paused_reason == "operator"
    assert (other.json()["events"], other.json()["url"]) == (["job.completed"], f"{URL}/2")
    assert again.json() == other.json()
    assert wrong.status_code == 422
    assert resumed.json()["paused"] is False
    assert (gone.status_code, missing.status_code) == (204, 404)
    assert world.office.deliveries.records == {}


async def test_an_endpoint_is_tried_out() -> None:
    """What came of it is said, and nothing of it is kept."""
    world = a_world()
    world.office.courier.receipts = [Receipt(500), Receipt(None, "did not answer in time")]
    async with serving(world) as site:
        told = [await site.client.post(f"{ONE}/test") for _ in range(2)]

    assert [TriedView.model_validate_json(each.content).status for each in told] == [500, None]
    assert [each.json()["error"] for each in told] == [None, "did not answer in time"]
    assert world.office.courier.sent[0].headers["webhook-id"].startswith("test:")
    assert world.office.endpoints.records[an_endpoint().id].failures == 0


async def test_a_secret_is_replaced() -> None:
    """Both sign for a day; the new one is told this once."""
    world = a_world()
    async with serving(world) as site:
        made = await site.client.post(f"{ONE}/rotate")
        given = await site.client.post(f"{ONE}/rotate", json={"secret": HOOK_SECRET})
        wrong = await site.client.post(f"{ONE}/rotate", json={"secret": "x"})

    assert made.json()["secret"] != given.json()["secret"] == HOOK_SECRET
    assert (wrong.status_code, wrong.json()["field"]) == (422, "secret")
    kept = world.office.endpoints.records[an_endpoint().id]
    assert kept.keys(NOON) == (HOOK_SECRET, made.json()["secret"])


async def test_what_was_given_up_is_shown_and_replayed() -> None:
    """One of them, or those since a time, or all."""
    world = a_world()
    [dead] = world.office.deliveries.records
    async with serving(world) as site:
        page = await site.client.get(f"{ONE}/deliveries?state=dead")
        late = await site.client.post(f"{ONE}/replay", json={"since": "2026-01-02T00:00:00Z"})
        both = await site.client.post(
            f"{ONE}/replay", json={"since": "2026-01-02T00:00:00Z", "delivery": dead}
        )
        other = await site.client.post(f"{ONE}/replay", json={"delivery": "x"})
        one = await site.client.post(f"{ONE}/replay", json={"delivery": dead})
        rest = await site.client.post(f"{ONE}/replay")

    [shown] = DeliveryPageView.model_validate_json(page.content).items
    assert (shown.id, shown.last_error, shown.state) == (dead, "answered 404", "dead")
    assert [each.json().get("replayed") for each in (late, one, rest)] == [0, 1, 0]
    assert (both.status_code, other.status_code) == (400, 404)


@pytest.mark.parametrize("path", ["/api/generations", "/api/jobs/create"])
async def test_an_order_s_secret_is_told_once(path: str) -> None:
    """Where it was made here; one that was given is not repeated."""
    order: dict[str, Any] = {"engine": "comfydeploy", "deployment_id": "d"}
    if path.endswith("create"):
        order = {"user": "0198c0ffee0198c0ffee0198c0ffee99", "preset": "l4_t2i"}
    world = World(people=FakeUsers(a_user()))
    async with serving(world) as site:
        made = await site.client.post(path, json={**order, "webhook": {"url": URL}})
        given = await site.client.post(
            path, json={**order, "webhook": {"url": URL, "secret": HOOK_SECRET}}
        )

    assert made.status_code == 201, made.text
    assert made.json()["webhook"]["id"] == made.json()["id"]
    assert made.json()["webhook"]["secret"].startswith("whsec_")
    assert "whsec_" not in given.text


@pytest.mark.parametrize("path", ["/api/generations", "/api/jobs/create"])
async def test_who_lost_the_answer_to_an_order_learns_its_secret_by_a_repeat(path: str) -> None:
    """Under the same key; not one that was given, nor one that an operator has replaced."""
    order: dict[str, Any] = {"engine": "comfydeploy", "deployment_id": "d"}
    if path.endswith("create"):
        order = {"user": "0198c0ffee0198c0ffee0198c0ffee99", "preset": "l4_t2i"}
    world, named = World(people=FakeUsers(a_user())), {"Idempotency-Key": "order-17"}
    bare = {**order, "webhook": {"url": URL}}
    full = {**order, "webhook": {"url": URL, "secret": HOOK_SECRET}}
    async with serving(world) as site:
        made = (await site.client.post(path, json=bare, headers=named)).json()["id"]
        own = an_endpoint(id=EndpointId(made), order=made)
        world.office.endpoints.records[made] = own
        again = await site.client.post(path, json=bare, headers=named)
        await site.client.post(f"{PATH}/{made}/rotate")
        late = await site.client.post(path, json=bare, headers=named)
        given = {"Idempotency-Key": "order-18"}
        other = (await site.client.post(path, json=full, headers=given)).json()["id"]
        world.office.endpoints.records[other] = an_endpoint(id=EndpointId(other), order=other)
        repeated = await site.client.post(path, json=full, headers=given)

    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["webhook"] == {"id": made, "secret": HOOK_SECRET}
    assert "whsec_" not in late.text + repeated.text
