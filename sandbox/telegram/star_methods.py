"""The methods of the Bot API that are about Stars."""

from dataclasses import replace

from sandbox.telegram import invoices, keyboards, messages
from sandbox.telegram.calls import Call, Method
from sandbox.telegram.entities import Text
from sandbox.telegram.messages import Chats
from sandbox.telegram.posting import Posting
from sandbox.telegram.questions import Questions
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen
from sandbox.telegram.speaking import Speaking
from sandbox.telegram.stars import Stars


class StarMethods:
    """Invoices, the answers to payments about to be made, refunds and the account."""

    def __init__(
        self,
        *,
        chats: Chats,
        posting: Posting,
        stars: Stars,
        questions: Questions,
        speaking: Speaking,
        seen: Seen,
    ) -> None:
        self._chats = chats
        self._posting = posting
        self._stars = stars
        self._questions = questions
        self._speaking = speaking
        self._seen = seen

    def table(self) -> dict[str, Method]:
        """Return the methods by their names in small letters."""
        return {
            "sendinvoice": self._send_invoice,
            "createinvoicelink": self._create_link,
            "answerprecheckoutquery": self._answer,
            "refundstarpayment": self._refund,
            "getstartransactions": self._transactions,
            "getmystarbalance": self._balance,
        }

    async def _send_invoice(self, call: Call) -> object:
        chat, invoice = self._chats.open(call.text("chat_id")), invoices.of(call)
        markup = invoices.keyboard(keyboards.of(call), invoice.amount)
        made = messages.new(
            chat, bot_id=call.bot_id, kind="invoice", raw="", parse_mode="", text=Text()
        )
        return self._posting.add(chat, call, replace(made, invoice=invoice, reply_markup=markup))

    async def _create_link(self, call: Call) -> object:
        return self._stars.link(invoices.of(call))

    async def _answer(self, call: Call) -> object:
        ok, reason = call.flag("ok"), call.text("error_message")
        if not ok and not reason:
            raise Refusal("ERROR_TEXT_EMPTY")
        question_id = call.text("pre_checkout_query_id")
        asked = self._questions.answer("checkout", question_id, {"ok": ok, "error_message": reason})
        self._seen.happened(
            "checkout", asked.chat_id, user_id=asked.user_id, ok=ok, error_message=reason or None
        )
        return True

    async def _refund(self, call: Call) -> object:
        user_id = call.number("user_id")
        charge = self._stars.give_back(user_id, call.text("telegram_payment_charge_id"))
        person, chat = self._speaking.known(user_id), self._speaking.whatever_chat(user_id)
        # Telegram tells the bot of its own refunds, too, as of those made elsewhere.
        service: dict[str, object] = {"refunded_payment": charge.paid()}
        await self._speaking.say(person, chat, "service", service=service)
        return True

    async def _transactions(self, call: Call) -> object:
        limit = call.number("limit", 100)
        return {"transactions": self._stars.transactions(call.number("offset"), limit)}

    async def _balance(self, _: Call) -> object:
        return {"amount": self._stars.balance()}
