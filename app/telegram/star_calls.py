"""The Bot API's calls about Stars. Imported late, by `app.telegram.stars`: it imports aiogram."""

from typing import TYPE_CHECKING, cast

from aiogram.methods import CreateInvoiceLink, GetStarTransactions, RefundStarPayment, SendInvoice
from aiogram.types import LabeledPrice

from app.telegram.errors import unknown
from app.telegram.talking import Talk
from processors.notifications.paying import Bill
from processors.protocols import stars
from schemas.payment import STARS, Payment

if TYPE_CHECKING:
    from app.telegram.bot import Bot
    from app.telegram.sender import Sender


async def link(bot: "Bot", payment: Payment, bill: Bill) -> str:
    """Make an invoice link.

    Raises:
        PeerUnknownError: The answer is no link.
    """
    made = await bot.call(
        CreateInvoiceLink(
            title=bill.title,
            description=bill.description,
            payload=payment.id,
            # "Pass an empty string for payments in Telegram Stars."
            provider_token="",
            currency=STARS,
            prices=[LabeledPrice(label=bill.label, amount=payment.amount)],
        )
    )
    if not isinstance(made, str):
        raise unknown("an answer that is no link")
    return made


async def send(
    bot: "Bot", sender: "Sender | None", payment: Payment, bill: Bill, chat_id: int
) -> None:
    """Send an invoice into a chat, in its turn among all that goes there."""
    invoice = SendInvoice(
        chat_id=chat_id,
        title=bill.title,
        description=bill.description,
        payload=payment.id,
        provider_token="",
        currency=STARS,
        prices=[LabeledPrice(label=bill.label, amount=payment.amount)],
    )
    if sender is None:
        await bot.call(invoice)
    else:
        await Talk(bot, sender).call(chat_id, invoice)


async def refund(bot: "Bot", payer: int, charge_id: str) -> None:
    """Give Stars back."""
    await bot.call(RefundStarPayment(user_id=payer, telegram_payment_charge_id=charge_id))


async def transactions(bot: "Bot", offset: int) -> list[object]:
    """Return up to `stars.AT_ONCE` lines of the list, as JSON values.

    Raises:
        PeerUnknownError: The answer is no list.
    """
    answer = await bot.call(GetStarTransactions(offset=offset, limit=stars.AT_ONCE))
    lines = (
        cast("dict[str, object]", answer).get("transactions") if isinstance(answer, dict) else None
    )
    if not isinstance(lines, list):
        raise unknown("an answer that is no list of transactions")
    return cast("list[object]", lines)
