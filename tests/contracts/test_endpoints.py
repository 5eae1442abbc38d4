"""What every keeper of endpoints does."""

import pytest

from app.ports import Endpoints
from schemas.hook import EndpointId, HookEvent
from tests.builders import NOON, an_endpoint, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

ORDER = "0198c0ffee0198c0ffee0198c0ffee01"


@pytest.fixture
def endpoints(ports: Ports) -> Endpoints:
    """The port under test."""
    return ports.endpoints


async def test_an_endpoint_is_kept_as_it_is(endpoints: Endpoints) -> None:
    """Once; another of its id is told so."""
    first = an_endpoint()
    assert await endpoints.write(None, first)
    assert not await endpoints.write(None, first.change(url="https://other.example.com/"))

    assert await endpoints.get(first.id) == first
    assert await endpoints.get("f" * 32) is None


async def test_an_order_s_own_endpoint_hears_of_it_alone(endpoints: Endpoints) -> None:
    """It is in no list, and makes nobody listen to anything else."""
    assert await endpoints.listened() == frozenset()
    ours = an_endpoint(1, events=(HookEvent.FAILED, HookEvent.JOB))
    own = an_endpoint(id=EndpointId(ORDER), order=ORDER, events=(HookEvent.STARTED, HookEvent.JOB))
    for each in (own, ours):
        assert await endpoints.write(None, each)

    assert await endpoints.listed() == (ours,)
    assert await endpoints.listened() == {HookEvent.FAILED, HookEvent.JOB}
    found = await endpoints.listening(HookEvent.JOB, ORDER)
    assert sorted(each.id for each in found) == sorted([ours.id, own.id])
    assert await endpoints.listening(HookEvent.JOB, "f" * 32) == (ours,)
    assert await endpoints.listening(HookEvent.STARTED, ORDER) == (own,)
    assert await endpoints.listening(HookEvent.COMPLETED, ORDER) == ()


async def test_a_change_names_the_version_it_replaces(endpoints: Endpoints) -> None:
    """How it fares meanwhile is not lost with it."""
    first = an_endpoint()
    await endpoints.write(None, first)
    await endpoints.failed(first.id, NOON, "answered 500")
    paused = first.change(version=2, paused_at=later(1), paused_why="operator")

    assert await endpoints.write(first, paused)
    assert not await endpoints.write(first, paused)
    found = await endpoints.get(first.id)
    assert found is not None
    assert (found.paused_at, found.failures) == (later(1), 1)


async def test_how_an_endpoint_fares_is_counted(endpoints: Endpoints) -> None:
    """Failures in a row, since when, and the last word; a success begins anew."""
    first = an_endpoint()
    await endpoints.write(None, first)
    await endpoints.failed(first.id, NOON, "did not answer in time")
    ill = await endpoints.failed(first.id, later(60), "answered 500")

    assert ill is not None
    assert (ill.failures, ill.failing_since, ill.last_failure_at) == (2, NOON, later(60))
    assert ill.last_error == "answered 500"
    await endpoints.worked(first.id, later(90))
    well = await endpoints.get(first.id)
    assert well == first.change(last_success_at=later(90), last_failure_at=later(60))
    assert await endpoints.failed(EndpointId("f" * 32), NOON, "x") is None
    await endpoints.worked(EndpointId("f" * 32), NOON)
    assert await endpoints.get("f" * 32) is None


async def test_an_endpoint_is_taken_away(endpoints: Endpoints) -> None:
    """Once; and what came with somebody's orders goes with them."""
    first, theirs = an_endpoint(1), an_endpoint(2, order=ORDER, people=("ada", "4711"))
    for each in (first, theirs):
        await endpoints.write(None, each)

    await endpoints.forget(("4711",))
    assert await endpoints.get(theirs.id) is None
    assert await endpoints.delete(first.id)
    assert not await endpoints.delete(first.id)
