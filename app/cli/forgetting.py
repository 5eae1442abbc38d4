"""`runrelay users forget`: remove somebody's data."""

import typer

from app.bootstrap import Keys, make_forgetting, open_storage
from app.cli import opening, speaking
from app.cli.administering import meant, name_of, people_of
from app.cli.granting import me
from app.cli.settling import LATER, refuse, refusing
from app.clock import Clock
from app.observability.journal import Journal
from app.usecases.records import Records, RecordsOf
from schemas.base import plain
from schemas.job import Job
from schemas.payment import Payment


async def forget(who: str, *, by: str | None, ask: bool) -> None:
    """Remove what can be removed now, and say whether that was all."""
    with refusing():
        clock, settings = Clock(), opening.quietly_settled()
        async with opening.opened(settings, clock) as store:
            people, journal = people_of(store, clock), Journal()
            user = await meant(people, who)
            account = await people.get(user.id)
            speaking.say(f"{name_of(user)} ({user.id}), who has {plain(account.balance)} credits")
            if ask and not _agreed():
                refuse(["Nothing was removed."], code=LATER)
            records = Records(store.generations, clock, journal)
            orders = RecordsOf[Job](store.jobs, clock, journal.ordered)
            storage = open_storage(settings)
            bought = RecordsOf[Payment](store.payments, clock, journal.bought)
            forgetting = make_forgetting(
                store, storage, records, orders=orders, bought=bought, keys=Keys(settings)
            )
            wanted = await forgetting.begin(user.id, by=f"cli:{by or me()}")
            done = wanted.forgotten_at is not None or await forgetting.go_on(wanted)
    if done:
        speaking.say("Forgotten. What is left has no name; backups still hold what was there.")
    else:
        speaking.say("Most is removed; what is still under way goes while a service runs.")


def _agreed() -> bool:
    """Ask; who cannot answer does not agree."""
    try:
        return typer.confirm("Remove their data for good?")
    except typer.Abort:
        return False
