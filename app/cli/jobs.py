"""The commands about jobs, their options and their help."""

# ruff: noqa: PLC0415, FBT002, PLR0917 - a command loads what it needs and nothing else: help is
# quick. Options are booleans with defaults; typer calls by name.

import asyncio
from typing import Annotated

import typer

from app.cli.office import By

jobs = typer.Typer(
    help="""What people ordered: what is open, what is stuck and since when, and having it moved.

    [dim]runrelay jobs open                    # the two questions of whoever watches[/dim]

    [dim]runrelay jobs list --stuck            # then, of one: jobs show ID, jobs reset ID[/dim]
    """,
    no_args_is_help=True,
)

Job = Annotated[str, typer.Argument(metavar="ID", help="A job's id, 32 digits.")]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Check = Annotated[
    bool, typer.Option("--check", help="Exit with code 1 if anything is stuck, for monitors.")
]


@jobs.command("open")
def open_jobs(as_json: Json = False, check: Check = False) -> None:
    """Show what is open, what is stuck, why, and since when.

    A job that waits for its person's word is open, and not stuck. The JSON is
    that of GET /api/open.

    [dim]runrelay jobs open[/dim]

    [dim]runrelay jobs open --json | jq '.jobs.stuck'[/dim]

    [dim]runrelay jobs open --check > /dev/null || echo "something is stuck"[/dim]
    """
    from app.cli import tracking

    raise typer.Exit(asyncio.run(tracking.open_(as_json=as_json, check=check)))


@jobs.command("list")
def list_jobs(
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those that are stuck, or something of theirs.")
    ] = False,
    open_only: Annotated[
        bool, typer.Option("--open", help="Only those that have not ended.")
    ] = False,
    user: Annotated[
        str | None,
        typer.Option(metavar="WHO", help="Whose: a Telegram id, a @username, or our own id."),
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Only in this one, such as active.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
    as_json: Json = False,
    check: Check = False,
) -> None:
    """List jobs, newest first: how each stands, its age, and why it is stuck.

    [dim]runrelay jobs list --stuck[/dim]

    [dim]runrelay jobs list --open --user @ada[/dim]

    [dim]runrelay jobs list --stuck --check --json | jq '.items[].id'[/dim]
    """
    from app.cli import tracking

    chosen = tracking.Chosen(stuck, open_only, user, status, limit)
    raise typer.Exit(asyncio.run(tracking.list_(chosen, as_json=as_json, check=check)))


@jobs.command("show")
def show_job(job: Job, as_json: Json = False) -> None:
    """Show a job with its steps: how each stands, what it waits for, and what of it is stuck.

    [bold]runrelay explain ID[/bold] tells all that happened to it.

    [dim]runrelay jobs show 0198c0ffee0198c0ffee0198c0ffee77[/dim]
    """
    from app.cli import tracking

    asyncio.run(tracking.show(job, as_json=as_json))


@jobs.command("reset")
def reset_job(
    job: Annotated[
        str, typer.Argument(metavar="ID", help="A job's id, or that of one of its generations.")
    ],
    by: By = None,
) -> None:
    """Have everything that a job and its generations owe done now.

    Engines are asked now, what was given up is tried again, steps whose turn has come begin, and
    what somebody took up and did not do is anybody's. Nothing is sent twice: a run whose fate is
    unknown is looked for. Who did it is written down. To do it again does no harm.

    [dim]runrelay jobs reset 0198c0ffee0198c0ffee0198c0ffee77[/dim]
    """
    from app.cli import tracking

    asyncio.run(tracking.reset(job, by=by))
