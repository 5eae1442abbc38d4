"""What every ledger does."""

from decimal import Decimal

import pytest

from app.ports import Ledger
from schemas.base import GenerationId, UserId
from schemas.ledger import Entry, EntryId, EntryKind
from tests.builders import USER, an_entry, none_odd
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio

OTHER = UserId("0198c0ffee0198c0ffee0198c0ffee98")


@pytest.fixture
def ledger(ports: Ports) -> Ledger:
    """The port under test."""
    return ports.ledger


async def listed(ledger: Ledger, user: UserId | None = None) -> list[Entry]:
    """Everything that is yielded."""
    return [each async for each in ledger.entries(user, odd=none_odd)]


async def test_an_entry_is_kept_as_it_was_made(ledger: Ledger) -> None:
    """Its amounts to the last place, its lines with it."""
    entry = an_entry(
        kind=EntryKind.HOLD,
        amount=Decimal("-999999999.999999"),
        balance=Decimal("-0.000001"),
        lines={GenerationId("a"): Decimal("0.000000"), GenerationId("b"): Decimal("1.500000")},
        overdraft=Decimal(1),
    )
    assert await ledger.insert(entry)

    found = await ledger.by_key(entry.key)
    assert found is not None
    assert found == entry
    assert [str(each) for each in (found.lines or {}).values()] == ["0.000000", "1.500000"]
    assert await ledger.by_key("another") is None


async def test_a_number_is_given_once_to_each_person(ledger: Ledger) -> None:
    """The loser of a race is told, and nothing is stored; another person is no rival."""
    assert await ledger.insert(an_entry())

    assert not await ledger.insert(an_entry(id=EntryId("x"), key="x"))
    assert await ledger.insert(an_entry(user=OTHER))
    assert [each.user for each in await listed(ledger)] == [OTHER, USER]


async def test_a_key_is_given_once(ledger: Ledger) -> None:
    """Whoever does a thing again is told, whosever it is."""
    assert await ledger.insert(an_entry())

    assert not await ledger.insert(an_entry(2, key=an_entry().key))
    assert not await ledger.insert(an_entry(user=OTHER, key=an_entry().key))


async def test_the_history_begins_at_its_end(ledger: Ledger) -> None:
    """A page, then those before it; another person's are in none."""
    for number in (1, 2, 3):
        await ledger.insert(an_entry(number))
    await ledger.insert(an_entry(9, user=OTHER))

    assert [each.seq for each in await ledger.history(USER, limit=1)] == [3]
    assert [each.seq for each in await ledger.history(USER, limit=9)] == [3, 2, 1]
    assert [each.seq for each in await ledger.history(USER, before=3, limit=1)] == [2]
    assert await ledger.history(USER, before=1, limit=9) == ()
    assert await ledger.history(UserId("nobody"), limit=1) == ()


async def test_all_entries_come_in_their_order(ledger: Ledger) -> None:
    """Person by person, by number, however they were stored."""
    for number, user in ((1, USER), (1, OTHER), (2, OTHER), (2, USER)):
        await ledger.insert(an_entry(number, user=user))

    assert [(each.user, each.seq) for each in await listed(ledger)] == [
        *((OTHER, 1), (OTHER, 2)),
        *((USER, 1), (USER, 2)),
    ]
    assert [each.seq for each in await listed(ledger, USER)] == [1, 2]
    assert await listed(ledger, UserId("nobody")) == []


async def test_what_is_closed_is_known_by_its_key(ledger: Ledger) -> None:
    """Of those that are asked about, in whatever ledger they are."""
    a, b = GenerationId("a"), GenerationId("b")
    assert await ledger.insert(an_entry(key="close:a"))
    assert await ledger.insert(an_entry(user=OTHER, key="close:c"))

    assert await ledger.closed([a, b]) == {a}
    assert await ledger.closed([]) == frozenset()
