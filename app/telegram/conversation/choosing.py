"""Choose a preset, by a command or a button, and answer what it asks. Loaded with aiogram."""

from typing import Any

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from app.telegram.conversation import preset_views
from app.telegram.conversation.heard import AnyCommand, Command, Commanded
from app.telegram.conversation.layout import page
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.pictures import PICTURE, Pictures
from app.telegram.conversation.refusal_views import REFUSALS, refusal
from app.telegram.conversation.start import offered
from app.telegram.conversation.tapping import Tapped, stale
from app.telegram.conversation.turns import Turn
from processors.notifications.buttons import Press
from processors.presets import inputs, writing
from schemas.preset import ImageInput, Input


def make_commands() -> Router:
    """Return the router of presets' commands, which takes any command that is left."""
    router = Router(name="presets")
    router.message.register(list_them, Commanded("presets"))
    router.message.register(command_them, AnyCommand())
    router.callback_query.register(turn_page, Tapped(Press.HOME))
    router.callback_query.register(choose, Tapped(Press.CHOOSE))
    router.callback_query.register(answer_tapped, Tapped(Press.ANSWER))
    router.callback_query.register(run, Tapped(Press.CONFIRM, "run:"))
    return router


def make_answers() -> Router:
    """Return the router of answers to what a preset has asked, which are no commands."""
    router = Router(name="answers")
    router.message.register(answer, F.text)
    return router


async def list_them(message: Message, turn: Turn, shop: Shop) -> None:
    """Show what can be ordered."""
    del message
    await turn.tell(*await offered(turn, shop))


async def turn_page(tap: CallbackQuery, turn: Turn, shop: Shop, argument: str) -> None:
    """Show another page of what can be ordered, in the same message."""
    number = int(argument) if argument.isdecimal() and len(argument) < 4 else 0  # noqa: PLR2004 - pages
    text, rows = await offered(turn, shop, number)
    await turn.talk.answer(tap.id)
    if not argument or not await turn.talk.edit(turn.chat_id, turn.message_id, text, rows):
        await turn.tell(text, rows)


async def command_them(
    message: Message, turn: Turn, shop: Shop, pictures: Pictures, command: Command
) -> None:
    """Order by a preset's command; without a text, show what it is."""
    offer = await shop.offer(turn, command.name)
    if offer is None:
        said = turn.voice.say("There is no command /{name}. See /presets.", name=command.name)
        await turn.tell(page(said))
        return
    image: dict[str, Any] = {}
    if pictures.brings(message):
        asked = writing.picture(offer.preset)
        if asked is None:
            title = offer.preset.titles.of(turn.voice.language.value)
            await turn.tell(page(turn.voice.say("{title} takes no picture.", title=title)))
            return
        taken = await pictures.take(message, turn)
        if taken is None:
            return
        image = {asked.name: taken}
    said_all = image and writing.main(offer.preset) is None
    if command.rest or said_all:
        await shop.take(turn, offer.preset, command.rest, image)
    else:
        await shop.show(turn, offer, image)


async def choose(tap: CallbackQuery, turn: Turn, shop: Shop, argument: str) -> None:
    """Show a preset; a picture that was sent before is taken along."""
    offer = await shop.offer(turn, argument)
    if offer is None:
        await stale(tap, turn)
        return
    await turn.talk.answer(tap.id)
    kept, asked = await turn.recall(PICTURE), writing.picture(offer.preset)
    if not kept or asked is None:
        await shop.show(turn, offer)
    elif kept["text"]:
        await shop.take(turn, offer.preset, kept["text"], {asked.name: kept["image"]})
    else:
        await shop.show(turn, offer, {asked.name: kept["image"]})


async def run(tap: CallbackQuery, turn: Turn, shop: Shop, argument: str) -> None:
    """Order a preset that needs nothing more."""
    found = await shop.asked(turn)
    if found is None or found[0].name != argument:
        await stale(tap, turn)
        return
    await turn.talk.answer(tap.id)
    await shop.go_on(turn, found[0], found[2])


async def answer_tapped(tap: CallbackQuery, turn: Turn, shop: Shop, argument: str) -> None:
    """Take one of the answers to what was asked."""
    found = await shop.asked(turn)
    value = None if found is None else _at(found[1], argument)
    if found is None or found[1] is None or value is None:
        await stale(tap, turn)
        return
    preset, _, given = found
    asked = found[1]
    await turn.talk.answer(tap.id)
    await shop.go_on(turn, preset, {**given, asked.name: value})


async def answer(message: Message, turn: Turn, shop: Shop) -> None:
    """Take a text for what was asked; where nothing was, say what can be done."""
    found, text = await shop.asked(turn), (message.text or "").strip()
    if found is None:
        if turn.private:
            await turn.tell(*await offered(turn, shop, before=_how(turn)))
        return
    preset, asked, given = found
    if asked is None or asked == writing.main(preset):
        await shop.take(turn, preset, text, given)
    elif isinstance(asked, ImageInput):
        await shop.ask(turn, preset, given, asked)
    else:
        try:
            value = inputs.take(asked, writing.answer(asked, text))
        except REFUSALS as error:
            rows = preset_views.answers(turn.voice, asked)
            await turn.tell(refusal(turn.voice, error).text, rows)
            return
        await shop.go_on(turn, preset, {**given, asked.name: value})


def _how(turn: Turn) -> str:
    return turn.voice.say("Choose what to make first, then write what you want to see.")


def _at(asked: Input | None, argument: str) -> str | None:
    """Return the answer at a place; None where there is none."""
    if asked is None or not argument.isdecimal():
        return None
    values = writing.values(asked)
    return values[int(argument)] if len(argument) < 3 and int(argument) < len(values) else None  # noqa: PLR2004 - digits
