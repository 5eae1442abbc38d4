"""What every inbox does."""

from datetime import datetime

import pytest

from app.ports import Inbox
from app.usecases.accept_events import BATCH_BYTES
from app.web import webhooks
from schemas.base import GenerationId
from schemas.run import Batch
from tests.builders import NOON, a_delivery, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def inbox(ports: Ports) -> Inbox:
    """The port under test."""
    return ports.inbox


def a_batch(name: str, at: datetime = NOON, raw: bytes = b"{}") -> Batch:
    """A batch of one event."""
    return Batch(id=name, at=at, events=(a_delivery(raw, at=at),))


async def test_raw_bytes_come_back_as_they_came(inbox: Inbox) -> None:
    """Not even what is no text, or no JSON, is changed."""
    batch = a_batch("a", raw=b'\xff\x00 {"$where": "$secret"}')
    await inbox.insert(batch)

    assert await inbox.stale(later(1), 9) == (batch,)


async def test_a_batch_of_the_largest_bodies_is_kept(inbox: Inbox) -> None:
    """One of a full batch's size, which is also the most that a single body may have."""
    batch = a_batch("a", raw=bytes(max(BATCH_BYTES, webhooks.LARGE)))
    await inbox.insert(batch)

    assert await inbox.stale(later(1), 9) == (batch,)


async def test_the_same_batch_twice_is_stored_once(inbox: Inbox) -> None:
    """A try whose answer was lost does no harm, not even after it was applied."""
    await inbox.insert(a_batch("a"))
    await inbox.mark_applied(["a"])
    await inbox.insert(a_batch("a"))

    assert await inbox.stale(later(1), 9) == ()


async def test_stale_gives_the_unapplied_the_oldest_first(inbox: Inbox) -> None:
    """Those taken in before a moment, and not at it."""
    for name, at in (("new", NOON), ("b", later(-1)), ("a", later(-2)), ("done", later(-3))):
        await inbox.insert(a_batch(name, at))
    await inbox.mark_applied(["done", "unknown"])

    assert [each.id for each in await inbox.stale(NOON, 9)] == ["a", "b"]
    assert [each.id for each in await inbox.stale(NOON, 1)] == ["a"]


async def test_stale_leaves_out_what_is_known(inbox: Inbox) -> None:
    """Whoever is behind is given what comes next, not the same again."""
    for name, seconds in (("a", -3), ("b", -2), ("c", -1)):
        await inbox.insert(a_batch(name, later(seconds)))

    assert [each.id for each in await inbox.stale(NOON, 1, {"a", "other"})] == ["b"]


async def test_what_was_applied_can_be_applied_again(inbox: Inbox) -> None:
    """Marked back, it is stale like any other."""
    await inbox.insert(a_batch("a"))
    await inbox.mark_applied(["a"])
    await inbox.mark_unapplied(["a"])

    assert [each.id for each in await inbox.stale(later(1), 9)] == ["a"]


async def test_around_gives_a_span_of_time(inbox: Inbox) -> None:
    """Both ends included, applied or not, the oldest first."""
    for name, seconds in (("d", 3), ("c", 2), ("b", 1), ("a", 0)):
        await inbox.insert(a_batch(name, later(seconds)))
    await inbox.mark_applied(["b"])

    assert [each.id async for each in inbox.around(later(1), later(2))] == ["b", "c"]


async def test_around_gives_one_generation_alone(inbox: Inbox) -> None:
    """Batches without events of it are left out, and others' events within a batch."""
    other = GenerationId("f" * 32)
    mine, foreign = a_delivery(b"1"), a_delivery(b"2").change(generation=other)
    await inbox.insert(Batch(id="a", at=NOON, events=(mine, foreign)))
    await inbox.insert(Batch(id="b", at=later(1), events=(foreign,)))
    await inbox.mark_applied(["a"])

    found = [each async for each in inbox.around(NOON, later(9), mine.generation)]
    assert [(each.id, each.events) for each in found] == [("a", (mine,))]
    assert [each.id async for each in inbox.around(NOON, later(9), GenerationId("$events"))] == []
