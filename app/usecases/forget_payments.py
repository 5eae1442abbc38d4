"""What somebody bought: it stays, since money and credits moved; see `app.usecases.forget_user`."""

from app.ports import KeptPayments
from app.usecases.forget_user import AT_ONCE
from app.usecases.records import RecordsOf
from processors import payments
from schemas.payment import Payment
from schemas.user import User


class ForgetPayments:
    """Invoices expire, and who paid is told nobody any more.

    Args:
        kept: The payments, to be listed.
        records: The payments, to be changed.
    """

    def __init__(self, kept: KeptPayments, records: RecordsOf[Payment]) -> None:
        self._kept = kept
        self._records = records

    async def __call__(self, user: User) -> bool:
        """See app.usecases.forget_user.Part. What they owe goes on: it needs nobody's name."""
        cursor: str | None = None
        more = True
        while more:
            page = await self._kept.page(user.id, cursor, AT_ONCE)
            for payment in page.items:
                await self._records.change(payment.id, payments.forgotten, payment)
            cursor, more = page.next, page.next is not None
        return True
