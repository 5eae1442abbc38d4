"""The commands about credits, their options and their help."""

# ruff: noqa: PLC0415 - a command loads what it needs and nothing else: help is quick.

import asyncio
from pathlib import Path
from typing import Annotated

import typer

ledger = typer.Typer(
    help="Everybody's credits: what came, what went, and whether it adds up.", no_args_is_help=True
)

payments = typer.Typer(help="Credits that people bought with Telegram Stars.", no_args_is_help=True)


def grant(
    telegram_id: Annotated[
        int, typer.Argument(metavar="TELEGRAM_ID", help="Whom; they must be registered.")
    ],
    amount: Annotated[
        str, typer.Argument(metavar="AMOUNT", help="Credits, with at most 6 decimal places.")
    ],
    reason: Annotated[
        str | None, typer.Option(help="Why; it is kept with the grant.", show_default=False)
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Who gives them; your name on this machine unless told otherwise."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="A word for this grant: the same again grants nothing, so that it can be repeated."
        ),
    ] = None,
) -> None:
    """Give somebody credits.

    [dim]runrelay grant 4711 25 --reason "for the outage of Monday"[/dim]

    [dim]runrelay grant 4711 100 --key prize-2026-01[/dim]
    """
    from app.cli import granting

    asyncio.run(granting.grant(telegram_id, amount, reason=reason, by=by, key=key))


@ledger.command("check")
def check_ledger() -> None:
    """Recompute everybody's balance, and see that nothing was closed or given back twice.

    It changes nothing, and may run beside the service. Credits that are still held are named.
    The exit code is 1 if anything is wrong; docs/money.md says what to do then.
    """
    from app.cli import counting

    raise typer.Exit(asyncio.run(counting.check()))


@ledger.command("export")
def export_ledger(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Where to; replaced once it is complete.")
    ],
    user: Annotated[
        int | None,
        typer.Option(metavar="TELEGRAM_ID", help="Of this person only.", show_default=False),
    ] = None,
) -> None:
    """Write the ledger to a file for a spreadsheet, person by person, oldest entries first.

    The exit code is 1 if an entry could not be read and is left out.

    [dim]runrelay ledger export ledger-$(date +%F).csv[/dim]

    [dim]runrelay ledger export ada.csv --user 4711[/dim]
    """
    from app.cli import counting

    raise typer.Exit(asyncio.run(counting.export(file, user)))


@payments.command("list")
def list_payments(
    user: Annotated[
        int | None,
        typer.Option(metavar="TELEGRAM_ID", help="Of this person only.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
) -> None:
    """List payments, newest first: what was paid, for whom, and what became of it.

    A stray one was paid, and nobody could be credited: grant the credits, or give it back.

    [dim]runrelay payments list --user 4711[/dim]
    """
    from app.cli import paying

    asyncio.run(paying.list_payments(user, limit))


@payments.command("refund")
def refund_payment(
    payment: Annotated[str, typer.Argument(metavar="ID", help="A payment's id, 32 digits.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the payment.")],
    by: Annotated[
        str | None,
        typer.Option(help="Who gives it back; your name on this machine unless told otherwise."),
    ] = None,
) -> None:
    """Give a payment's Stars back to who paid, and take its credits.

    It is written down here, and done by the service within seconds; once, however often it is
    asked for. Credits that were spent leave a balance below zero.

    [dim]runrelay payments refund 0198c0ffee0198c0ffee0198c0ffee77 --reason "by mistake"[/dim]
    """
    from app.cli import paying

    asyncio.run(paying.refund(payment, reason=reason, by=by))
