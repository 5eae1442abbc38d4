"""`runrelay users`: what an administrator does with people."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final

from app.bootstrap import Store
from app.cli import opening, speaking
from app.cli.granting import me
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.errors import NotFoundError
from app.usecases.money import Money
from app.usecases.people import People
from app.usecases.register_user import Accounts
from schemas.base import plain
from schemas.deed import Deed
from schemas.job import Job
from schemas.ledger import Entry
from schemas.user import Role, User

ENTRIES: Final = 10
"""Movements of credits that are shown of somebody."""


async def find(words: str | None, limit: int) -> None:
    """Print whom somebody may mean; the newest where nobody is looked for."""
    with refusing():
        async with _people() as people:
            if words is None:
                found = (await people.page(None, limit)).items
            else:
                found = await people.find(words, limit)
    if not found:
        speaking.say("nobody" if words is None else "nobody is called so")
        raise SystemExit(0 if words is None else 1)
    speaking.show(
        ("telegram", "username", "name", "roles", "state", "since (UTC)", "id"), map(_row, found)
    )


async def show(who: str) -> None:
    """Print somebody, their last movements of credits, and what was done to them."""
    with refusing():
        async with _people() as people:
            user = await meant(people, who)
            account = await people.get(user.id)
            entries, _ = await people.entries(user.id, None, ENTRIES)
            deeds = await people.deeds(user.id)
    facts = (
        ("id", user.id),
        ("telegram", str(user.telegram_id or "none")),
        ("name", name_of(user)),
        ("language", user.language or "not known"),
        ("roles", ", ".join(user.roles) or "none"),
        ("state", _state(user) or "served"),
        ("since", f"{speaking.clock(user.created_at)} UTC"),
        ("balance", f"{plain(account.balance)} credits"),
    )
    speaking.show(("", ""), facts)
    if entries:
        speaking.say("\nCredits, the last first", "bold")
        headings = ("at (UTC)", "kind", "amount", "balance", "by", "key", "why")
        speaking.show(headings, map(_movement, entries))
    if deeds:
        speaking.say("\nWhat was done to them, the last first", "bold")
        speaking.show(("at (UTC)", "what", "by", "why"), map(_deed, deeds))


async def block(who: str, *, by: str | None, reason: str | None) -> None:
    """Serve somebody no more, and say so."""
    with refusing():
        async with _people() as people:
            user = await meant(people, who)
            after = await people.block(user.id, by=_by(by), reason=reason)
    _tell(user, after, f"{name_of(after)} is blocked", "was blocked already")


async def unblock(who: str, *, by: str | None, reason: str | None) -> None:
    """Serve somebody again, and say so."""
    with refusing():
        async with _people() as people:
            user = await meant(people, who)
            after = await people.unblock(user.id, by=_by(by), reason=reason)
    _tell(user, after, f"{name_of(after)} is served again", "was not blocked")


async def set_roles(who: str, roles: Sequence[str], *, by: str | None) -> None:
    """Give somebody these roles, and say so."""
    for each in roles:
        if not _WORD.fullmatch(each):
            refuse([f"ROLE: {each} is none: lower-case letters, digits, _ and -, at most 32"])
    with refusing():
        async with _people() as people:
            user = await meant(people, who)
            after = await people.set_roles(user.id, map(Role, roles), by=_by(by))
    said = ", ".join(after.roles) or "none"
    _tell(user, after, f"the roles of {name_of(after)}: {said}", f"had these roles already: {said}")


async def list_jobs(who: str, limit: int) -> None:
    """Print what somebody ordered, the last first."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            user = await meant(people_of(store, clock), who)
            found = (await store.jobs.page(user.id, None, limit)).items
    if not found:
        speaking.say(f"{name_of(user)} has ordered nothing")
        return
    headings = ("ordered (UTC)", "job", "preset", "status", "held", "price", "why")
    speaking.show(headings, map(_job, found))


def people_of(store: Store, clock: Clock) -> People:
    """Return what is done with people; nobody is registered here, so nobody is welcomed anew."""
    accounts = Accounts(store.users, Money(store.ledger, clock), clock, welcome=Decimal(0))
    return People(store.users, accounts, store.ledger, store.deeds, clock)


async def meant(people: People, who: str) -> User:
    """Return the one person who is meant; of several none is guessed.

    Raises:
        NotFoundError: Nobody is.
    """
    found = await people.find(who, 9)
    username = who.removeprefix("@").lower()
    exact = [each for each in found if username == (each.username or "").lower()]
    if not found:
        raise NotFoundError("user")
    if len(exact or found) > 1:
        names = [f"{each.telegram_id or each.id}  {name_of(each)}" for each in found]
        refuse(["WHO: may be one of these; name one by the number", *names])
    return (exact or found)[0]


def name_of(user: User) -> str:
    """Return what somebody is called."""
    known = [user.first_name, f"@{user.username}" if user.username else None]
    return " ".join(each for each in known if each) or "nobody named"


_WORD: Final = re.compile(r"[a-z0-9_-]{1,32}")


@asynccontextmanager
async def _people() -> AsyncGenerator[People]:
    clock = Clock()
    async with opening.opened(opening.quietly_settled(), clock) as store:
        yield people_of(store, clock)


def _by(given: str | None) -> str:
    return f"cli:{given or me()}"


def _tell(before: User, after: User, done: str, already: str) -> None:
    speaking.say(done if after != before else f"nothing was done: {name_of(after)} {already}")


def _state(user: User) -> str:
    said = (
        ("blocked", user.blocked),
        ("being forgotten", user.forget_wanted_at is not None),
        ("forgotten", user.forgotten_at is not None),
    )
    return ", ".join(word for word, holds in said if holds)


def _row(user: User) -> tuple[str, ...]:
    return (
        str(user.telegram_id or ""),
        user.username or "",
        user.first_name or "",
        ", ".join(user.roles),
        _state(user),
        speaking.clock(user.created_at)[:16],
        user.id,
    )


def _movement(entry: Entry) -> tuple[str, ...]:
    return (
        speaking.clock(entry.at)[:19],
        entry.kind,
        plain(entry.amount),
        plain(entry.balance),
        entry.by,
        entry.key,
        entry.reason or "",
    )


def _deed(deed: Deed) -> tuple[str, ...]:
    return speaking.clock(deed.at)[:19], deed.verb, deed.by, deed.said or ""


def _job(job: Job) -> tuple[str, ...]:
    return (
        speaking.clock(job.created_at)[:19],
        job.id,
        ", ".join(each.preset for each in job.steps),
        job.status,
        plain(job.held),
        "not settled" if job.price is None else plain(job.price),
        job.status_reason or "",
    )
