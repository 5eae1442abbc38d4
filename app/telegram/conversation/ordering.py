"""From what a person wants to an order: what is missing is asked for, then the price is said.

Nothing moves before everything is there and was found to be right. Then one message says the
price, the order is placed, and that message goes on to show how far it has come.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from app.ports import Presets
from app.telegram.conversation import preset_views
from app.telegram.conversation.layout import button, page, top_up
from app.telegram.conversation.preset_views import Offer
from app.telegram.conversation.refusal_views import REFUSALS, refusal
from app.telegram.conversation.turns import Turn
from app.usecases.orders import Order, Orders
from app.usecases.prices import Prices
from processors import presets
from processors.errors import InsufficientCreditsError
from processors.notifications.buttons import Press, Rows
from processors.notifications.markup import Piece
from processors.notifications.texts import in_credits
from processors.presets import writing
from schemas.job import Job, JobChat, JobStatus
from schemas.preset import Input, Preset

ASKING: Final = "asking"
"""What is kept while an input is asked for: `preset`, `inputs`, and the `name` of the input."""
BY: Final = "telegram"


class Shop:
    """What can be ordered, and how."""

    def __init__(self, orders: Orders, known: Presets, prices: Prices) -> None:
        self.orders: Final = orders
        self._known = known
        self._prices = prices

    async def offers(self, turn: Turn) -> tuple[Offer, ...]:
        """Return the presets that a person may use, by name."""
        found = [each for each in await self._known.all() if presets.allowed(each, turn.user.roles)]
        return tuple([Offer(each, await self._prices.of(each)) for each in found])

    async def offer(self, turn: Turn, name: str) -> Offer | None:
        """Return a preset that a person may use, or None."""
        preset = await self._known.get(name)
        if preset is None or not presets.allowed(preset, turn.user.roles):
            return None
        return Offer(preset, await self._prices.of(preset))

    async def take(
        self, turn: Turn, preset: Preset, text: str, given: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Take a text for a preset, order if it says everything, else ask for the rest.

        Args:
            turn: Who writes.
            preset: What they want.
            text: What they wrote to it.
            given: What they have given before, such as a picture.
        """
        try:
            said = writing.read(preset, text)
            _check(preset, said.inputs)
        except REFUSALS as error:
            await turn.tell(*refusal(turn.voice, error))
            return
        if said.rest:
            title = preset.titles.of(turn.voice.language.value)
            words = turn.voice.say("{title} takes no text, only what it names.", title=title)
            await turn.tell(page(words))
            return
        await self.go_on(turn, preset, {**(given or {}), **said.inputs})

    async def go_on(
        self,
        turn: Turn,
        preset: Preset,
        given: Mapping[str, JsonValue],
        before: Sequence[Piece | str] = (),
    ) -> None:
        """Order, or ask for the first input that is missing.

        Args:
            turn: Who orders.
            preset: What.
            given: All that they have given by now.
            before: What to say before a question.
        """
        asked = writing.missing(preset, given)
        if asked is None:
            # In this order: whoever comes after a crash finds what was given still there.
            await self.place(turn, preset.name, given)
            await turn.drop()
            return
        await self.ask(turn, preset, given, asked, before)

    async def ask(
        self,
        turn: Turn,
        preset: Preset,
        given: Mapping[str, JsonValue],
        asked: Input,
        before: Sequence[Piece | str] = (),
    ) -> None:
        """Ask for an input; what is written next is taken for it."""
        await turn.keep(ASKING, preset=preset.name, inputs=dict(given), name=asked.name)
        pieces = (*before, *(("\n\n",) if before else ()))
        question = preset_views.question(turn.voice, asked)
        hint = "" if turn.private else "\n" + turn.voice.say("Please reply to this message.")
        rows = preset_views.answers(turn.voice, asked)
        await turn.tell(page(*pieces, question, hint), rows)

    async def show(
        self, turn: Turn, offer: Offer, given: Mapping[str, JsonValue] | None = None
    ) -> None:
        """Show what a person should know of a preset, and ask for what it needs first."""
        preset, card = offer.preset, preset_views.card(turn.voice, offer)
        asked = writing.missing(preset, given or {}) or writing.main(preset)
        if asked is not None:
            await self.ask(turn, preset, given or {}, asked, card)
            return
        await turn.keep(ASKING, preset=preset.name, inputs=dict(given or {}), name=None)
        run = button(turn.voice.say("Run it"), Press.CONFIRM, f"run:{preset.name}", mark="▶️")
        await turn.tell(page(*card), ((run,),))

    async def asked(self, turn: Turn) -> tuple[Preset, Input | None, dict[str, Any]] | None:
        """Return what was asked last: of which preset, which input, and what is given by now.

        None where nothing was, or where there is no such preset or input any more.
        """
        kept = await turn.recall(ASKING)
        preset = await self._known.get(kept["preset"]) if kept else None
        if preset is None:
            return None
        name = kept["name"]
        asked = None if name is None else writing.named(preset, name)
        return None if name and asked is None else (preset, asked, kept["inputs"])

    async def place(self, turn: Turn, preset: str, inputs: Mapping[str, JsonValue]) -> None:
        """Say the price and place an order; or say why not, and nothing is taken."""
        known = await self.orders.ordered(turn.key)
        if known is not None:
            # The same update again, after a crash: what was ordered is told by others.
            if known.status is JobStatus.REFUSED:
                await _refused(turn, known)
            return
        try:
            quote = await self.orders.quote(turn.user, preset, inputs)
            if quote.missing:
                raise InsufficientCreditsError(quote.balance, quote.missing)
        except REFUSALS as error:
            await turn.tell(*refusal(turn.voice, error, await self._title(turn, preset)))
            return
        said = preset_views.ordered(turn.voice, quote)
        status = await turn.talk.say(turn.chat_id, said, reply_to=turn.replied)
        chat = JobChat(
            telegram_chat_id=turn.chat_id,
            telegram_message_id=turn.replied,
            status_message_id=status,
            language=turn.voice.language.value,
        )
        order = Order(user=turn.user, preset=preset, inputs=inputs, chat=chat, by=BY)
        try:
            await self.orders.place(order, key=turn.key, digest=None)
        except REFUSALS as error:
            title = await self._title(turn, preset)
            await _replace(turn, status, *refusal(turn.voice, error, title))

    async def retry(self, turn: Turn, job: Job, step: int) -> str:
        """Order a step of a job again, with what comes after it; return what to answer a tap.

        Where it cannot be ordered, that is told, and there is nothing to answer. However often
        a button is tapped, it orders once.
        """
        key = f"tg:{turn.chat_id}:{turn.message_id}:{job.id}:{step}"
        try:
            made, new = await self.orders.retry(
                job.id, step, user=turn.user.id, key=key, digest=None
            )
        except REFUSALS as error:
            title = await self._title(turn, job.parts(step)[0].preset)
            await turn.tell(*refusal(turn.voice, error, title))
            return ""
        if not new:
            return turn.voice.say("It was ordered already.")
        held = in_credits(turn.voice, made.held)
        return turn.voice.say("Ordered again; set aside: {credits}", credits=held)

    async def _title(self, turn: Turn, name: str) -> str:
        """Return what a preset is called; its name where it is gone."""
        preset = await self._known.get(name)
        return name if preset is None else preset.titles.of(turn.voice.language.value)


async def _refused(turn: Turn, job: Job) -> None:
    """Say again that the credits for an order could not be held."""
    status = job.chat.status_message_id if job.chat else None
    said = page(turn.voice.say("Your balance does not cover that."))
    await _replace(turn, status, said, (top_up(turn.voice),))


async def _replace(turn: Turn, message_id: int | None, text: str, rows: Rows = ()) -> None:
    if message_id is None or not await turn.talk.edit(turn.chat_id, message_id, text, rows):
        await turn.tell(text, rows)


def _check(preset: Preset, given: Mapping[str, JsonValue]) -> None:
    """Refuse what is wrong of what is given, though something is missing yet.

    Raises:
        InputRefusedError: One is not what the preset takes.
    """
    for name, value in given.items():
        asked = writing.named(preset, name)
        if asked is not None:
            presets.inputs.take(asked, value)
