"""A shop on fakes: payments, people, a ledger and a provider, behind one gate."""

from decimal import Decimal

from app.usecases.compare_payments import ComparePayments
from app.usecases.money import Money
from app.usecases.payment_debts import PaymentDebts
from app.usecases.payment_records import PaymentRecords
from app.usecases.payments import Payments
from processors import ledger
from processors.notifications import paying
from processors.notifications.texts import Voice, language_of
from schemas.payment import Payment
from tests.builders import HERE, TIMING, USER, a_payment, a_user
from tests.fakes.alerts import FakeAlerts
from tests.fakes.clock import FakeClock
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
    ) -> None:
        self.kept, self.provider = kept or FakePayments(), provider or FakeProvider()
        self.users, self.ledger = FakeUsers(), FakeLedger()
        self.alerts, self.clock = FakeAlerts(), FakeClock()
        self.users.records[USER] = a_user()
        taker = self.provider if telegram else None
        self.records = PaymentRecords(self.kept, self.clock)
        self.money = Money(self.ledger, self.clock)
        self.debts = PaymentDebts(
            self.records, self.money, taker, timing=TIMING, alerts=self.alerts
        )
        self.payments = Payments(
            self.records,
            self.users,
            self.debts,
            taker,
            bill=lambda payment, tag: paying.bill(
                Voice(language_of(tag), translate), payment.credits
            ),
            rate=Decimal(2),
            offered=(50, 100),
            alerts=self.alerts,
        )

    def comparing(self, leases: FakeLeases | None = None) -> ComparePayments:
        """What compares payments, as another process has it."""
        return ComparePayments(
            self.payments,
            self.kept,
            self.provider,
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
