"""`runrelay ledger`: does it add up, and everything that is in it."""

import csv
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from app.bootstrap import Store
from app.cli import opening, speaking
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.errors import NotFoundError, UnreadableError
from app.usecases.audit_ledger import AuditLedger, Findings
from processors.ledger import Flaw, Mismatch, OpenLine
from schemas.base import UserId, plain, rfc3339
from schemas.ledger import Entry
from schemas.timing import Timing

_ADVICE: Final = (
    "The service makes no such entries: somebody changed, removed or added them by hand, or a "
    "version has a fault. Change nothing yet; docs/money.md says what to do."
)
_COLUMNS: Final = (
    *("at", "user", "seq", "kind", "amount", "balance", "key", "by", "reason"),
    *("generation", "captured", "returned", "rate", "lines"),
)


async def check() -> int:
    """Recompute everything, print what is held and what is wrong; return the exit code."""
    clock = Clock()
    with refusing():
        async with opening.opened(opening.quietly_settled(), clock) as store:
            audit = AuditLedger(store.ledger, store.jobs, store.generations, clock, Timing())
            found = await audit()
    if found.held:
        speaking.say("Held and not settled yet", "bold")
        speaking.show(
            ("user", "hold", "generation", "credits", "since (UTC)"), map(_held, found.held)
        )
    wrong = len(found.flaws) + len(found.mismatches) + len(found.odd)
    if wrong:
        _complain(found)
    word = f"{wrong} flaws" if wrong else "all is well"
    of = f"{found.entries} entries of {found.people} people"
    speaking.say(f"{of}, {plain(found.total)} credits: {word}")
    return 1 if wrong else 0


async def export(target: Path, telegram_id: int | None) -> int:
    """Write the ledger, or that of one person, as comma-separated values; return the exit code."""
    count, odd = 0, list[UnreadableError]()
    with refusing():
        async with opening.opened(opening.quietly_settled(), Clock()) as store:
            user = None if telegram_id is None else await _user(store, telegram_id)
            with _written(target) as write:
                async for entry in store.ledger.entries(user, odd=odd.append):
                    write(_row(entry))
                    count += 1
    for each in odd:
        speaking.say(f"left out: {each}")
    speaking.say(f"{count} entries are in {target}")
    return 1 if odd else 0


def _complain(found: Findings) -> None:
    speaking.say("\nWrong", "bold")
    if found.flaws:
        columns = ("user", "entry", "key", "problem", "what is wrong")
        speaking.show(columns, map(_wrong, found.flaws))
    if found.mismatches:
        speaking.show(("key", "problem", "what is wrong"), map(_unlike, found.mismatches))
    for each in found.odd:
        speaking.say(str(each))
    speaking.say(f"\n{_ADVICE}")


def _held(line: OpenLine) -> tuple[str, ...]:
    hold = line.hold
    return hold.user, hold.key, line.generation, plain(line.amount), speaking.clock(hold.at)


def _wrong(flaw: Flaw) -> tuple[str, ...]:
    entry = flaw.entry
    return entry.user, str(entry.seq), entry.key, flaw.problem, flaw.said


def _unlike(found: Mismatch) -> tuple[str, ...]:
    return found.key, "record", f"{found.generation}: {found.said}"


async def _user(store: Store, telegram_id: int) -> UserId:
    found = await store.users.by_telegram_id(telegram_id)
    if found is None:
        raise NotFoundError("user")
    return found.id


@contextmanager
def _written(target: Path) -> Generator[Callable[[Iterable[str]], object]]:
    """Yield what writes a row; the file is in its place once all of them are written."""
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            yield writer.writerow
        part.replace(target)
    except OSError as error:
        refuse([f"{target}: cannot be written ({error.strerror})"])
    finally:
        with suppress(OSError):
            part.unlink()


def _row(entry: Entry) -> tuple[str, ...]:
    amounts = (entry.captured, entry.returned, entry.rate)
    lines = (entry.lines or {}).items()
    return (
        *(rfc3339(entry.at), entry.user, str(entry.seq), _text(entry.kind)),
        *(plain(entry.amount), plain(entry.balance)),
        *map(_text, (entry.key, entry.by, entry.reason or "", entry.generation or "")),
        *("" if each is None else plain(each) for each in amounts),
        " ".join(f"{generation}={plain(amount)}" for generation, amount in lines),
    )


def _text(given: str) -> str:
    """Keep a spreadsheet from taking somebody's words for a formula."""
    return f"'{given}" if given.startswith(("=", "+", "-", "@", "\t", "\r")) else given
