"""What the bot does with what people say; each module is one router. Loaded with aiogram."""

from aiogram import Router

from app.telegram.conversation import (
    admin,
    choosing,
    history,
    language,
    legal,
    otherwise,
    payments,
    pictures,
    start,
    stepping,
    wallet,
    watching,
)
from app.telegram.conversation.heard import Heard
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.pictures import Pictures
from app.telegram.conversation.turns import Callers, Taps, Tools
from app.telegram.conversing import Cases


def routers(cases: Cases | None = None) -> tuple[Router, ...]:
    """Return all routers, new ones: each takes what those before it leave."""
    talk = () if cases is None else (make_router(cases),)
    return (*talk, payments.make_router())


def make_router(cases: Cases) -> Router:
    """Return the router of everything that people say and tap."""
    shop = Shop(cases.orders, cases.presets, cases.prices)
    seen = watching.Watching(shop, cases.presets, cases.storage, cases.links)
    router = Router(name="conversation")
    router.message.filter(Heard())
    tools = Tools(
        shop=shop,
        pictures=Pictures(cases.take_image),
        ledger=cases.ledger,
        choose_language=cases.choose_language,
        duties=cases.duties,
        forget=cases.forget,
    )
    for observer in (router.message, router.callback_query):
        observer.middleware(Callers(cases.accounts))
        observer.middleware(tools)
    router.callback_query.middleware(Taps())
    router.include_routers(
        start.make_router(),
        watching.make_router(seen),
        stepping.make_router(stepping.Stepping(shop, seen)),
        history.make_router(history.History(shop, seen)),
        wallet.make_router(),
        language.make_router(),
        legal.make_router(),
        admin.make_router(admin.Office(shop, cases.people, cases.arrears), cases.accounts),
        choosing.make_commands(),
        pictures.make_router(),
        choosing.make_answers(),
        otherwise.make_router(),
    )
    return router
