"""Credits move once, however many want them at once and whatever is lost on the way."""

import asyncio
from decimal import Decimal

import pytest

from app.errors import ContendedError, StoreDownError
from app.usecases.money import MAX_TRIES, Money
from processors import ledger
from processors.errors import (
    AlreadyRefundedError,
    AmountError,
    InsufficientCreditsError,
    KeyTakenError,
    LedgerError,
    NoLineError,
    NoPaymentError,
)
from schemas.base import GenerationId, PaymentId, UserId
from schemas.ledger import Entry
from tests.builders import ID, NOON, USER
from tests.fakes.clock import FakeClock
from tests.fakes.gates import Turnstile
from tests.fakes.ledger import FakeLedger

pytestmark = pytest.mark.anyio

OTHER = GenerationId("0198c0ffee0198c0ffee0198c0ffee02")
TEN = Decimal(10)


async def turn() -> None:
    """Let everybody else go on first."""
    await asyncio.sleep(0)


def money(kept: FakeLedger) -> Money:
    """The use case on a ledger."""
    return Money(kept, FakeClock())


async def granted(kept: FakeLedger, amount: str = "10") -> Money:
    """The use case, and somebody who has something."""
    moves = money(kept)
    await moves.grant(USER, Decimal(amount), key="first", by="cli:ada")
    return moves


async def twice(kept: FakeLedger) -> None:
    """Grant ten credits, and ten more."""
    for number in range(2):
        await money(kept).grant(USER, TEN, key=f"k{number}", by="us")


def sound(kept: FakeLedger) -> Decimal:
    """Return the balance of a ledger that has no flaw."""
    audit = ledger.check(kept.kept)
    assert audit.flaws == ()
    return audit.balance


async def test_a_whole_life_of_credits() -> None:
    """Granted, held, a part captured, refunded; each entry says who, when and why."""
    kept = FakeLedger()
    moves = await granted(kept)
    await moves.hold(USER, "job", {ID: Decimal(4), OTHER: Decimal(3)}, by="api")
    assert await moves.balance(USER) == 3
    closed = await moves.close(
        USER, "job", ID, Decimal("1.5"), by="us", rate=Decimal(100), reason="12 s"
    )
    await moves.close(USER, "job", OTHER, Decimal(3), by="us")
    refunded = await moves.refund(USER, OTHER, Decimal(1), by="cli:ada", reason="empty result")

    assert await moves.balance(USER) == sound(kept) == Decimal("6.5")
    assert (closed.by, closed.at, closed.reason, closed.rate) == ("us", NOON, "12 s", 100)
    assert (refunded.by, refunded.reason) == ("cli:ada", "empty result")
    assert len({each.id for each in kept.kept}) == 5


async def test_nobody_has_anything_to_begin_with() -> None:
    """Whoever is not in the ledger has nothing."""
    assert await money(FakeLedger()).balance(USER) == 0


async def test_of_two_jobs_with_money_for_one_one_is_refused() -> None:
    """Both at once: the balance is checked in the insert that spends it."""
    kept = FakeLedger()
    await granted(kept)
    kept.gate = turn
    results = await asyncio.gather(
        *(money(kept).hold(USER, job, {GenerationId(job): TEN}, by="api") for job in "ab"),
        return_exceptions=True,
    )

    assert sum(isinstance(each, Entry) for each in results) == 1
    [refusal] = [each for each in results if isinstance(each, InsufficientCreditsError)]
    assert refusal.missing == 10
    assert sound(kept) == 0


async def test_the_same_at_once_moves_once() -> None:
    """Twenty times the same grant, and everybody gets the same entry."""
    kept = FakeLedger(turn)
    made = await asyncio.gather(
        *(money(kept).grant(USER, TEN, key="payment", by="us") for _ in range(20))
    )

    assert len({each.key for each in made}) == len(kept.kept) == 1
    assert sound(kept) == 10


async def test_many_at_once_all_get_through() -> None:
    """Each lost race is somebody else's entry."""
    kept = FakeLedger(turn)
    await asyncio.gather(
        *(money(kept).grant(USER, TEN, key=f"k{number}", by="us") for number in range(50))
    )

    assert sound(kept) == 500


async def test_a_repeated_hold_finds_its_own_credits_gone() -> None:
    """And is answered with its entry, not refused."""
    kept = FakeLedger()
    moves = await granted(kept)
    first = await moves.hold(USER, "job", {ID: TEN}, by="api")

    assert await moves.hold(USER, "job", {ID: TEN}, by="api") is first
    assert sound(kept) == 0


async def test_what_is_no_more_ours_to_hold_is_not_held() -> None:
    """Who slept while somebody else took over finds that out before it counts."""
    kept = FakeLedger()
    moves = await granted(kept)

    async def gone() -> bool:
        return False

    with pytest.raises(ContendedError):
        await moves.hold(USER, "job", {ID: TEN}, by="api", sure=gone)
    assert sound(kept) == 10


async def test_a_hold_is_decided_anew_where_its_entry_is_out_of_date() -> None:
    """What was seen is only where it begins: not what is taken, and not what is refused."""
    kept = FakeLedger()
    moves = await granted(kept)
    seen = await moves.last(USER)
    await moves.hold(USER, "other", {OTHER: Decimal(8)}, by="us", seen=seen)
    with pytest.raises(InsufficientCreditsError):
        await moves.hold(USER, "job", {ID: Decimal(8)}, by="us", seen=seen)
    short = await moves.last(USER)
    await moves.grant(USER, TEN, key="more", by="us")
    held = await moves.hold(USER, "job", {ID: Decimal(8)}, by="us", seen=short)

    assert held.balance == 4
    assert sound(kept) == 4


async def test_a_close_stands() -> None:
    """Whoever comes later, with another price, accepts it."""
    kept = FakeLedger()
    moves = await granted(kept)
    await moves.hold(USER, "job", {ID: TEN}, by="api")
    first, second = await asyncio.gather(
        *(moves.close(USER, "job", ID, Decimal(price), by="us") for price in (1, 9))
    )

    assert first is second
    assert sound(kept) == 9


async def test_a_lost_answer_moves_nothing_twice() -> None:
    """The entry is there or it is not; asking again makes it there once."""
    for lost in range(7):
        gate = Turnstile([None] * lost + [StoreDownError("away")])
        kept = FakeLedger(gate)
        with pytest.raises(StoreDownError):
            await twice(kept)
        await twice(kept)

        assert sound(kept) == 20


async def test_leave_to_go_below_zero_is_explicit() -> None:
    """Without it nobody does."""
    kept = FakeLedger()
    moves = await granted(kept)
    with pytest.raises(InsufficientCreditsError):
        await moves.hold(USER, "job", {ID: Decimal(11)}, by="api")
    await moves.hold(USER, "job", {ID: Decimal(11)}, by="api", overdraft=Decimal(5))

    assert await moves.balance(USER) == sound(kept) == -1


@pytest.mark.parametrize(
    ("job", "generation", "captured", "error"),
    [
        ("job", OTHER, "1", NoLineError),
        ("other", ID, "1", NoLineError),
        ("job", ID, "11", AmountError),
        ("job", ID, "NaN", AmountError),
    ],
)
async def test_what_cannot_be_closed_moves_nothing(
    job: str, generation: GenerationId, captured: str, error: type[LedgerError]
) -> None:
    """No line, or too little in it."""
    kept = FakeLedger()
    moves = await granted(kept)
    await moves.hold(USER, "job", {ID: TEN}, by="api")
    with pytest.raises(error):
        await moves.close(USER, job, generation, Decimal(captured), by="us")

    assert len(kept.kept) == 2


async def test_what_was_not_paid_is_not_refunded() -> None:
    """Nor is anything refunded twice."""
    kept = FakeLedger()
    moves = await granted(kept)
    with pytest.raises(NoLineError):
        await moves.refund(USER, ID, by="us", reason="lost")
    await moves.hold(USER, "job", {ID: TEN}, by="api")
    await moves.close(USER, "job", ID, Decimal(4), by="us")
    first = await moves.refund(USER, ID, by="us", reason="lost")

    assert await moves.refund(USER, ID, by="us", reason="again") is first
    assert await moves.refund(USER, ID, Decimal("4.0"), by="us", reason="again") is first
    with pytest.raises(AlreadyRefundedError, match=r"^4\.000000 credits were given back"):
        await moves.refund(USER, ID, Decimal(1), by="us", reason="again")
    for none in ("0", "-1", "NaN", "9223372036854775808"):
        with pytest.raises(AmountError):
            await moves.refund(USER, ID, Decimal(none), by="us", reason="again")
    assert sound(kept) == 10


async def test_a_key_is_one_persons() -> None:
    """What another person was given under it is not theirs."""
    moves = await granted(FakeLedger())

    with pytest.raises(KeyTakenError):
        await moves.grant(UserId("other"), TEN, key="first", by="us")


async def test_a_write_that_is_never_won_is_given_up() -> None:
    """Something is wrong, and the caller may try later."""

    class Rival(FakeLedger):
        """Somebody is always first."""

        async def insert(self, entry: Entry) -> bool:
            """Store another entry in its place."""
            key = f"rival{entry.seq}"
            return not await super().insert(entry.change(key=key))

    kept = Rival()
    with pytest.raises(ContendedError):
        await money(kept).grant(USER, TEN, key="k", by="us")
    assert len(kept.kept) == MAX_TRIES


async def test_what_is_bought_may_be_taken_back() -> None:
    """Each once, however often at once; the spent part is owed from then on."""
    kept = FakeLedger(turn)
    moves, record = money(kept), PaymentId("p")
    bought = await asyncio.gather(
        *(
            money(kept).payment(USER, "c", TEN, record=record, rate=Decimal(2), by="telegram")
            for _ in range(20)
        )
    )
    await moves.hold(USER, "job", {ID: Decimal(4)}, by="api")
    back = await asyncio.gather(
        *(money(kept).payback(USER, "c", by="cli:ada", reason="a mistake") for _ in range(20))
    )

    assert len({each.id for each in bought}) == len({each.id for each in back}) == 1
    assert (back[0].by, back[0].reason, back[0].payment) == ("cli:ada", "a mistake", record)
    assert await moves.balance(USER) == sound(kept) == -4


async def test_what_was_not_bought_is_not_taken_back() -> None:
    """Whatever else somebody has."""
    moves = await granted(FakeLedger())

    with pytest.raises(NoPaymentError):
        await moves.payback(USER, "c", by="us")
