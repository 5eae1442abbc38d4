"""Sell credits: an invoice, the question before it is paid, the charge, and the way back.

What a provider tells is written down before anything is moved, in one write with what is owed
for it; the ledger follows, by the charge's own key. So a crash between the two leaves a debt,
which `app.usecases.payment_debts` discharges, and a repetition finds everything done.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

import structlog

from app.errors import (
    AmountRefusedError,
    ConflictError,
    ContendedError,
    IdempotencyMismatchError,
    NotFoundError,
    TelegramOffError,
    UnavailableError,
)
from app.ports import Alerts, PaymentProvider, Users, Write
from app.usecases.payment_debts import CreditPayment, PaybackPayment
from app.usecases.payment_records import PaymentRecords
from app.usecases.records import MAX_TRIES, stamped
from processors import payments
from processors.notifications.paying import Bill
from schemas.base import PaymentId, UserId
from schemas.ledger import Entry
from schemas.payment import Charge, Checkout, Payment, PaymentStatus, Refusal
from schemas.user import User

LINK_LASTS: Final = timedelta(hours=24)
"""How long an invoice may be paid by its link."""
MESSAGE_LASTS: Final = timedelta(hours=1)
"""How long one that was sent into a chat may be paid."""
CHECK_LIMIT: Final = timedelta(milliseconds=500)
"""Longest that a check takes. With what the question waits before it (to be stored, and for the
person's language), and its way to the provider, it is answered within a second."""

Billed = Callable[[Payment, str | None], Bill]
"""Returns what stands on a payment's invoice, in the language of a tag."""


class Payments:
    """Payments, from the invoice until the money went back.

    Args:
        records: The payments.
        users: Whose credits they are.
        credit: Credits what was bought.
        payback: Takes back what was refunded.
        provider: Who takes the money; None where nobody does.
        bill: What stands on an invoice.
        rate: Credits for one Star.
        offered: Sizes of purchases that people may choose from, in Stars.
        alerts: Told of what the provider denies.
    """

    def __init__(
        self,
        records: PaymentRecords,
        users: Users,
        provider: PaymentProvider | None,
        *,
        credit: CreditPayment,
        payback: PaybackPayment,
        bill: Billed,
        rate: Decimal,
        offered: Sequence[int],
        alerts: Alerts,
    ) -> None:
        self._records = records
        self._users = users
        self._credit = credit
        self._payback = payback
        self._provider = provider
        self._bill = bill
        self._rate = rate
        self._offered = offered
        self._alerts = alerts
        self._log = structlog.get_logger()

    async def create(
        self, user_id: UserId, stars: int, *, key: str | None, digest: str | None
    ) -> tuple[Payment, bool]:
        """Return a payment with a link to its invoice, and whether it was made just now.

        Under a key that is known the same payment is returned; its link, if a crash came before
        it, is made then.

        Raises:
            TelegramOffError: Nobody takes money here.
            NotFoundError: There is no such person.
            ConflictError: They are blocked or forgotten.
            AmountRefusedError: That many Stars cannot be sold for.
            IdempotencyMismatchError: The key came with another body before.
            PeerError: The provider did not give a link; the same key may be tried again.
        """
        provider, user = await self._customer(user_id)
        payment, new = await self._made(user, stars, LINK_LASTS, key, digest)
        if payment.invoice_url is None and payment.status is PaymentStatus.CREATED:
            url = await provider.link(payment, self._bill(payment, user.language))
            payment = await self._records.amend(
                payment, lambda each, _: each.change(invoice_url=url)
            )
        return payment, new

    async def offer(self, user_id: UserId, stars: int, chat_id: int, *, key: str) -> Refusal | None:
        """Send an invoice into a chat, once for a key.

        After a crash it may be sent twice; only one of the two can be paid.

        Returns:
            None where it was sent, now or before; else why it cannot be paid any more.

        Raises:
            As `create`.
        """
        provider, user = await self._customer(user_id)
        payment, _ = await self._made(user, stars, MESSAGE_LASTS, key, str(stars))
        asked = Checkout(invoice=payment.id, amount=payment.amount, currency=payment.currency)
        refusal = payments.refuse(payment, user, asked, self._records.clock.now())
        if refusal is None and payment.sent_at is None:
            await provider.send(payment, self._bill(payment, user.language), chat_id)
            await self._records.amend(payment, lambda each, now: each.change(sent_at=now))
        return refusal

    def sizes(self) -> tuple[tuple[int, Decimal], ...]:
        """Return the sizes of purchases that are offered: Stars, and what they buy now."""
        return tuple((each, payments.credits_for(each, self._rate)) for each in self._offered)

    async def get(self, payment_id: PaymentId) -> Payment | None:
        """Return a payment, or None."""
        return await self._records.kept.get(payment_id)

    async def check(self, asked: Checkout) -> Refusal | None:
        """Return why an invoice may not be paid now, or None where it may.

        The provider waits for the answer, and gives up after some seconds: it has one within a
        second, whether the database answers or not.
        """
        try:
            async with asyncio.timeout(CHECK_LIMIT.total_seconds()):
                payment = await self._records.kept.get(PaymentId(asked.invoice))
                user = None if payment is None else await self._user(payment)
        except (TimeoutError, UnavailableError):
            return Refusal.LATER
        return payments.refuse(payment, user, asked, self._records.clock.now())

    async def paid(self, charge: Charge) -> Entry | None:
        """Credit what was paid, once, however often and by how many it is told.

        Returns:
            The entry that credited it; None where nobody could be credited, or the provider
            denies it. Of either somebody is alerted.

        Raises:
            StoreDownError: It is not known how far it came; telling again does the rest.
        """
        payment = await self._taken_down(charge)
        # The debt's own hand does the same, by the same key: whoever waits for the entry has it.
        return None if payment is None else await self._credit.entry(payment)

    async def refund(self, payment_id: PaymentId, *, by: str, reason: str) -> Payment:
        """Give the money back to who paid, and take the credits; once, whoever wants it too.

        Returns:
            The payment: on its way there, or refunded.

        Raises:
            NotFoundError: There is no such payment.
            ConflictError: Nobody has paid it.
        """
        return await self._records.want_refund(payment_id, by=by, reason=reason)

    async def refunded(self, charge: Charge) -> Payment | None:
        """Book that the provider has given the money of a charge back.

        A charge that we never heard of is booked first.

        Returns:
            Its payment; None where the provider denies the charge.
        """
        payment = await self._taken_down(charge)
        if payment is None:
            return None
        after = await self._records.amend(
            payment,
            lambda each, now: payments.given_back(
                each, by=each.provider, now=now, taker=self._records.taker(now)
            ),
        )
        await self._payback.entry(after)
        return after

    def malformed(self, what: str) -> None:
        """Have somebody know of a charge that no provider can have made; nobody is credited."""
        self._alerts.alert("payment_malformed", what)

    async def _customer(self, user_id: UserId) -> tuple[PaymentProvider, User]:
        provider = self._taker()
        user = await self._users.get(user_id)
        if user is None:
            raise NotFoundError("user")
        if not user.served:
            why = "forgotten, as they wished" if user.gone else "blocked"
            raise ConflictError(f"this person is {why}")
        return provider, user

    async def _made(
        self, user: User, stars: int, lasts: timedelta, key: str | None, digest: str | None
    ) -> tuple[Payment, bool]:
        known = await self._known(key, digest)
        if known is not None:
            return known, False
        try:
            made = payments.made(
                PaymentId(self._records.clock.new_id()),
                user.id,
                stars,
                provider=self._taker().name,
                rate=self._rate,
                now=self._records.clock.now(),
                lasts=lasts,
                key=key,
                digest=digest,
            )
        except ValueError as error:
            raise AmountRefusedError("amount", str(error)) from None
        if await self._records.add(made):
            return made, True
        known = await self._known(key, digest)
        if known is None:
            raise ConflictError("the id of this payment is taken; ask again")
        return known, False

    async def _known(self, key: str | None, digest: str | None) -> Payment | None:
        known = None if key is None else await self._records.kept.by_idempotency_key(key)
        if known is not None and known.idempotency_digest != digest:
            raise IdempotencyMismatchError
        return known

    async def _taken_down(self, charge: Charge) -> Payment | None:
        """Return a charge's own record, made now if there is none; None where it is denied."""
        for attempt in range(MAX_TRIES):
            known = await self._records.payments.by_charge(charge.id)
            if known is not None:
                return known
            if attempt == 0 and not await self._confirmed(charge):
                return None
            invoice = await self._records.kept.get(charge.invoice)
            now = self._records.clock.now()
            outcome = payments.paid(
                invoice,
                None if invoice is None else await self._user(invoice),
                charge,
                provider=self._taker().name,
                new_id=PaymentId(self._records.clock.new_id()),
                now=now,
                taker=self._records.taker(now),
            )
            written = await self._written(outcome)
            if written is not None:
                if written.stray is None and written.invoice is not None:
                    self._log.warning("an invoice was paid again", payment=written.id)
                return written
        raise ContendedError(f"the payment of charge {charge.id}")

    async def _confirmed(self, charge: Charge) -> bool:
        provider = self._taker()
        good = await provider.confirm(charge)
        if not good:
            self._alerts.alert("payment_denied", f"{provider.name} knows nothing of {charge.id}")
        return good

    async def _written(self, outcome: payments.Outcome) -> Payment | None:
        """Store what a charge comes to; None where somebody was first."""
        before, after = outcome
        if before is None:
            return after if await self._records.add(after) else None
        lost = await self._records.change_all([Write(before, after)])
        return None if lost else stamped(before, after, self._records.clock.now()).after

    async def _user(self, payment: Payment) -> User | None:
        return None if payment.user is None else await self._users.get(payment.user)

    def _taker(self) -> PaymentProvider:
        if self._provider is None:
            raise TelegramOffError("payments", "Telegram is not set up here")
        return self._provider
