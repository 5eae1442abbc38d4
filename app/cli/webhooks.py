"""The commands about outgoing webhooks, their options and their help."""

# ruff: noqa: PLC0415 - a command loads what it needs and nothing else: help is quick.

import asyncio
from typing import Annotated, Literal

import typer

webhooks = typer.Typer(
    help="Who is told of what happens here, by signed webhooks.", no_args_is_help=True
)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="An endpoint's id, or that of the order it came with.")
]
By = Annotated[
    str | None,
    typer.Option(help="Who does it; your name on this machine unless told otherwise."),
]


@webhooks.command("list")
def list_endpoints() -> None:
    """List endpoints: what each hears of, and how it fares."""
    from app.cli import hooking

    asyncio.run(hooking.list_endpoints())


@webhooks.command("add")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send.")],
    event: Annotated[
        list[str] | None,
        typer.Option(help="What it hears of, as often as wanted; left out: everything."),
    ] = None,
    by: By = None,
) -> None:
    """Have a URL told of what happens, and print the secret that signs: it is shown this once.

    [dim]runrelay webhooks add https://example.com/hooks --event generation.completed[/dim]
    """
    from app.cli import hooking

    asyncio.run(hooking.add(url, event or [], by=by))


@webhooks.command("test")
def test(endpoint: Id) -> None:
    """Send something to an endpoint now; the exit code is 1 where it was not taken."""
    from app.cli import hooking

    asyncio.run(hooking.test(endpoint))


@webhooks.command("pause")
def pause(endpoint: Id, by: By = None) -> None:
    """Send an endpoint nothing for now; what happens meanwhile is kept for three days."""
    from app.cli import hooking

    asyncio.run(hooking.switch(endpoint, paused=True, by=by))


@webhooks.command("resume")
def resume(endpoint: Id, by: By = None) -> None:
    """Send an endpoint what it has missed, and what happens from now on."""
    from app.cli import hooking

    asyncio.run(hooking.switch(endpoint, paused=False, by=by))


@webhooks.command("rotate")
def rotate(endpoint: Id, by: By = None) -> None:
    """Give an endpoint another secret, and print it; the old one signs as well for a day."""
    from app.cli import hooking

    asyncio.run(hooking.rotate(endpoint, by=by))


@webhooks.command("replay")
def replay(
    endpoint: Id,
    delivery: Annotated[str | None, typer.Option(help="Only this one.", show_default=False)] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only those that died since: an age (30m, 2h, 3d) or a time.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Send again what was given up.

    [dim]runrelay webhooks replay 0198c0ffee0198c0ffee0198c0ffee55 --since 2d[/dim]
    """
    from app.cli import hooking

    asyncio.run(hooking.replay(endpoint, delivery, since))


@webhooks.command("deliveries")
def deliveries(
    endpoint: Id,
    state: Annotated[
        Literal["waiting", "delivered", "dead"] | None,
        typer.Option(help="Only those that stand so.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
) -> None:
    """List what was sent to an endpoint, is to be sent, and was given up: newest records first."""
    from app.cli import hooking

    asyncio.run(hooking.deliveries(endpoint, state, limit))
