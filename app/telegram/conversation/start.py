"""Where a conversation begins: /start and /help. Loaded with aiogram."""

from aiogram import Router
from aiogram.types import Message

from app.telegram.conversation import preset_views
from app.telegram.conversation.heard import Command, Commanded
from app.telegram.conversation.layout import head, page, top_up
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.turns import Turn
from processors.notifications.buttons import Rows
from processors.notifications.texts import in_credits


def make_router() -> Router:
    """Return the router."""
    router = Router(name="start")
    router.message.register(start, Commanded("start"))
    router.message.register(explain, Commanded("help"))
    return router


async def start(message: Message, turn: Turn, shop: Shop, command: Command) -> None:
    """Say what somebody owns and what can be made; a link may name a preset."""
    del message
    await turn.drop()
    offer = await shop.offer(turn, command.rest) if command.rest else None
    if offer is not None:
        await shop.show(turn, offer)
        return
    voice, name = turn.voice, turn.user.first_name
    hello = voice.say("Hello, {name}!", name=name) if name else voice.say("Hello!")
    balance = in_credits(voice, turn.account.balance)
    said = hello + "\n" + voice.say("Your balance: {credits}", credits=balance)
    await turn.tell(*await offered(turn, shop, before=said))


async def explain(message: Message, turn: Turn) -> None:
    """Say what the bot understands."""
    del message
    voice = turn.voice
    lines = (
        voice.say("/presets: what can be made, and what it costs"),
        voice.say("/balance: your credits, and where they went"),
        voice.say("/history: what you have ordered"),
        voice.say("/buy: more credits, for Telegram Stars"),
        voice.say("/cancel: stop what is under way"),
        voice.say("/language: English, Русский, Português"),
        voice.say("/terms, /paysupport: what holds here, and help with a payment"),
        voice.say("/forgetme: have your data removed"),
    )
    how = voice.say(
        "Choose something from /presets, or write its command and what you want to see, such as"
        " /name a lighthouse at dusk. Send a picture with such a caption to have it changed."
        " The price is said before anything begins."
    )
    options = voice.say(
        "What a preset lets you set stands in the text, anywhere: --steps 30, or steps=30."
    )
    text = page(head(voice.say("How it works")), f"\n{how}\n{options}\n\n", "\n".join(lines))
    await turn.tell(text, (top_up(voice),))


async def offered(turn: Turn, shop: Shop, number: int = 0, before: str = "") -> tuple[str, Rows]:
    """Return what can be ordered, a page of it as buttons."""
    offers = await shop.offers(turn)
    if offers:
        said = turn.voice.plural(
            "There is {n} thing that I can make:",
            "There are {n} things that I can make:",
            len(offers),
        )
    else:
        said = turn.voice.say("There is nothing to order yet. Please come back later.")
    rows = preset_views.buttons_of(turn.voice, offers, number) if offers else ()
    return page(f"{before}\n\n{said}" if before else said), rows
