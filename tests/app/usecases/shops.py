"""A shop on fakes: payments, people, a ledger and a provider, behind one gate."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.usecases.circuits import Circuits
from app.usecases.compare_payments import ComparePayments
from app.usecases.money import Money
from app.usecases.payment_debts import PaymentHands
from app.usecases.payment_records import PaymentRecords
from app.usecases.payments import Payments
from app.usecases.taking import Taking
from processors import ledger
from processors.notifications import paying
from processors.notifications.texts import Voice, language_of
from schemas.base import InstanceName
from schemas.payment import Payment
from tests.app.telegram.conditions import until
from tests.builders import HERE, TIMING, USER, a_payment, a_user
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
from tests.fakes.comparisons import FakeComparisons
from tests.fakes.gates import Gate, ajar
from tests.fakes.leases import FakeLeases
from tests.fakes.ledger import FakeLedger
from tests.fakes.payment_provider import FakeProvider
from tests.fakes.payments import FakePayments
from tests.fakes.users import FakeUsers
from tests.speech import translate


class Shop:
    """Everything that sells credits, at two credits for a Star."""

    def __init__(
        self,
        *,
        telegram: bool = True,
        kept: FakePayments | None = None,
        provider: FakeProvider | None = None,
        name: str = HERE,
        background: bool = True,
    ) -> None:
        self.kept, self.provider = kept or FakePayments(), provider or FakeProvider()
        self.users, self.ledger = FakeUsers(), FakeLedger()
        self.comparisons = FakeComparisons()
        self.alerts, self.clock = FakeAlerts(), FakeClock()
        self.users.records[USER] = a_user()
        taker = self.provider if telegram else None
        self.me = InstanceName(name)
        self.taking = Taking(self.me, TIMING, background=background, messenger=None)
        self.records = PaymentRecords(self.kept, self.clock, Journal(), self.taking)
        self.money = Money(self.ledger, self.clock)
        self.hands = PaymentHands(
            self.records,
            self.money,
            taker,
            taking=self.taking,
            circuits=Circuits(self.clock, TIMING, self.alerts, Metrics()),
            timing=TIMING,
            metrics=Metrics(),
            alerts=self.alerts,
        )
        self.payments = Payments(
            self.records,
            self.users,
            taker,
            credit=self.hands.credit,
            payback=self.hands.payback,
            bill=lambda payment, tag: paying.bill(
                Voice(language_of(tag), translate), payment.credits
            ),
            rate=Decimal(2),
            offered=(50, 100),
            alerts=self.alerts,
        )

    async def restart(self) -> None:
        """Crash and come back: what was held in memory is lost, and its claims are given back."""
        self.hands.close()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.hands.run())
        await self.hands.release(self.me)

    async def sweep(self) -> int:
        """Take up what is due; return how many payments anything was of."""
        count = 0
        for line in self.hands.lines:
            for record in await self.hands.take_up(line):
                await self.hands.claim(record.id, line.kinds)
                count += 1
        return count

    async def settle(self) -> None:
        """Do what this process has claimed, and what is due, and what follows from that."""
        async with self.at_work():
            while await self.sweep():
                await until(lambda: not self._claimed())
            await until(lambda: not self._claimed())

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None]:
        """Do what is taken up for the length of the block, and finish that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.hands.run())
            yield
            self.hands.close()

    def _claimed(self) -> bool:
        return any(debt.by == self.me for each in self.kept.records.values() for debt in each.owed)

    def comparing(self, leases: FakeLeases | None = None) -> ComparePayments:
        """What compares payments, as another process has it."""
        return ComparePayments(
            self.payments,
            self.kept,
            self.provider,
            self.comparisons,
            leases or FakeLeases(),
            me=HERE,
            clock=self.clock,
            alerts=self.alerts,
        )

    def gate(self, gate: Gate) -> None:
        """Have everything pass this gate."""
        self.kept.gate = self.users.gate = self.ledger.gate = self.provider.gate = gate

    def open(self) -> None:
        """Let everything pass again."""
        self.gate(ajar)

    def invoice(self, **fields: object) -> Payment:
        """Have an invoice that nobody has paid."""
        payment = a_payment(**fields)
        self.kept.records[payment.id] = payment
        return payment

    def balance(self) -> Decimal:
        """Return what the ledger comes to, which has no flaw."""
        audit = ledger.check(self.ledger.kept)
        assert audit.flaws == ()
        return audit.balance
