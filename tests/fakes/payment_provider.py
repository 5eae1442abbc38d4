"""A provider of payments in memory: it remembers what it was asked, and lists what it is told."""

from collections.abc import AsyncIterator

from app.errors import PeerRefusedError
from processors.notifications.paying import Bill
from schemas.base import PaymentId
from schemas.payment import Charge, Payment, Transaction
from tests.fakes.gates import Gate, ajar


class FakeProvider:
    """See app.ports.PaymentProvider.

    Attributes:
        links: The invoices that links were made for, with what stands on them.
        sent: The invoices that were sent, with their chats.
        back: Charges whose money went back, once for each time that it really did.
        will_not: Refuses to give anything back.
        denied: Charges that it denies.
        lines: Its own list.
        gate: Passed before each call takes effect, and before it answers.
    """

    name = "telegram"

    def __init__(self, gate: Gate = ajar) -> None:
        self.links = list[tuple[PaymentId, Bill]]()
        self.sent = list[tuple[PaymentId, int]]()
        self.back = list[str]()
        self.will_not = False
        self.denied = set[str]()
        self.lines = list[Transaction]()
        self.gate = gate

    async def link(self, payment: Payment, bill: Bill) -> str:
        """See app.ports.PaymentProvider."""
        await self.gate()
        self.links.append((payment.id, bill))
        await self.gate()
        return f"https://pay.example.com/{payment.id}"

    async def send(self, payment: Payment, bill: Bill, chat_id: int) -> None:
        """See app.ports.PaymentProvider."""
        del bill
        await self.gate()
        self.sent.append((payment.id, chat_id))
        await self.gate()

    async def confirm(self, charge: Charge) -> bool:
        """See app.ports.PaymentProvider."""
        await self.gate()
        return charge.id not in self.denied

    async def refund(self, payment: Payment) -> None:
        """See app.ports.PaymentProvider."""
        await self.gate()
        if self.will_not:
            raise PeerRefusedError("telegram", "it is too long ago")
        if payment.charge_id is not None and payment.charge_id not in self.back:
            self.back.append(payment.charge_id)
        await self.gate()

    async def transactions(self, start: int) -> AsyncIterator[Transaction]:
        """See app.ports.PaymentProvider."""
        await self.gate()
        for line in self.lines:
            if line.place >= start:
                yield line

    def lists(self, charge: Charge, *, refunded: bool = False) -> None:
        """Add a line to the list."""
        line = Transaction(place=len(self.lines), charge=charge, refunded=refunded)
        self.lines.append(line)
