"""`runrelay grant`: give somebody credits."""

import os
from decimal import Decimal, InvalidOperation

from app.cli import opening, speaking
from app.cli.settling import LATER, refuse, refusing
from app.clock import Clock
from app.errors import ConflictError, NotFoundError, UnavailableError
from app.usecases.money import Money
from processors.errors import LedgerError
from schemas.base import plain


async def grant(
    telegram_id: int, amount: str, *, reason: str | None, by: str | None, key: str | None
) -> None:
    """Give credits, and say what there is now."""
    given = _amount(amount)
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            user = await store.users.by_telegram_id(telegram_id)
            if user is None:
                raise NotFoundError("user")
            if user.gone:
                raise ConflictError("this person is forgotten, as they wished")
            money, begun = Money(store.ledger, clock), clock.now()
            named = key or clock.new_id()
            try:
                entry = await money.grant(
                    user.id, given, key=f"grant:{named}", by=f"cli:{by or me()}", reason=reason
                )
            except LedgerError as error:
                refuse([str(error)])
            except UnavailableError as error:
                repeat = f"Whether it was granted is not known; repeat it with --key {named}"
                refuse([str(error), repeat], code=LATER)
            balance = await money.balance(user.id)
    whom = f"{user.first_name or user.username or 'nobody named'} ({telegram_id})"
    amount = plain(entry.amount)
    if entry.at < begun:
        at = speaking.clock(entry.at)
        speaking.say(f"nothing was granted: {amount} were under this key already, at {at}")
    else:
        speaking.say(f"{amount} credits were granted to {whom}")
    speaking.say(f"the balance is {plain(balance)}")


def me() -> str:
    """Return who types, as the system knows them; containers have numbers without names."""
    name = os.environ.get("SUDO_USER") or os.environ.get("USER")
    return name or f"uid {os.getuid()}"


def _amount(given: str) -> Decimal:
    try:
        return Decimal(given)
    except InvalidOperation:
        refuse([f"AMOUNT: {given} is not a number, such as 25 or 0.5"])
