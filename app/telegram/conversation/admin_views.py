"""What administrators read in the bot."""

from collections.abc import Sequence

from app.telegram.conversation.job_views import price, status
from app.telegram.conversation.layout import head, page
from app.usecases.arrears import Arrear, Silent, Stuck
from processors.notifications.markup import Piece
from processors.notifications.texts import Voice, in_credits, moment
from schemas.job import Job
from schemas.ledger import Entry
from schemas.user import Account, User


def menu(voice: Voice) -> str:
    """Return what there is to be done."""
    lines = (
        "/admin find ada",
        "/admin show 4711",
        "/admin grant 4711 50 " + voice.say("reason"),
        "/admin refund ORDER " + voice.say("reason"),
        "/admin block 4711 " + voice.say("reason"),
        "/admin unblock 4711",
        "/admin stuck",
        "/admin dead",
    )
    return page(head(voice.say("Administration")), *(f"\n{each}" for each in lines))


def found(voice: Voice, users: Sequence[User]) -> str:
    """Return people, line by line."""
    if not users:
        return page(voice.say("Nobody is called so."))
    return page("\n".join(_named(voice, each) for each in users))


def person(voice: Voice, account: Account, jobs: Sequence[Job]) -> str:
    """Return a person with their last orders."""
    pieces: list[Piece | str] = [
        head(_named(voice, account.user)),
        "\n" + voice.say("Balance: {credits}", credits=in_credits(voice, account.balance)),
    ]
    return page(*pieces, *(piece for job in jobs for piece in _job(voice, job)))


def granted(voice: Voice, user: User, entry: Entry) -> str:
    """Say what was given to whom."""
    return page(
        voice.say(
            "{who} got {credits}. Balance: {balance}.",
            who=_named(voice, user),
            credits=in_credits(voice, entry.amount),
            balance=in_credits(voice, entry.balance),
        )
    )


def refunded(voice: Voice, job: Job) -> str:
    """Say what was given back."""
    return page(*_job(voice, job))


def stuck(voice: Voice, found: Stuck) -> str:
    """Return what has not got on for long."""
    if not found.silent and not found.overdue:
        return page(voice.say("Nothing is stuck."))
    return page(
        *(piece for each in found.silent for piece in _silent(each)),
        *(piece for each in found.overdue for piece in _arrear(each)),
    )


def dead(voice: Voice, found: Sequence[Arrear]) -> str:
    """Return what was given up."""
    if not found:
        return page(voice.say("Nothing was given up."))
    return page(*(piece for each in found for piece in _arrear(each)))


def _named(voice: Voice, user: User) -> str:
    words = (
        str(user.telegram_id or user.id),
        f"@{user.username}" if user.username else "",
        user.first_name or "",
        ", ".join(user.roles),
        voice.say("blocked") if user.blocked else "",
    )
    return " · ".join(filter(None, words))


def _job(voice: Voice, job: Job) -> tuple[Piece | str, ...]:
    said = f"\n{status(voice, job)} · {job.steps[0].preset} · {price(voice, job)}"
    return f"\n{said} · {moment(job.created_at)}\n", Piece(job.id, "code")


def _silent(silent: Silent) -> tuple[Piece | str, ...]:
    said = f"\n{silent.what}: {silent.status} · {moment(silent.since)}"
    return "\n\n", Piece(silent.record, "code"), said


def _arrear(arrear: Arrear) -> tuple[Piece | str, ...]:
    debt = arrear.debt
    said = f"\n{arrear.what}: {debt.key} · {moment(arrear.since)} {debt.last_error or ''}"
    return "\n\n", Piece(arrear.record, "code"), said.rstrip()
