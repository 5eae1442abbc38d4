"""A person's payments: the bot is asked first, and told afterwards."""

import asyncio
from dataclasses import replace
from typing import Final

from sandbox.controls import TelegramControls
from sandbox.telegram.acts import Pay
from sandbox.telegram.invoices import Invoice
from sandbox.telegram.messages import Chat, Json, Message
from sandbox.telegram.questions import Questions
from sandbox.telegram.refusals import Refusal
from sandbox.telegram.seen import Seen
from sandbox.telegram.speaking import Speaking
from sandbox.telegram.stars import Stars

LATE: Final = "BOT_PRECHECKOUT_TIMEOUT"


class Paying:
    """The payments, in Stars, of which people have enough."""

    def __init__(
        self,
        speaking: Speaking,
        stars: Stars,
        questions: Questions,
        seen: Seen,
        controls: TelegramControls,
    ) -> None:
        self._speaking = speaking
        self._stars = stars
        self._questions = questions
        self._seen = seen
        self._controls = controls

    async def pay(self, person: Json, chat: Chat, act: Pay) -> Json:
        """Pay, if the bot agrees in time, and return whether it did.

        Raises:
            Refusal: There is no such invoice, or it is paid.
        """
        n = self._seen.last
        message, invoice = self._due(chat, act)
        refused = await self._ask(person, chat, invoice)
        if refused is not None:
            return {"n": n, "paid": False, "error": refused, "charge_id": None, "update": None}
        charge = self._stars.take(person, invoice)
        if message is not None:
            paid = chat.messages.get(message.message_id, message)
            chat.messages[message.message_id] = replace(paid, charge_id=charge.id)
        said = await self._speaking.say(
            person,
            chat,
            "service",
            reply_to=None if message is None else message.message_id,
            service={"successful_payment": charge.paid()},
        )
        told: Json = {"paid": True, "error": None, "charge_id": charge.id}
        return {"n": said.n, "update": said.update} | told

    def _due(self, chat: Chat, act: Pay) -> tuple[Message | None, Invoice]:
        if act.link is not None:
            return None, self._stars.behind(act.link)
        bills = [each for each in chat.messages.values() if each.invoice is not None]
        if act.message_id is None:
            found = [each for each in bills if not each.charge_id]
        else:
            found = [each for each in bills if each.message_id == act.message_id]
        if not found or found[-1].invoice is None:
            raise Refusal("there is no invoice to pay here")
        if found[-1].charge_id:
            raise Refusal("INVOICE_ALREADY_PAID")
        return found[-1], found[-1].invoice

    async def _ask(self, person: Json, chat: Chat, invoice: Invoice) -> str | None:
        """Ask the bot whether to go on; return why not, or nothing."""
        user_id = person["id"] if isinstance(person["id"], int) else 0
        asked = self._questions.ask("checkout", chat.id, user_id)
        query: Json = {"id": asked.id, "from": person} | invoice.due()
        await self._speaking.tell({"pre_checkout_query": query})
        try:
            async with asyncio.timeout(self._controls.checkout_seconds):
                words = await asked.answered
        except TimeoutError:
            self._questions.close(asked)
            return LATE
        return None if words["ok"] else str(words["error_message"])
