"""Move credits: read the last entry, decide the next, insert it, and again on a lost race."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from app.clock import Clock
from app.errors import ContendedError
from app.ports import Ledger
from processors import ledger
from processors.errors import LedgerError
from processors.ledger import Act
from schemas.base import GenerationId, PaymentId, UserId
from schemas.ledger import Entry, EntryId, EntryKind

MAX_TRIES: Final = 100
"""Each lost race is somebody's entry: a hundred in a row on one person mean something is wrong."""

Sure = Callable[[], Awaitable[bool]]
"""Says whether a movement still is ours to make."""


class Money:
    """Everybody's credits. Every movement is made once, however often it is asked for.

    Every method may raise StoreDownError. Then it is not known whether credits moved: asking
    again under the same key moves them once.
    """

    def __init__(self, kept: Ledger, clock: Clock) -> None:
        self._ledger = kept
        self._clock = clock

    async def balance(self, user: UserId) -> Decimal:
        """Return what a person has."""
        return ledger.balance(await self.last(user))

    async def last(self, user: UserId) -> Entry | None:
        """Return a person's last entry, which says what they have; None before the first."""
        found = await self._ledger.history(user, limit=1)
        return found[0] if found else None

    async def grant(
        self, user: UserId, amount: Decimal, *, key: str, by: str, reason: str | None = None
    ) -> Entry:
        """Give credits.

        Args:
            user: To whom.
            amount: How many.
            key: What this grant is: the same again grants nothing.
            by: Who gives them.
            reason: Why.

        Raises:
            AmountError: It is no amount that can be given.
            KeyTakenError: The key is that of another movement.
            ContendedError: Others kept winning the write.
        """

        def decide(last: Entry | None, act: Act) -> Entry:
            return ledger.grant(last, act, key, amount)

        return await self._moved(user, EntryKind.GRANT, key, decide, by=by, reason=reason)

    async def hold(
        self,
        user: UserId,
        job: str,
        lines: Mapping[GenerationId, Decimal],
        *,
        by: str,
        overdraft: Decimal | None = None,
        seen: Entry | None = None,
        sure: Sure | None = None,
    ) -> Entry:
        """Set credits aside for a job, all its lines or none.

        Args:
            user: Whose credits.
            job: What they ordered; a job is held for once.
            lines: For each of its generations the most that it can come to.
            by: Who ordered.
            overdraft: How far below zero the balance may go, by explicit leave.
            seen: The person's last entry as it was a moment ago: it is not read again where it
                still is so.
            sure: Whether it still is for us to hold, asked after the last entry was read.

        Raises:
            InsufficientCreditsError: The balance does not cover it.
            AmountError: There is no line, or one of them is no amount.
            KeyTakenError: The job is another person's.
            ContendedError: Others kept winning the write, or it is no more for us to hold.
        """
        leave = Decimal(0) if overdraft is None else overdraft

        def decide(last: Entry | None, act: Act) -> Entry:
            return ledger.hold(last, act, job, lines, overdraft=leave)

        key = ledger.hold_key(job)
        return await self._moved(user, EntryKind.HOLD, key, decide, by=by, seen=seen, sure=sure)

    async def close(
        self,
        user: UserId,
        job: str,
        generation: GenerationId,
        captured: Decimal,
        *,
        by: str,
        rate: Decimal | None = None,
        reason: str | None = None,
    ) -> Entry:
        """Settle a line of a job's hold; one that was settled stays as it was.

        Args:
            user: Whose credits.
            job: Whose hold it is.
            generation: Whose line it is.
            captured: What the person pays, at most the line; the rest is returned.
            by: Who settles it.
            rate: Credits for one USD, where the price follows the cost.
            reason: How the price came about.

        Raises:
            NoLineError: Nothing is held for it.
            AmountError: `captured` is no amount, or more than the line.
            KeyTakenError: The generation is another person's.
            ContendedError: Others kept winning the write.
        """
        held = await self._ledger.by_key(ledger.hold_key(job))

        def decide(last: Entry | None, act: Act) -> Entry:
            return ledger.close(last, act, held, generation, captured, rate=rate)

        key = ledger.close_key(generation)
        return await self._moved(user, EntryKind.CLOSE, key, decide, by=by, reason=reason)

    async def refund(
        self,
        user: UserId,
        generation: GenerationId,
        amount: Decimal | None = None,
        *,
        by: str,
        reason: str,
    ) -> Entry:
        """Give back what was captured for a generation, once.

        Args:
            user: To whom.
            generation: What they paid for.
            amount: How much of it; None for all.
            by: Who gives it back.
            reason: Why.

        Raises:
            NoLineError: Nothing was captured for it.
            AmountError: It is no amount, or more than was captured.
            AlreadyRefundedError: Another amount was given back before.
            KeyTakenError: The generation is another person's.
            ContendedError: Others kept winning the write.
        """
        closed = await self._ledger.by_key(ledger.close_key(generation))

        def decide(last: Entry | None, act: Act) -> Entry:
            return ledger.refund(last, act, closed, generation, amount)

        key = ledger.refund_key(generation)
        entry = await self._moved(user, EntryKind.REFUND, key, decide, by=by, reason=reason)
        return ledger.refunded(entry, amount)

    async def payment(
        self,
        user: UserId,
        charge: str,
        amount: Decimal,
        *,
        record: PaymentId,
        rate: Decimal,
        by: str,
    ) -> Entry:
        """Credit what a charge has bought; the same charge again credits nothing.

        Args:
            user: To whom.
            charge: The provider's name of what was paid.
            amount: How many credits.
            record: The payment.
            rate: Credits for one Star.
            by: Whose word it is that it was paid.

        Raises:
            AmountError: It is no amount that can be credited.
            KeyTakenError: The charge is another person's.
            ContendedError: Others kept winning the write.
        """

        def decide(last: Entry | None, act: Act) -> Entry:
            return ledger.payment(last, act, charge, amount, record=record, rate=rate)

        return await self._moved(user, EntryKind.PAYMENT, ledger.payment_key(charge), decide, by=by)

    async def payback(
        self, user: UserId, charge: str, *, by: str, reason: str | None = None
    ) -> Entry:
        """Take back what a charge has brought, once; the balance may go below zero.

        Args:
            user: From whom.
            charge: What they have got their money back for.
            by: Who gave it back.
            reason: Why.

        Raises:
            NoPaymentError: Nothing was credited for it.
            KeyTakenError: The charge is another person's.
            ContendedError: Others kept winning the write.
        """
        paid = await self._ledger.by_key(ledger.payment_key(charge))

        def decide(last: Entry | None, act: Act) -> Entry:
            return ledger.payback(last, act, paid, charge)

        key = ledger.payback_key(charge)
        return await self._moved(user, EntryKind.PAYBACK, key, decide, by=by, reason=reason)

    async def _moved(
        self,
        user: UserId,
        kind: EntryKind,
        key: str,
        decide: "_Decide",
        *,
        by: str,
        reason: str | None = None,
        seen: Entry | None = None,
        sure: Sure | None = None,
    ) -> Entry:
        for _ in range(MAX_TRIES):
            last, refused = seen or await self.last(user), None
            act = Act(EntryId(self._clock.new_id()), user, by, self._clock.now(), reason)
            try:
                entry = decide(last, act)
                # Whoever takes over after this reads no earlier entry, or finds ours. One that
                # was seen before there was anything to take over needs no asking.
                if seen is None and sure is not None and not await sure():
                    raise ContendedError(key)
                if await self._ledger.insert(entry):
                    return entry
            except LedgerError as error:
                refused = error
            # Whether it was done before is decided by the insert, and read only where that was
            # lost, or where nothing is left to do it with: a repeated hold finds its credits gone.
            known = await self._ledger.by_key(key)
            if known is not None:
                return ledger.accept(known, user, kind)
            if refused is not None and seen is None:
                raise refused
            seen = None
        raise ContendedError(f"the ledger of {user}")


class _Decide(Protocol):
    """Says what the next entry is; asked again where somebody was first."""

    def __call__(self, last: Entry | None, act: Act) -> Entry: ...
