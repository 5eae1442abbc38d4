"""Payments in a conversation: the question before one, and the news of one.

The dispatcher gives each handler `payments`. Whatever is told twice is answered twice and
counts once.
"""

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import Message, PreCheckoutQuery

from app.usecases.payments import Payments
from processors.notifications import paying
from processors.notifications.paying import Translate
from processors.notifications.texts import Language, language_of
from schemas.payment import STARS, Charge, Checkout


def router(translate: Translate) -> Router:
    """Return the router of payments.

    Args:
        translate: Puts our words into a person's language.
    """
    do = PaymentHandlers(translate)
    made = Router(name="payments")
    made.pre_checkout_query.register(do.asked)
    made.message.register(do.paid, F.successful_payment)
    made.message.register(do.refunded, F.refunded_payment)
    return made


class PaymentHandlers:
    """What is done about payments."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    async def asked(self, query: PreCheckoutQuery, payments: Payments) -> None:
        """Let somebody pay, or say why not."""
        asked = Checkout(
            invoice=query.invoice_payload, amount=query.total_amount, currency=query.currency
        )
        refusal = await payments.check(asked)
        if refusal is None:
            await query.answer(ok=True)
            return
        language = language_of(query.from_user.language_code)
        said = paying.refused(language, self._translate, refusal)
        await query.answer(ok=False, error_message=said)

    async def paid(self, message: Message, payments: Payments) -> None:
        """Credit what was paid, and say so."""
        told = message.successful_payment
        if told is None:
            return
        charge = _charge(
            message,
            id=told.telegram_payment_charge_id,
            invoice=told.invoice_payload,
            amount=told.total_amount,
            currency=told.currency,
        )
        entry = await payments.paid(charge)
        language = _language(message)
        if entry is None:
            await message.answer(paying.astray(language, self._translate))
            return
        await message.answer(paying.arrived(language, self._translate, entry.amount, entry.balance))

    async def refunded(self, message: Message, payments: Payments) -> None:
        """Take back the credits of what was refunded, and say so."""
        told = message.refunded_payment
        if told is None:
            return
        charge = _charge(
            message,
            id=told.telegram_payment_charge_id,
            invoice=told.invoice_payload,
            amount=told.total_amount,
            currency=STARS,
        )
        await payments.refunded(charge)
        said = paying.given_back(_language(message), self._translate, told.total_amount)
        await message.answer(said)


def _charge(message: Message, *, id: str, invoice: str, amount: int, currency: str) -> Charge:  # noqa: A002 - the field's name
    private = message.chat.type == ChatType.PRIVATE or message.from_user is None
    return Charge(
        id=id,
        invoice=invoice,
        amount=amount,
        currency=currency,
        # A private chat has its person's id; a service message may be the bot's own.
        payer=message.chat.id if private or message.from_user is None else message.from_user.id,
        at=message.date,
    )


def _language(message: Message) -> Language:
    return language_of(message.from_user.language_code if message.from_user else None)
