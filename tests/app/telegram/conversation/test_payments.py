"""Buying credits in a chat: the real dispatcher, the sandbox's Bot API, the real mongod."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from app.clock import Clock
from app.errors import UnavailableError
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.store.connection import Connection, Keep
from app.store.ledger import MongoLedger
from app.store.payments import MongoPayments
from app.store.users import MongoUsers
from app.telegram.languages import URGENT_SECONDS
from app.telegram.stars import Stars
from app.usecases.circuits import Circuits
from app.usecases.money import Money
from app.usecases.payment_debts import PaymentHands
from app.usecases.payment_records import PaymentRecords
from app.usecases.payments import CHECK_LIMIT, Payments
from app.usecases.register_user import Accounts
from app.usecases.take_updates import CHECKOUT_SECONDS
from app.usecases.taking import Taking
from processors import ledger
from processors.notifications import paying
from processors.notifications.texts import Voice, language_of
from schemas.payment import PaymentStatus
from tests.app.telegram.conditions import until, until_async
from tests.app.telegram.conftest import TOKEN
from tests.app.telegram.fakes import FakeAlerts
from tests.app.telegram.test_reception import Process, a_process
from tests.builders import HERE, PAYMENT, TIMING, USER, a_user, none_odd
from tests.databases import a_database
from tests.peers import Json, Peers
from tests.sandbox.telegram.person import Person, words
from tests.speech import translate

pytestmark = pytest.mark.anyio


PATIENT = timedelta(hours=1)
"""How long a database that is not there is waited for, where nothing ends that wait."""


@dataclass
class Shop:
    """A bot that sells credits at two for a Star, and one person who is registered."""

    process: Process
    payments: Payments
    kept: MongoPayments
    ledger: MongoLedger
    money: Money
    alerts: FakeAlerts
    ada: Person

    async def balance(self) -> Decimal:
        """Return what the ledger comes to, which has no flaw."""
        audit = ledger.check([each async for each in self.ledger.entries(odd=none_odd)])
        assert audit.flaws == ()
        return audit.balance


@pytest.fixture
async def connection(mongo_uri: str) -> AsyncGenerator[Connection]:
    """An empty database."""
    async with a_database(mongo_uri) as connection:
        await connection.prepare("sandbox", Keep(timedelta(days=14)))
        yield connection


@pytest.fixture
async def shop(peers: Peers, connection: Connection) -> AsyncGenerator[Shop]:
    """A shop that is open."""
    await MongoUsers(connection).insert(a_user(telegram_id=7, language="en"))
    async with a_shop(peers, connection) as shop:
        yield shop


@asynccontextmanager
async def a_shop(peers: Peers, connection: Connection) -> AsyncGenerator[Shop]:
    """Open a shop on this database, for the length of the block."""
    clock, alerts = Clock(), FakeAlerts()
    kept, users, book = MongoPayments(connection), MongoUsers(connection), MongoLedger(connection)
    stars = Stars(TOKEN, peers.telegram, timeout_seconds=5, metrics=Metrics())
    metrics, taking = Metrics(), Taking(HERE, TIMING, background=True, messenger=None)
    money, records = Money(book, clock), PaymentRecords(kept, clock, Journal(), taking)
    hands = PaymentHands(
        records,
        money,
        stars,
        taking=taking,
        circuits=Circuits(clock, TIMING, alerts, metrics),
        timing=TIMING,
        metrics=metrics,
        alerts=alerts,
    )
    payments = Payments(
        records,
        users,
        stars,
        credit=hands.credit,
        payback=hands.payback,
        bill=lambda payment, tag: paying.bill(Voice(language_of(tag), translate), payment.credits),
        rate=Decimal(2),
        offered=(50, 100),
        alerts=alerts,
    )
    accounts = Accounts(users, money, clock, welcome=Decimal(0))
    given = {"payments": payments, "accounts": accounts}
    process = a_process(connection, peers, given=given)
    async with process.running(), asyncio.TaskGroup() as group:
        group.create_task(hands.run())
        ada = Person(peers, 7, name="Ada")
        yield Shop(process, payments, kept, book, money, alerts, ada)
        hands.close()
    await stars.close()


async def bought(shop: Shop, stars: int = 50) -> Json:
    """Have Ada buy credits in the chat; return what paying came to."""
    await shop.ada.write("/buy")
    await shop.ada.until("How many credits")
    await shop.ada.tap(f"b:{stars}")
    await shop.ada.until(lambda message: message["invoice"] is not None)
    return await shop.ada.pay()


async def test_credits_are_bought_in_the_chat(shop: Shop) -> None:
    """Sizes with their prices, an invoice, the payment, and the new balance."""
    await shop.ada.write("/buy")
    asked = await shop.ada.next()
    assert [each["text"] for each in asked["buttons"]] == [
        "⭐ 50 → 100 credits",
        "⭐ 100 → 200 credits",
    ]
    await shop.ada.tap("b:50")
    invoice = (await shop.ada.next())["invoice"]
    assert (invoice["title"], invoice["total_amount"]) == ("100 credits", 50)
    done = await shop.ada.pay()
    said = await shop.ada.until("has arrived")

    assert done["paid"]
    assert "has arrived: 100 credits. Balance now: 100 credits." in words(said)

    async def settled() -> bool:
        # That it is done is written after it has been told.
        payment = await shop.kept.by_charge(done["charge_id"])
        return payment is not None and not payment.owed

    await until_async(settled)
    payment = await shop.kept.by_charge(done["charge_id"])
    assert payment is not None
    assert (payment.status, payment.payer) == (PaymentStatus.PAID, 7)
    assert await shop.balance() == 100


async def test_a_payment_told_twenty_times_at_once_credits_once(shop: Shop) -> None:
    """Whether as one update again and again, or as many."""
    done = await bought(shop)
    await shop.ada.until("has arrived")
    charge_id = done["charge_id"]
    payment = await shop.kept.by_charge(charge_id)
    assert payment is not None
    assert payment.paid_at is not None
    await shop.ada.repeat(done["update"], times=20)

    assert await shop.balance() == 100
    page = await shop.kept.page(USER, None, 50)
    assert [each.charge_id for each in page.items] == [charge_id]


async def test_a_button_sends_one_invoice(shop: Shop) -> None:
    """A double tap acts once; after it was paid the button says so."""
    await shop.ada.write("/buy")
    asked = await shop.ada.next()
    for _ in range(2):
        await shop.ada.tap("b:50", message_id=asked["message_id"])
        await shop.ada.answered()
    await shop.ada.pay()
    await shop.ada.until("has arrived")
    await shop.ada.tap("b:50", message_id=asked["message_id"])
    answer = await shop.ada.answered()

    assert "paid already" in answer["text"]
    page = await shop.kept.page(USER, None, 50)
    assert len(page.items) == 1


async def test_what_was_paid_cannot_be_paid_again(shop: Shop) -> None:
    """By its link, which anybody may have: the check refuses it, in their language."""
    payment, _ = await shop.payments.create(USER, 50, key=None, digest=None)
    eve = Person(shop.ada.peers, 8, language="ru", name="Eve")
    gift = await eve.pay(link=payment.invoice_url)
    said = await eve.until("Оплата получена")
    again = await shop.ada.pay(link=payment.invoice_url)

    assert gift["paid"]
    assert "100" in words(said)
    assert not again["paid"]
    assert "paid already" in again["error"]
    assert await shop.balance() == 100


async def test_a_payment_for_somebody_who_is_gone_is_kept(
    shop: Shop, connection: Connection
) -> None:
    """It is not let through; where it was already, it is kept, and somebody is told."""
    payment, _ = await shop.payments.create(USER, 50, key=None, digest=None)
    await connection.collection("users").delete_many({})
    refused = await shop.ada.pay(link=payment.invoice_url)

    assert "cannot be credited" in refused["error"]
    assert await shop.balance() == 0


async def test_what_fits_no_invoice_is_kept_and_said(shop: Shop) -> None:
    """Told by Telegram as paid, though nobody here ever asked for it."""
    told = {
        "currency": "XTR",
        "total_amount": 5,
        "invoice_payload": "nobody's",
        "telegram_payment_charge_id": "c",
        "provider_payment_charge_id": "p",
    }
    ada = {"id": 7, "is_bot": False, "first_name": "Ada"}
    message = {"message_id": 9, "date": 1_767_268_800, "chat": {"id": 7, "type": "private"}}
    update = {"update_id": 99, "message": {**message, "from": ada, "successful_payment": told}}
    await shop.ada.peers.control("telegram/updates", update=update)
    await shop.ada.until("could not tell which account")
    payment = await shop.kept.by_charge("c")

    assert payment is not None
    assert (payment.status, payment.payer) == (PaymentStatus.STRAY, 7)
    await until(lambda: shop.alerts.slugs == ["payment_stray"])
    assert await shop.balance() == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"telegram_payment_charge_id": ""},
        {"total_amount": 0},
        {"total_amount": -5},
        {"total_amount": 10_001},
        {"total_amount": 2**63},
    ],
    ids=["charge", "nothing", "below", "too much", "64 bits"],
)
@pytest.mark.parametrize("kind", ["successful_payment", "refunded_payment"])
async def test_what_no_charge_can_be_is_never_credited(shop: Shop, odd: Json, kind: str) -> None:
    """Somebody is told, and whoever it was about is answered as before."""
    payment, _ = await shop.payments.create(USER, 50, key=None, digest=None)
    told = {
        "currency": "XTR",
        "total_amount": 50,
        "invoice_payload": payment.id,
        "telegram_payment_charge_id": "c",
        "provider_payment_charge_id": "p",
    }
    ada = {"id": 7, "is_bot": False, "first_name": "Ada"}
    message = {"message_id": 9, "date": 1_767_268_800, "chat": {"id": 7, "type": "private"}}
    update = {"update_id": 99, "message": {**message, "from": ada, kind: told | odd}}
    await shop.ada.peers.control("telegram/updates", update=update)
    await shop.ada.write("/buy")
    await shop.ada.until("How many credits")

    assert shop.alerts.slugs == ["payment_malformed"]
    assert await shop.kept.by_charge(str((told | odd)["telegram_payment_charge_id"])) is None
    assert await shop.balance() == 0


async def test_in_a_group_whoever_taps_buys(shop: Shop) -> None:
    """And whoever pays is who is written down, not the group."""
    member = shop.ada.at(-500)
    await member.write("/buy")
    await member.until("How many credits")
    await member.tap("b:100")
    await member.until(lambda message: message["invoice"] is not None)
    done = await member.pay()
    await member.until("has arrived")
    payment = await shop.kept.by_charge(done["charge_id"])

    assert payment is not None
    assert (payment.user, payment.payer, payment.amount) == (USER, 7, 100)


async def test_nobody_blocked_is_sent_an_invoice(shop: Shop, connection: Connection) -> None:
    """The button says why."""
    await shop.ada.write("/buy")
    await shop.ada.until("How many credits")
    await connection.collection("users").update_one({"_id": USER}, {"$set": {"blocked": True}})
    await shop.ada.tap("b:50")

    assert "cannot be credited" in (await shop.ada.answered())["text"]
    assert (await shop.kept.page(None, None, 9)).items == ()


async def test_a_refund_is_made_and_told(shop: Shop) -> None:
    """The Stars are back, the credits gone, once; the person reads of it."""
    done = await bought(shop)
    await shop.ada.until("has arrived")
    payment = await shop.kept.by_charge(done["charge_id"])
    assert payment is not None
    after = await asyncio.gather(
        *(shop.payments.refund(payment.id, by="cli:eve", reason="x") for _ in range(3))
    )
    said = await shop.ada.until("was refunded")

    assert {each.status for each in after} <= {PaymentStatus.REFUNDING, PaymentStatus.REFUNDED}
    assert "payment of 50 Stars" in words(said)
    assert await shop.balance() == 0
    assert shop.alerts.slugs == []


async def test_whoever_is_not_known_is_asked_to_begin(shop: Shop) -> None:
    """So is whoever presses what was never offered; a button without a size asks for one."""
    eve = Person(shop.ada.peers, 9, name="Eve")
    await eve.write("/buy")
    await eve.until("How many credits")
    await eve.tap("b:50")
    assert "/start" in (await eve.answered())["text"]

    await shop.ada.write("/buy")
    asked = await shop.ada.next()
    for data in ("b:9999", "b:", "b:50:"):
        update = {"chat_id": 7, "user_id": 7, "data": data, "message_id": asked["message_id"]}
        await shop.ada.peers.control("telegram/updates", **update)
    again = await shop.ada.until("How many credits")
    assert again["message_id"] != asked["message_id"]
    assert (await shop.kept.page(None, None, 9)).items == ()


async def test_who_is_about_to_pay_is_answered_though_the_database_is_away(peers: Peers) -> None:
    """Nothing in the way of the answer waits for it: it would be waited for an hour."""
    waits = CHECKOUT_SECONDS + URGENT_SECONDS + CHECK_LIMIT.total_seconds()
    assert waits < 1
    away = Connection("mongodb://127.0.0.1:1", "away", PATIENT)
    asked = {
        "id": "q",
        "from": {"id": 7, "is_bot": False, "first_name": "Ada", "language_code": "pt"},
        "currency": "XTR",
        "total_amount": 50,
        "invoice_payload": PAYMENT,
    }

    async def answered() -> bool:
        calls = await peers.look("telegram/requests")
        return any(each["method"] == "answerPreCheckoutQuery" for each in calls)

    async with a_shop(peers, away) as shop:
        update = json.dumps({"update_id": 1, "pre_checkout_query": asked}).encode()
        await until_async(lambda: taken_at_once(shop, update))
        await until_async(answered)
    away.close()


async def taken_at_once(shop: Shop, update: bytes) -> bool:
    """Bring an update as Telegram does, again where it is not taken: the bot may be starting."""
    try:
        await shop.process.take.take(update)
    except UnavailableError:
        return False
    return True
