"""app.web.refunds: what a job came to is given back."""

from decimal import Decimal

import pytest
from pydantic import JsonValue

from app.usecases.orders import JobView
from tests.app.web.fakes import World
from tests.app.web.serving import serving
from tests.builders import JOB, a_job

pytestmark = pytest.mark.anyio

PATH = f"/api/jobs/{JOB}/refund"


def a_world() -> World:
    """A job."""
    world = World()
    world.orders.views[JOB] = JobView(a_job(), ())
    return world


async def test_a_job_is_refunded() -> None:
    """All of it, or a part; who did it and why is kept."""
    world = a_world()
    async with serving(world) as site:
        whole = await site.client.post(PATH, json={"reason": "lost"})
        part = await site.client.post(PATH, json={"reason": "poor", "amount": "1.5"})

    assert (whole.status_code, whole.json()["id"], part.status_code) == (200, JOB, 200)
    [(_, all_, by, why), (_, some, _, _)] = world.orders.refunds
    assert (all_, some, why) == (None, Decimal("1.5"), "lost")
    assert by.startswith("api:")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (PATH, {}, 400),
        (PATH, {"reason": "x", "amount": "NaN"}, 422),
        (PATH, {"reason": "x", "amount": -1}, 422),
        ("/api/jobs/x/refund", {"reason": "x"}, 404),
        (f"/api/jobs/{'0' * 32}/refund", {"reason": "x"}, 404),
    ],
)
async def test_what_cannot_be_given_back_is_refused(
    path: str, body: dict[str, JsonValue], status: int
) -> None:
    """Without a reason, with no amount, for no job."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.client.post(path, json=body)

    assert (answer.status_code, world.orders.refunds) == (status, [])
