"""What every keeper of deliveries does."""

import pytest

from app.ports import Deliveries
from processors import debts, hooks
from processors.hooks import About
from schemas.base import GenerationId
from schemas.hook import Delivery, HookEvent
from tests.builders import NOON, USER, a_generation, an_endpoint, later, some_metadata
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

ENDPOINT = an_endpoint()


@pytest.fixture
def deliveries(ports: Ports) -> Deliveries:
    """The port under test."""
    return ports.deliveries


def a_sending(number: int = 1, endpoint: int = 1) -> Delivery:
    """A delivery that waits."""
    record = a_generation(id=GenerationId(f"{number:032x}"), metadata=some_metadata(user_id=USER))
    told = About(HookEvent.COMPLETED, 3, "2026-01-01T12:00:00.000Z")
    return hooks.made(record, told, "{}", an_endpoint(endpoint), now=NOON)


def dead(delivery: Delivery) -> Delivery:
    """The same, given up a minute later."""
    owed = debts.bury(delivery.owed, hooks.DELIVER, 1, error="x", now=later(60))
    return debts.put(delivery, owed)


async def test_the_same_is_frozen_once(deliveries: Deliveries) -> None:
    """Whoever freezes it again is told which were there, and changes nothing."""
    first = a_sending(1)
    assert await deliveries.insert_all([first]) == frozenset()
    again = await deliveries.insert_all([first.change(body="other"), a_sending(2)])

    assert again == {first.id}
    assert await deliveries.get(first.id) == first


async def test_an_endpoint_s_deliveries_are_paged(deliveries: Deliveries) -> None:
    """Newest records first; all, or those of one state."""
    done = hooks.delivered(a_sending(2), 200, later(1))
    lost = dead(a_sending(3))
    for each in (a_sending(1), done, lost, a_sending(4, endpoint=2)):
        assert await deliveries.insert(each)

    page = await deliveries.page(ENDPOINT.id, None, None, 2)
    assert page.items == (lost, done)
    rest = await deliveries.page(ENDPOINT.id, None, page.next, 2)
    assert (rest.items, rest.next) == ((a_sending(1),), None)
    for state, only in (("waiting", a_sending(1)), ("delivered", done), ("dead", lost)):
        assert (await deliveries.page(ENDPOINT.id, state, None, 9)).items == (only,)


async def test_what_was_given_up_or_put_off_is_found(deliveries: Deliveries) -> None:
    """Of one endpoint; what was given up also since a time."""
    lost, waits = dead(a_sending(1)), a_sending(2)
    off = debts.postpone(waits.owed, hooks.DELIVER, 1, later(9), "paused")
    for each in (lost, debts.put(waits, off), dead(a_sending(3, endpoint=2))):
        assert await deliveries.insert(each)

    assert await deliveries.of(lost.record, 9) == (lost,)
    assert await deliveries.of("f" * 32, 9) == ()
    assert await deliveries.dead_of(ENDPOINT.id, None, "", 9) == (lost,)
    assert await deliveries.dead_of(ENDPOINT.id, None, lost.id, 9) == ()
    assert await deliveries.dead_of(ENDPOINT.id, later(60), "", 9) == (lost,)
    assert await deliveries.dead_of(ENDPOINT.id, later(61), "", 9) == ()
    found = await deliveries.put_off_of(ENDPOINT.id, "paused", "", 9)
    assert [each.id for each in found] == [waits.id]
    assert await deliveries.put_off_of(ENDPOINT.id, "paused", waits.id, 9) == ()
    assert await deliveries.put_off_of(ENDPOINT.id, "busy", "", 9) == ()


async def test_deliveries_go_with_their_endpoint_and_with_their_person(
    deliveries: Deliveries,
) -> None:
    """Sent or not."""
    for number, endpoint in ((1, 1), (2, 1), (3, 2)):
        assert await deliveries.insert(a_sending(number, endpoint))

    assert await deliveries.delete_of(ENDPOINT.id) == 2
    assert await deliveries.get(a_sending(1).id) is None
    await deliveries.forget(("somebody else",))
    assert await deliveries.get(a_sending(3, 2).id) is not None
    await deliveries.forget((USER,))
    assert await deliveries.get(a_sending(3, 2).id) is None
