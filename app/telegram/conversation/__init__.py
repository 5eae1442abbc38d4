"""What the bot does with what people say; each module is one router. Loaded with aiogram."""

from aiogram import Router

from app.telegram.conversation import payments


def routers() -> tuple[Router, ...]:
    """Return all routers, new ones: each takes what those before it leave."""
    return (payments.make_router(),)
