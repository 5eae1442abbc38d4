"""The commands about jobs, their options and their help."""

# ruff: noqa: PLC0415, FBT002, PLR0917 - a command loads what it needs and nothing else: help is
# quick. Options are booleans with defaults; typer calls by name.

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.cli.office import By

jobs = typer.Typer(
    help="""What people ordered: what is open, what is stuck and since when, and having it moved.

    [dim]runrelay jobs start FILE --wait       # order, and watch it[/dim]

    [dim]runrelay jobs open                    # the two questions of whoever watches[/dim]

    [dim]runrelay jobs list --stuck            # then, of one: jobs show ID, jobs reset ID[/dim]
    """,
    no_args_is_help=True,
)

LEFT: Final = 130
"""The exit code where somebody went away by Ctrl-C (as shells have it: 128 and the signal)."""

Job = Annotated[str, typer.Argument(metavar="ID", help="A job's id, 32 digits.")]
Wait = Annotated[bool, typer.Option("--wait", help="Watch it until its end.")]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Check = Annotated[
    bool, typer.Option("--check", help="Exit with code 1 if anything is stuck, for monitors.")
]


@jobs.command("start")
def start_job(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="YAML or JSON, as POST /api/jobs/create takes it."),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=TEXT",
            help="An input of the first step, or 2.NAME=TEXT; NAME:=JSON, NAME@=PICTURE.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Who pays: a Telegram id, or our own. A sandbox has one."),
    ] = None,
    chat: Annotated[int | None, typer.Option(help="The Telegram chat that is told.")] = None,
    manual: Annotated[
        bool, typer.Option("--manual", help="Wait for a word after each step.")
    ] = False,
    wait: Wait = False,
) -> None:
    """Order what a file says, step by step, and watch it.

    Pictures are files: [bold]{file: me.jpg}[/bold] in the place of a value. In the sandbox somebody
    with enough credits pays, and what the file names under [bold]presets[/bold] is loaded before.

    Ctrl-C leaves the job as it is: it goes on. The exit code is 1 if it ended otherwise
    than completed, 3 where it waits for a word.

    [dim]runrelay jobs start examples/three_garments.yaml --wait[/dim]

    [dim]runrelay jobs start order.yaml --user 4711 --input photo@=me.jpg --manual --wait[/dim]
    """
    from app.cli import job_starting

    wish = job_starting.Wish(inputs or [], user, chat, manual, wait)
    exit_after(job_starting.start(file, wish))


@jobs.command("continue")
def continue_job(
    job: Job,
    step: Annotated[
        int | None, typer.Option(min=1, help="Only if it waits after this one.")
    ] = None,
    wait: Wait = False,
) -> None:
    """Let a job go on that waits for a word after a step.

    [dim]runrelay jobs continue 0198c0ffee0198c0ffee0198c0ffee77 --wait[/dim]
    """
    from app.cli import job_starting

    exit_after(job_starting.go_on(job, step, wait=wait))


@jobs.command("retry")
def retry_job(
    job: Job,
    step: Annotated[int, typer.Argument(min=1, help="Which step, by its number in the job.")],
    wait: Wait = False,
) -> None:
    """Order a step again, with all that comes after it; what was made before it is taken again.

    That is a job of its own, which goes on from this one.

    [dim]runrelay jobs retry 0198c0ffee0198c0ffee0198c0ffee77 2 --wait[/dim]
    """
    from app.cli import job_starting

    exit_after(job_starting.retry(job, step, wait=wait))


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


def exit_after(doing: Coroutine[Any, Any, int]) -> None:
    """Do something, and end with the code that it returns."""
    try:
        code = asyncio.run(doing)
    except KeyboardInterrupt:
        code = LEFT
    raise typer.Exit(code)
