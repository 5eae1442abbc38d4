"""Payments in a conversation: `/buy`, the question before a payment, and the news of one.

Whatever is told twice is answered twice and counts once.
"""

from contextlib import suppress

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.methods import AnswerPreCheckoutQuery
from aiogram.types import (
    CallbackQuery,
    MaybeInaccessibleMessageUnion,
    Message,
    PreCheckoutQuery,
    RefundedPayment,
    SuccessfulPayment,
)
from pydantic import ValidationError

from app.errors import PeerRefusedError
from app.telegram.talking import Talk
from app.usecases.payments import Payments
from app.usecases.register_user import Accounts
from processors.errors import RefusedBodyError
from processors.notifications import paying
from processors.notifications.buttons import Press
from processors.notifications.texts import Voice
from schemas.payment import STARS, Charge, Checkout, Refusal


def make_router() -> Router:
    """Return the router of payments."""
    made = Router(name="payments")
    made.message.register(buy, F.text.regexp(r"/buy(\s|$)"))
    made.callback_query.register(
        choose, F.data.startswith(f"{Press.BUY.value}:"), F.message.as_("under")
    )
    made.pre_checkout_query.register(check)
    made.message.register(paid, F.successful_payment.as_("told"))
    made.message.register(refunded, F.refunded_payment.as_("told"))
    return made


async def buy(message: Message, talk: Talk, voice: Voice, payments: Payments) -> None:
    """Ask how much somebody wants to buy."""
    said, rows = paying.offer(voice, payments.sizes())
    await talk.say(message.chat.id, said, rows)


async def choose(
    query: CallbackQuery,
    under: MaybeInaccessibleMessageUnion,
    *,
    talk: Talk,
    voice: Voice,
    payments: Payments,
    accounts: Accounts,
) -> None:
    """Send an invoice for what was chosen: one for each button of each message, tapped or not."""
    chat_id, stars = under.chat.id, (query.data or "").partition(":")[2]
    if not stars:
        said, rows = paying.offer(voice, payments.sizes())
        await talk.say(chat_id, said, rows)
        await talk.answer(query.id)
        return
    account = await accounts.by_telegram_id(query.from_user.id)
    # Whoever writes an own client can press what we never offered.
    if account is None or stars not in {str(size) for size, _ in payments.sizes()}:
        await talk.answer(query.id, paying.unknown(voice), alert=True)
        return
    if not account.user.served:
        await talk.answer(query.id, paying.refused(voice, Refusal.GONE), alert=True)
        return
    sent = under.date.timestamp() if isinstance(under, Message) else 0
    key = f"tg:{chat_id}:{under.message_id}:{sent:.0f}:{account.user.id}:{stars}"
    refusal = await payments.offer(account.user.id, int(stars), chat_id, key=key)
    said = "" if refusal is None else paying.refused(voice, refusal)
    await talk.answer(query.id, said, alert=refusal is not None)


async def check(query: PreCheckoutQuery, talk: Talk, voice: Voice, payments: Payments) -> None:
    """Let somebody pay, or say why not."""
    asked = Checkout(
        invoice=query.invoice_payload, amount=query.total_amount, currency=query.currency
    )
    refusal = await payments.check(asked)
    answer = AnswerPreCheckoutQuery(
        pre_checkout_query_id=query.id,
        ok=refusal is None,
        error_message=None if refusal is None else paying.refused(voice, refusal),
    )
    # One that was answered before, or too late, is refused; saying it again does not help.
    with suppress(PeerRefusedError):
        await talk.call(None, answer)


async def paid(
    message: Message, told: SuccessfulPayment, *, talk: Talk, voice: Voice, payments: Payments
) -> None:
    """Credit what was paid, and say so."""
    entry = await payments.paid(_charge(message, told, told.currency, payments))
    if entry is None:
        await talk.say(message.chat.id, paying.astray(voice))
    else:
        await talk.say(message.chat.id, paying.arrived(voice, entry.amount, entry.balance))


async def refunded(
    message: Message, told: RefundedPayment, *, talk: Talk, voice: Voice, payments: Payments
) -> None:
    """Take back the credits of what was refunded, and say so."""
    await payments.refunded(_charge(message, told, STARS, payments))
    await talk.say(message.chat.id, paying.given_back(voice, told.total_amount))


def _charge(
    message: Message,
    told: SuccessfulPayment | RefundedPayment,
    currency: str,
    payments: Payments,
) -> Charge:
    """Return the charge that is told of.

    Raises:
        RefusedBodyError: It is none that Telegram can have made: somebody was alerted.
    """
    payer = _payer(message)
    try:
        return Charge(
            id=told.telegram_payment_charge_id,
            invoice=told.invoice_payload,
            amount=told.total_amount,
            currency=currency,
            payer=payer,
            at=message.date,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"]))
        payments.malformed(f"of {payer}: {field}: {first['msg']}")
        raise RefusedBodyError("schema", first["type"], field) from None


def _payer(message: Message) -> int:
    """Return who paid: a private chat has its person's id; a service message may be the bot's."""
    if message.chat.type == ChatType.PRIVATE or message.from_user is None:
        return message.chat.id
    return message.from_user.id
