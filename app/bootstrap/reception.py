"""What listens to Telegram."""

from pydantic import SecretStr

from app.bootstrap.people import Desks
from app.bootstrap.selling import Selling
from app.bootstrap.tools import Tools
from app.telegram.around import Around
from app.telegram.conversing import Cases
from app.telegram.handling import Handling
from app.telegram.receiving import Way
from app.telegram.reception import Reception
from app.usecases.choose_language import ChooseLanguage
from app.usecases.prices import Prices
from app.usecases.take_updates import TakeUpdates, Wake
from app.web import telegram


def make_handling(tools: Tools) -> Handling:
    """Return what handles updates."""
    return Handling(
        tools.store.updates,
        me=tools.name,
        clock=tools.clock,
        timing=tools.timing,
        metrics=tools.metrics,
        alerts=tools.alerts,
    )


def make_intake(tools: Tools, handling: Handling) -> TakeUpdates:
    """Return what takes updates in."""
    # Who handles none leaves them to those who do.
    left: Wake = lambda _: tools.waker.wake()  # noqa: E731 - in the shape of the other
    wake = handling.wake if tools.settings.works else left
    return TakeUpdates(
        tools.store.updates,
        wake=wake,
        at_once=handling.at_once,
        clock=tools.clock,
        timing=tools.timing,
        metrics=tools.metrics,
    )


def make_reception(
    tools: Tools, desks: Desks, selling: Selling, handling: Handling, intake: TakeUpdates
) -> Reception | None:
    """Return what brings updates in and has them handled; None where others do."""
    settings, peers, sender = tools.settings, tools.peers, tools.sender
    by = settings.updates_by
    if by == "off" or sender is None or peers.telegram_url is None or not settings.works:
        return None
    return Reception(
        token=peers.telegram_token,
        api_url=peers.telegram_url,
        me=tools.name,
        way=Way(
            by,
            f"{peers.webhook_base}{telegram.PATH}",
            update_secret(settings.telegram_webhook_secret),
        ),
        take=intake.take,
        handling=handling,
        sender=sender,
        leases=tools.store.leases,
        around=Around(
            conversations=tools.store.conversations,
            chats=tools.store.chats,
            users=tools.store.users,
            clock=tools.clock,
            cases=_cases(tools, desks),
            given={"accounts": desks.accounts, "payments": selling.payments},
        ),
        clock=tools.clock,
        alerts=tools.alerts,
        timing=tools.timing,
        metrics=tools.metrics,
    )


def update_secret(secret: SecretStr | None) -> str:
    """Return what Telegram says with each update; nothing where there is no secret."""
    return "" if secret is None else secret.get_secret_value()


def prices(tools: Tools) -> Prices:
    """Return what says what presets cost."""
    store = tools.store
    return Prices(store.generations, store.presets, tools.settings.credits_per_usd)


def _cases(tools: Tools, desks: Desks) -> Cases:
    store = tools.store
    return Cases(
        accounts=desks.accounts,
        orders=desks.orders,
        presets=store.presets,
        prices=prices(tools),
        ledger=store.ledger,
        storage=tools.storage,
        links=tools.links,
        choose_language=ChooseLanguage(store.users, tools.clock),
        translate=tools.translate,
        take_image=desks.images,
        duties=desks.duties,
        forget=desks.forgetting,
        people=desks.office,
        arrears=desks.arrears,
    )
