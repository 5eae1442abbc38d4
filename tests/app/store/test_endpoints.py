"""How MongoDB finds who listens. See also tests/contracts."""

import pytest

from app.store.connection import Connection
from app.store.endpoints import MongoEndpoints
from schemas.hook import EndpointId, HookEvent
from tests.app.store.profiling import profiled
from tests.builders import an_endpoint

pytestmark = pytest.mark.anyio

ORDERS = 300


async def test_who_listens_is_found_however_many_orders_brought_an_endpoint(
    prepared: Connection,
) -> None:
    """Every few seconds, and at each event: what other orders brought is not looked at."""
    endpoints = MongoEndpoints(prepared)
    orders = [EndpointId(f"{number:032x}") for number in range(10, 10 + ORDERS)]
    for each in orders:
        assert await endpoints.write(None, an_endpoint(id=each, order=each))
    assert await endpoints.write(None, an_endpoint(1))

    async with profiled(prepared, "webhook_endpoints") as profile:
        assert await endpoints.listened() == frozenset(HookEvent)
        found = await endpoints.listening(HookEvent.COMPLETED, orders[0])
        assert await endpoints.listed() == (an_endpoint(1),)
    assert {each.id for each in found} == {an_endpoint(1).id, orders[0]}
    assert profile.plans
    assert not any("COLLSCAN" in each for each in profile.plans), profile.plans
    assert profile.documents < 10
