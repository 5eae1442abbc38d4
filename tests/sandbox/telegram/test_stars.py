"""sandbox.telegram.paying and its like: Stars are taken if the bot agrees, and given back once."""

import asyncio
from typing import Any

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LabeledPrice,
    PreCheckoutQuery,
    SuccessfulPayment,
)

from tests.peers import Json, Peers
from tests.sandbox.telegram.person import Person

pytestmark = pytest.mark.anyio

INVOICE: dict[str, Any] = {
    "title": "500 credits",
    "description": "For pictures",
    "payload": "payment:1",
    "currency": "XTR",
    "prices": [LabeledPrice(label="500 credits", amount=50)],
}


@pytest.fixture
def ada(peers: Peers) -> Person:
    """Return somebody."""
    return Person(peers, 7, name="Ada")


async def asked(bot: Bot) -> PreCheckoutQuery:
    """Return the payment that the bot is asked about, and take all until then as read."""
    offset = 0
    while True:
        for update in await bot.get_updates(offset=offset, timeout=20):
            offset = update.update_id + 1
            if update.pre_checkout_query is not None:
                await bot.get_updates(offset=offset)
                return update.pre_checkout_query


async def paid(bot: Bot, ada: Person, **wish: Any) -> tuple[Json, SuccessfulPayment]:  # noqa: ANN401
    """Have somebody pay; return what they saw, and what the bot was told."""
    async with asyncio.TaskGroup() as group:
        paying = group.create_task(ada.pay(**wish))
        await bot.answer_pre_checkout_query((await asked(bot)).id, ok=True)
    message = (await bot.get_updates())[-1].message
    assert message is not None
    assert message.successful_payment is not None
    return paying.result(), message.successful_payment


async def test_a_payment_is_asked_for_and_told(bot: Bot, ada: Person) -> None:
    """The bot sees its payload in both, and the charge's id in the second."""
    sent = await bot.send_invoice(7, **INVOICE)
    assert sent.invoice is not None
    assert (sent.invoice.currency, sent.invoice.total_amount) == ("XTR", 50)
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[0][0].pay
    async with asyncio.TaskGroup() as group:
        paying = group.create_task(ada.pay())
        query = await asked(bot)
        assert (query.from_user.id, query.total_amount) == (7, 50)
        assert query.invoice_payload == "payment:1"
        await bot.answer_pre_checkout_query(query.id, ok=True)
    done = paying.result()
    message = (await bot.get_updates())[-1].message

    assert done["paid"]
    assert message is not None
    assert message.from_user is not None
    assert (message.from_user.id, message.chat.id) == (7, 7)
    assert message.successful_payment is not None
    assert message.successful_payment.telegram_payment_charge_id == done["charge_id"]
    assert message.successful_payment.invoice_payload == "payment:1"
    checkout = next(each for each in await ada.seen() if each["kind"] == "checkout")
    assert (checkout["ok"], checkout["user_id"]) == (True, 7)


async def test_a_bot_may_refuse(bot: Bot, ada: Person) -> None:
    """The person reads why, and nothing is taken."""
    await bot.send_invoice(7, **INVOICE)
    async with asyncio.TaskGroup() as group:
        paying = group.create_task(ada.pay())
        await bot.answer_pre_checkout_query((await asked(bot)).id, ok=False, error_message="Late")

    assert paying.result() | {"n": 0} == {
        "n": 0,
        "paid": False,
        "error": "Late",
        "charge_id": None,
        "update": None,
    }
    assert (await bot.get_my_star_balance()).amount == 0


async def test_a_bot_must_answer_in_time(bot: Bot, ada: Person) -> None:
    """After that nothing is taken, and its answer is refused."""
    await ada.peers.control("telegram", checkout_seconds=0)
    await bot.send_invoice(7, **INVOICE)

    assert (await ada.pay())["error"] == "BOT_PRECHECKOUT_TIMEOUT"
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_pre_checkout_query((await asked(bot)).id, ok=True)


async def test_an_invoice_in_a_chat_is_paid_once(bot: Bot, ada: Person) -> None:
    """One behind a link can be paid again and again."""
    sent = await bot.send_invoice(7, **INVOICE)
    await paid(bot, ada, message_id=sent.message_id)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await ada.pay(message_id=sent.message_id)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await ada.pay()

    link = await bot.create_invoice_link(**INVOICE)
    _, first = await paid(bot, ada, link=link)
    _, second = await paid(bot, ada, link=link)
    assert first.telegram_payment_charge_id != second.telegram_payment_charge_id
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await ada.pay(link="https://t.me/$other")


async def test_stars_are_given_back_once(bot: Bot, ada: Person) -> None:
    """The bot is told of it, and its account shows both under one id."""
    link = await bot.create_invoice_link(**INVOICE)
    _, payment = await paid(bot, ada, link=link)
    charge_id = payment.telegram_payment_charge_id
    assert (await bot.get_my_star_balance()).amount == 50
    assert await bot.refund_star_payment(7, charge_id)

    refund = (await bot.get_updates())[-1].message
    assert refund is not None
    assert refund.refunded_payment is not None
    assert refund.refunded_payment.telegram_payment_charge_id == charge_id
    with pytest.raises(TelegramBadRequest, match="CHARGE_ALREADY_REFUNDED"):
        await bot.refund_star_payment(7, charge_id)
    came, went = (await bot.get_star_transactions()).transactions
    assert came.id == went.id == charge_id
    assert (came.source is not None, went.receiver is not None) == (True, True)
    assert (await bot.get_star_transactions(offset=1, limit=1)).transactions == [went]
    assert (await bot.get_my_star_balance()).amount == 0


@pytest.mark.parametrize(
    ("user", "charge", "reason"),
    [
        (7, "unknown", "CHARGE_NOT_FOUND"),
        (8, None, "CHARGE_NOT_FOUND"),
        (7, "", "CHARGE_ID_EMPTY"),
    ],
)
async def test_only_what_was_paid_is_given_back(
    bot: Bot, ada: Person, user: int, charge: str | None, reason: str
) -> None:
    """To whoever paid it."""
    link = await bot.create_invoice_link(**INVOICE)
    done, _ = await paid(bot, ada, link=link)

    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.refund_star_payment(user, done["charge_id"] if charge is None else charge)


async def test_a_payment_may_come_again(bot: Bot, ada: Person) -> None:
    """GetUpdates gives an update as often as was wished for, whatever its offset."""
    link = await bot.create_invoice_link(**INVOICE)
    done, _ = await paid(bot, ada, link=link)
    offset = done["update"]["update_id"] + 1
    assert await bot.get_updates(offset=offset) == []

    assert await ada.repeat(done["update"], times=2) == []
    again = await bot.get_updates(offset=offset)
    assert [each.update_id for each in again] == [offset - 1, offset - 1]
    assert await bot.get_updates(offset=offset) == []


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("title", "x" * 33, "TITLE_INVALID"),
        ("description", "", "DESCRIPTION_INVALID"),
        ("payload", "я" * 65, "INVOICE_PAYLOAD_INVALID"),
        ("currency", "EUR", "PAYMENT_PROVIDER_INVALID"),
        ("prices", [], "STARS_INVOICE_INVALID"),
        ("prices", 2 * INVOICE["prices"], "STARS_INVOICE_INVALID"),
        ("prices", [LabeledPrice(label="x", amount=0)], "CURRENCY_TOTAL_AMOUNT_INVALID"),
    ],
)
async def test_an_invoice_must_be_whole(bot: Bot, field: str, value: Any, reason: str) -> None:  # noqa: ANN401
    """One that Telegram would refuse is refused."""
    with pytest.raises(TelegramBadRequest, match=reason):
        await bot.create_invoice_link(**(INVOICE | {field: value}))


async def test_a_keyboard_of_ones_own_begins_with_the_payment(bot: Bot, ada: Person) -> None:
    """Further buttons may stand below; a button to pay with is not to be tapped."""
    pay = InlineKeyboardButton(text="Pay", pay=True)
    later = InlineKeyboardButton(text="Later", callback_data="m:")
    right = InlineKeyboardMarkup(inline_keyboard=[[pay], [later]])
    wrong = InlineKeyboardMarkup(inline_keyboard=[[later], [pay]])

    sent = await bot.send_invoice(7, **INVOICE, reply_markup=right)
    assert sent.reply_markup is not None
    assert [row[0].text for row in sent.reply_markup.inline_keyboard] == ["Pay", "Later"]
    with pytest.raises(TelegramBadRequest, match="REPLY_MARKUP_BUY_EMPTY"):
        await bot.send_invoice(7, **INVOICE, reply_markup=wrong)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        await ada.tap(place=1)


async def test_words_are_needed_for_a_refusal(bot: Bot) -> None:
    """And a list of transactions is of 100 at most."""
    with pytest.raises(TelegramBadRequest, match="ERROR_TEXT_EMPTY"):
        await bot.answer_pre_checkout_query("1", ok=False)
    with pytest.raises(TelegramBadRequest, match="LIMIT_INVALID"):
        await bot.get_star_transactions(limit=101)
