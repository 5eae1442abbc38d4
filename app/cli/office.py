"""The commands of administrators, their options and their help."""

# ruff: noqa: PLC0415, FBT002 - a command loads what it needs and nothing else: help is quick.
# Options are booleans with defaults.

import asyncio
from typing import Annotated, Literal

import typer

users = typer.Typer(
    help="""The people who order: find them, block them, name their roles, forget them.

    WHO is a Telegram id, a [bold]@username[/bold], or our own id.

    The first administrator is made here: [bold]runrelay users role 4711 admin[/bold]
    """,
    no_args_is_help=True,
)

Who = Annotated[
    str, typer.Argument(metavar="WHO", help="A Telegram id, a @username, or our own id.")
]
By = Annotated[
    str | None,
    typer.Option(help="Who does it; your name on this machine unless told otherwise."),
]
Reason = Annotated[
    str | None, typer.Option(help="Why; it is kept with what was done.", show_default=False)
]
Kind = Annotated[
    Literal["engine", "preset"], typer.Argument(metavar="KIND", help="engine or preset.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as comfydeploy, or l4_t2i.")]


@users.command("find")
def find_users(
    words: Annotated[
        str | None,
        typer.Argument(
            metavar="[WORDS]",
            help="An id, or the beginning of a username or a first name; the newest without.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 20,
) -> None:
    """Find people, by an id or the beginning of a name.

    [dim]runrelay users find ada[/dim]

    [dim]runrelay users find 4711[/dim]
    """
    from app.cli import administering

    asyncio.run(administering.find(words, limit))


@users.command("show")
def show_user(who: Who) -> None:
    """Show somebody: what they own, how it moved last, and what was done to them.

    [dim]runrelay users show @ada[/dim]
    """
    from app.cli import administering

    asyncio.run(administering.show(who))


@users.command("block")
def block_user(who: Who, reason: Reason = None, by: By = None) -> None:
    """Serve somebody no more: they order nothing. What runs goes on, and is told.

    [dim]runrelay users block 4711 --reason "spam"[/dim]
    """
    from app.cli import administering

    asyncio.run(administering.block(who, by=by, reason=reason))


@users.command("unblock")
def unblock_user(who: Who, reason: Reason = None, by: By = None) -> None:
    """Serve somebody again."""
    from app.cli import administering

    asyncio.run(administering.unblock(who, by=by, reason=reason))


@users.command("role")
def set_roles(
    who: Who,
    roles: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROLE]...", help="admin, or words of your own; none: no role."),
    ] = None,
    by: By = None,
) -> None:
    """Give somebody these roles, in place of those that they have.

    An [bold]admin[/bold] may do in the bot what these commands do, and orders without limits. Any
    other word is yours: presets can be for it (allowed), and limits higher (LIMIT_AT_ONCE).

    [dim]runrelay users role 4711 admin[/dim]

    [dim]runrelay users role @ada member partner[/dim]

    [dim]runrelay users role @ada             # takes all roles away[/dim]
    """
    from app.cli import administering

    asyncio.run(administering.set_roles(who, roles or [], by=by))


@users.command("jobs")
def list_jobs(
    who: Who, limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 20
) -> None:
    """List what somebody ordered, the last first: how it went, and what it came to.

    [dim]runrelay users jobs 4711[/dim]
    """
    from app.cli import administering

    asyncio.run(administering.list_jobs(who, limit))


@users.command("forget")
def forget_user(
    who: Who,
    by: By = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
) -> None:
    """Remove somebody's data for good. The ledger's numbers stay, without a name.

    Names, prompts, pictures, results and chats go, and credits that they have left are lost.
    Refused while a job of theirs runs. What cannot go at once goes while a service runs.

    [dim]runrelay users forget 4711[/dim]
    """
    from app.cli import forgetting

    asyncio.run(forgetting.forget(who, by=by, ask=not yes))


def refund(
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job's id, 32 digits.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the refund.")],
    amount: Annotated[
        str | None,
        typer.Option(help="Credits; all that was taken unless told otherwise.", show_default=False),
    ] = None,
    by: By = None,
) -> None:
    """Give back what a job came to, or part of it: once, and its person is told.

    [dim]runrelay refund 0198c0ffee0198c0ffee0198c0ffee77 --reason "the picture was lost"[/dim]
    """
    from app.cli import refunding

    asyncio.run(refunding.refund(job, amount=amount, reason=reason, by=by))


def pause(kind: Kind, name: Name, reason: Reason = None, by: By = None) -> None:
    """Take no new orders for an engine or a preset. What runs goes on.

    Whoever orders is told the reason.

    [dim]runrelay pause engine comfydeploy --reason "their machines are ill"[/dim]

    [dim]runrelay pause preset l4_t2i[/dim]
    """
    from app.cli import switching

    asyncio.run(switching.pause(kind, name, by=by, reason=reason))


def resume(kind: Kind, name: Name, by: By = None) -> None:
    """Take orders again for an engine or a preset; a cap stays what it is.

    [dim]runrelay resume engine comfydeploy[/dim]
    """
    from app.cli import switching

    asyncio.run(switching.resume(kind, name, by=by))


def cap(
    kind: Kind,
    name: Name,
    usd: Annotated[
        str, typer.Argument(metavar="USD", help="What a day (UTC) may cost; none for any amount.")
    ],
    by: By = None,
) -> None:
    """Take no more orders for an engine or a preset on a day that has cost so much.

    What has ended counts with its cost, what runs with what such runs usually cost. A day may cost
    more by what is ordered within 5 s, and by runs that cost more than usual or nobody knows what.

    [dim]runrelay cap engine comfydeploy 50[/dim]

    [dim]runrelay cap preset l4_t2i none[/dim]
    """
    from app.cli import switching

    asyncio.run(switching.cap(kind, name, usd, by=by))


def spend() -> None:
    """Show what today (UTC) has cost, what is capped, and what is paused."""
    from app.cli import switching

    asyncio.run(switching.spend())
