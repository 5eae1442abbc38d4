"""app.web.cron: two calls with a key of their own; and webhooks that have done what they cause."""

from collections import Counter
from collections.abc import Awaitable, Mapping
from datetime import timedelta

import pytest
from pydantic import JsonValue

from app.errors import StoreDownError
from app.usecases.check_runs import Checked
from app.usecases.work_off import Worked
from app.web import cron
from app.web.auth import Keys
from app.web.refusals import UnauthorizedError
from processors.protocols import signing
from schemas.base import GenerationId
from schemas.debt import DebtKind
from schemas.wire.cron import CronChecked, CronWorked
from tests.app.web.fakes import (
    API_KEY,
    CRON_KEYS,
    ENGINE,
    ID,
    KEY,
    UPDATE_SECRET,
    FakeIntake,
    World,
)
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio

WORKER, CHECKER = "/api/cron/worker", "/api/cron/checker"
RIGHT = {"Authorization": f"Bearer {CRON_KEYS[1].decode()}"}
QUERY = "key=the-key%20of+the+monitor%26co"


class FakeShifts:
    """Calls that do little.

    Attributes:
        asked: The budgets, in order.
        busy: Whether another call is at it.
        down: Raised instead.
    """

    def __init__(self) -> None:
        self.asked = list[timedelta]()
        self.busy = False
        self.down: Exception | None = None

    async def work_off(self, budget: timedelta) -> Worked | None:
        """See app.web.services.Shifts."""
        self._asked(budget)
        return None if self.busy else Worked(3, Counter({DebtKind.SUBMIT: 2}), 1, 4, 0.25)

    async def check_runs(self, budget: timedelta) -> Checked | None:
        """See app.web.services.Shifts."""
        self._asked(budget)
        return None if self.busy else Checked(9, 2, 1, 3, 0, 0.5)

    def _asked(self, budget: timedelta) -> None:
        if self.down is not None:
            raise self.down
        self.asked.append(budget)


class FakeAttend:
    """Waits for what is taken in, and remembers it."""

    def __init__(self) -> None:
        self.done = list[str]()

    async def event(self, generation_id: GenerationId, accepted: Awaitable[None]) -> None:
        """See app.web.services.Attend."""
        await accepted
        self.done.append(generation_id)

    async def update(self, taken: Awaitable[None]) -> None:
        """See app.web.services.Attend."""
        await taken
        self.done.append("update")


@pytest.mark.parametrize("method", cron.METHODS)
async def test_the_calls_say_what_they_did(method: str) -> None:
    """By either method, with the usual budget or another; HEAD works as GET does."""
    shifts = FakeShifts()
    async with serving(World(shifts=shifts)) as site:
        worked = await site.client.request(method, WORKER, headers=RIGHT)
        checked = await site.client.request(method, f"{CHECKER}?budget=29", headers=RIGHT)
        head = await site.client.head(f"{WORKER}?budget=1", headers=RIGHT)

    did: dict[str, JsonValue] = {"applied": 3, "discharged": {"submit": 2}, "failed": 1, "left": 4}
    assert worked.json() == {"busy": False, **did, "seconds": 0.25}
    found: dict[str, JsonValue] = {"checked": 9, "advanced": 2, "failed": 1, "reset": 3, "left": 0}
    assert checked.json() == {"busy": False, **found, "seconds": 0.5}
    assert (head.status_code, head.content) == (200, b"")
    assert [each.seconds for each in shifts.asked] == [20, 29, 1]
    assert CronWorked.model_validate_json(worked.content)
    assert CronChecked.model_validate_json(checked.content)


async def test_a_call_beside_another_is_no_error() -> None:
    """It is answered at once, with nothing else in it; a database that is away is one."""
    shifts = FakeShifts()
    async with serving(World(shifts=shifts)) as site:
        shifts.busy = True
        for path in (WORKER, CHECKER):
            busy = await site.client.post(path, headers=RIGHT)
            assert (busy.status_code, busy.json()) == (200, {"busy": True})
        shifts.down = StoreDownError("gone")
        assert (await site.client.post(WORKER, headers=RIGHT)).status_code == 503


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (RIGHT, ""),
        ({"Authorization": f"bearer {CRON_KEYS[0].decode()}"}, ""),
        ({"X-Cron-Key": CRON_KEYS[0].decode()}, ""),
        ({}, QUERY),
        ({"X-Cron-Key": CRON_KEYS[0].decode()}, QUERY),
    ],
)
async def test_its_own_keys_open_it(headers: Mapping[str, str], query: str) -> None:
    """In any of three ways."""
    async with serving(World(shifts=FakeShifts())) as site:
        site.client.headers.pop("Authorization")
        answer = await site.client.get(f"{WORKER}?{query}", headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, ""),
        ({}, "key="),
        ({}, f"{QUERY}x"),
        ({}, f"{QUERY}&key=wrong"),
        ({}, "key=%ff%C3"),
        ({}, "budget=0"),
        ({"X-Cron-Key": "wrong"}, QUERY),
        ({"Authorization": f"Basic {CRON_KEYS[0].decode()}"}, QUERY),
        ({"Authorization": f"Bearer {API_KEY}"}, ""),
    ],
)
async def test_nothing_else_does(headers: Mapping[str, str], query: str) -> None:
    """Nor is a budget looked at before the key is right."""
    shifts, world = FakeShifts(), World()
    world.shifts = shifts
    async with serving(world) as site:
        site.client.headers.pop("Authorization")
        for path in (WORKER, CHECKER):
            answer = await site.client.get(f"{path}?{query}", headers=headers)
            assert answer.status_code == 401
            assert "monitor" not in answer.text
        elsewhere = await site.client.get("/api/jobs", headers=RIGHT)

    assert elsewhere.status_code == 401
    assert shifts.asked == []


@pytest.mark.parametrize("wrong", ["budget=0", "budget=30", "budget=soon", "hours=1"])
async def test_what_a_call_cannot_say_is_refused_by_name(wrong: str) -> None:
    """Without a word of the key."""
    async with serving(World(shifts=FakeShifts())) as site:
        site.client.headers.pop("Authorization")
        answer = await site.client.get(f"{WORKER}?{QUERY}&{wrong}")

    assert answer.status_code == 400
    assert wrong.partition("=")[0] in answer.text
    assert "monitor" not in answer.text


async def test_the_document_tells_of_both_and_of_their_keys() -> None:
    """By either method, each with three ways to prove oneself."""
    async with serving(World(shifts=FakeShifts())) as site:
        told = (await site.client.get("/api/openapi.json")).json()

    for path in (WORKER, CHECKER):
        assert set(told["paths"][path]) == {"get", "post"}
        ways = {name for way in told["paths"][path]["post"]["security"] for name in way}
        assert ways <= set(told["components"]["securitySchemes"])
        assert len(ways) == 3


async def test_without_keys_there_are_no_calls() -> None:
    """Nothing tells that there could be any."""
    async with serving(World()) as site:
        answer = await site.client.post(WORKER, headers=RIGHT)

    assert answer.status_code == 404


def test_no_keys_open_nothing() -> None:
    """Not even an empty one."""
    with pytest.raises(UnauthorizedError):
        Keys([b""]).check([(b"authorization", b"Bearer ")], [])


async def test_webhooks_are_answered_once_they_are_attended_to() -> None:
    """An engine's, one too large, and Telegram's; one that could not be stored is refused."""
    attend, intake = FakeAttend(), FakeIntake()
    world = World(attend=attend, updates=intake)
    token = signing.webhook_token(KEY, ENGINE, ID, 1)
    path = f"/api/webhook/{ENGINE}?generation={ID}&token={token}"
    json = {"Content-Type": "application/json"}
    secret = {"X-Telegram-Bot-Api-Secret-Token": UPDATE_SECRET.decode()}
    async with serving(world) as site:
        body = b'{"run_id": "r", "status": "running"}'
        first = await site.post(path, content=body, headers=json)
        told = await site.post("/webhook", content=b"{}", headers=secret)
        assert attend.done == [ID, "update"]
        large = await site.post(path, content=b" " * (1024 * 1024 + 1), headers=json)
        assert attend.done == [ID, "update", ID]
        world.acceptor.failure = StoreDownError("gone")
        gone = await site.post(path, content=body, headers=json)

    answers = [each.status_code for each in (first, told, large, gone)]
    assert answers == [200, 200, 413, 503]
    assert len(attend.done) == 3
