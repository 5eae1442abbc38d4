"""`runrelay payments`: what was bought, and giving it back."""

from typing import Final

from app.cli import opening, speaking
from app.cli.granting import me
from app.cli.settling import refusing
from app.clock import Clock
from app.errors import NotFoundError
from app.observability.journal import Journal
from app.usecases.payment_records import PaymentRecords
from app.usecases.taking import Taking
from schemas.base import InstanceName, PaymentId, plain
from schemas.payment import Payment, PaymentStatus
from schemas.timing import Timing

_COLUMNS: Final = ("made", "id", "status", "Stars", "credits", "user", "paid by", "why")


async def list_payments(telegram_id: int | None, limit: int) -> None:
    """List payments, newest first."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            user = None
            if telegram_id is not None:
                found = await store.users.by_telegram_id(telegram_id)
                if found is None:
                    raise NotFoundError("user")
                user = found.id
            page = await store.payments.page(user, None, limit)
    now = clock.now()
    if page.items:
        speaking.show(_COLUMNS, [_row(each, each.status_at(now)) for each in page.items])
    else:
        speaking.say("nothing was bought")


async def refund(payment_id: str, *, reason: str, by: str | None) -> None:
    """Have a payment's money go back."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            # Written down for the service: a command pays no debts.
            taking = Taking(InstanceName("cli"), Timing(), background=False, messenger=None)
            records = PaymentRecords(store.payments, clock, Journal(), taking)
            payment = await records.want_refund(
                PaymentId(payment_id), by=f"cli:{by or me()}", reason=reason
            )
    whom = f"{payment.amount} Stars to {payment.shown_payer or 'somebody forgotten'}"
    if payment.refunded_at is not None:
        speaking.say(f"went back at {speaking.clock(payment.refunded_at)}: {whom}")
    else:
        speaking.say(f"goes back, by the service, within seconds: {whom}")


def _row(payment: Payment, status: PaymentStatus) -> tuple[str, ...]:
    why = payment.stray.value if payment.stray else payment.refund_reason or ""
    return (
        *(speaking.clock(payment.created_at), payment.id, status.value),
        *(str(payment.amount), plain(payment.credits)),
        *(payment.user or "", str(payment.shown_payer or "")),
        payment.refund_refused or why,
    )
