"""The commands, their options and their help; what each does is in a module of its own."""

# ruff: noqa: PLC0415, FBT002, PLR0917 - a command loads what it needs and nothing else: help is
# quick, and the service starts sooner. Options are booleans with defaults; typer calls by name.

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli import jobs, money, office, webhooks

app = typer.Typer(
    name="runrelay",
    help="""Runs image and video generations on other people's engines and never loses one.

    Settings come from the environment and from [bold].env[/bold]; docs/configuration.md names
    them all. Without any, everything runs in a sandbox on this machine.

    [bold]First steps[/bold]

    runrelay serve                        [dim]in one terminal, then in another:[/dim]

    runrelay start --input prompt="a lighthouse at dusk" --wait

    runrelay explain ID                   [dim]what happened to it, and why[/dim]

    runrelay chat                         [dim]talk with the bot, as in Telegram[/dim]
    """,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
events = typer.Typer(
    help="What engines have told us: every webhook is kept as it came.", no_args_is_help=True
)
debts = typer.Typer(
    help="What is owed: everything that must still happen, and what was given up.",
    no_args_is_help=True,
)
presets = typer.Typer(
    help="What people can order by a name, and for how much.", no_args_is_help=True
)
_RUN = "Run"
_LOOK = "Look"
_MONEY = "Money"
_PEOPLE = "Administer"
_KEEP = "Keep"

app.add_typer(events, name="events", rich_help_panel=_LOOK)
app.add_typer(debts, name="debts", rich_help_panel=_LOOK)
app.add_typer(jobs.jobs, name="jobs", rich_help_panel=_LOOK)
app.add_typer(money.ledger, name="ledger", rich_help_panel=_MONEY)
app.add_typer(money.payments, name="payments", rich_help_panel=_MONEY)
app.add_typer(webhooks.webhooks, name="webhooks", rich_help_panel=_PEOPLE)
app.add_typer(presets, name="presets", rich_help_panel=_RUN)
app.add_typer(office.users, name="users", rich_help_panel=_PEOPLE)

Id = Annotated[str, typer.Argument(metavar="ID", help="A generation's id, 32 digits.")]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="An age (30m, 2h, 3d) or a time (2026-01-31T12:00:00Z).",
        show_default=False,
    ),
]


@app.command(rich_help_panel=_RUN)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; overrides HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks one. Overrides PORT.")] = None,
) -> None:
    """Start the service; Ctrl-C stops it.

    In sandbox mode, the default, stand-ins for the engines and Telegram start with it, and it
    prints a line to paste. With MODE=live it talks to the real ones.

    [dim]runrelay serve --port 8080[/dim]

    [dim]MODE=live runrelay serve --host 0.0.0.0[/dim]
    """
    from app.cli import serving

    serving.serve(host, port)


@app.command(rich_help_panel=_RUN)
def worker() -> None:
    """Start a worker beside the service; Ctrl-C stops it.

    It does what is owed, as `serve` does, and answers nobody. Start as many as
    you like, each in a terminal or container of its own: they share the work,
    and one that dies leaves nothing undone. With RUN_BACKGROUND=off `serve`
    leaves all of it to them; with REDIS_URL they are woken at once, and without
    it they look each second.

    It uses MONGODB_URI, or else the database of the `serve` on the same
    DATA_DIR, which has to run already; so do the stand-ins of sandbox mode.
    Each worker keeps its name in DATA_DIR/worker-1, worker-2, and so on.

    [dim]RUN_BACKGROUND=off runrelay serve      # in one terminal, then in others:[/dim]

    [dim]runrelay worker[/dim]
    """
    from app.cli import working

    working.worker()


@app.command(rich_help_panel=_RUN)
def doctor() -> None:
    """Check the settings, and that everything they name answers.

    Says what is wrong and what to do about it. It changes nothing, and may run beside the
    service. The exit code is 1 if anything failed.
    """
    from app.cli import doctoring

    raise typer.Exit(asyncio.run(doctoring.doctor()))


@app.command(rich_help_panel=_RUN)
def start(
    deployment: Annotated[
        str | None,
        typer.Option(metavar="UUID", help="What ComfyDeploy shall run; the sandbox needs none."),
    ] = None,
    workflow: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What ComfyUI shall run: a graph as it exports it for its API.",
            show_default=False,
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=TEXT",
            help="An input; NAME:=JSON for numbers, lists and the like. ComfyUI: NODE/FIELD=TEXT.",
        ),
    ] = None,
    chat: Annotated[int | None, typer.Option(help="The Telegram chat that is told.")] = None,
    rate: Annotated[
        str | None,
        typer.Option(metavar="USD/UNIT", help="What the engine costs: 0.000337/second, 0.02/run."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="Who shall run it: comfydeploy, comfyui or replicate.")
    ] = "comfydeploy",
    model: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Replicate: an official model.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Replicate: a version of a model, 64 hexadecimal digits.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Watch it until its end.")] = False,
) -> None:
    r"""Order a generation from the running service.

    Prints its id; with --wait, its life and then the addresses of what it made.
    The exit code is 1 if it ended otherwise than completed.

    [dim]runrelay start --deployment c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11 \
    --input prompt="a lighthouse at dusk" --input steps:=20 --chat 4711 \
    --rate 0.000337/second --wait[/dim]

    [dim]runrelay start --engine comfyui --workflow examples/workflows/t2i.json \
    --input 6/text="a lighthouse at dusk" --input 3/steps:=30 --wait[/dim]

    [dim]runrelay start --engine replicate --model black-forest-labs/flux-schnell \
    --input prompt="a lighthouse at dusk" --rate 0.003/run --wait[/dim]
    """
    from app.cli import ordering

    order = ordering.order(engine, inputs or [], chat, rate)
    what = ordering.what(engine, deployment, workflow, model, version)
    raise typer.Exit(asyncio.run(ordering.start({**order, **what}, wait=wait)))


@app.command(rich_help_panel=_RUN)
def chat(
    user: Annotated[int, typer.Option(help="Your Telegram id.", min=1)] = 1001,
    name: Annotated[str, typer.Option(help="Your first name.")] = "Ada",
    language: Annotated[str, typer.Option(help="The language of your app: en, ru, pt.")] = "en",
    group: Annotated[
        int | None,
        typer.Option(
            help="Talk in a group: any number below 0, from -100... a supergroup.",
            max=-1,
            show_default=False,
        ),
    ] = None,
    pause: Annotated[
        float, typer.Option(help="In a pipe: how long the bot is quiet when it is done.", min=0.0)
    ] = 1.0,
    patience: Annotated[
        float, typer.Option(help="In a pipe: the longest wait for it, in seconds.", min=0.0)
    ] = 30.0,
) -> None:
    r"""Talk with the bot of the running sandbox, as a person in Telegram does.

    A line is a message to the bot; what it sends, changes and answers is shown as it comes.

    [bold]#2[/bold] or [bold]2[/bold] taps button 2 of the latest message that has buttons,
    [bold]#Again[/bold] the latest that says so.

    [bold]@photo FILE CAPTION[/bold] sends a photo, [bold]@file FILE CAPTION[/bold] a file.

    [bold]@pay[/bold] pays the latest invoice. [bold]@as Bea 8 ru[/bold] lets somebody else speak.

    [bold]@help[/bold] lists the rest. Ctrl-D ends.

    What comes through a pipe is typed line by line, each once the bot has answered the one before.
    [bold]@wait Done[/bold] goes on when the bot has said so; the exit code is 1 if it does not.

    [dim]runrelay chat --language ru[/dim]

    [dim]printf '%s\n' /presets '#1' 'a lighthouse at dusk' '@wait Done' | runrelay chat[/dim]
    """
    from app.cli.chat import chatting
    from app.cli.chat.speakers import Speaker
    from app.cli.chat.talking import Patience

    speaker = Speaker(id=user, name=name, language=language)
    asyncio.run(chatting.chat(speaker, group, Patience(pause=pause, most=patience)))


@app.command(rich_help_panel=_LOOK)
def explain(generation: Id) -> None:
    """Show everything of one generation on one page, in the order it happened; or of a job.

    Its job and what that moved, its facts, what its engine told us and when, each change of
    status, what is still owed, how its cost came about, and who was told.

    [dim]runrelay explain 0198c0ffee0198c0ffee0198c0ffee01[/dim]
    """
    from app.cli import explaining

    asyncio.run(explaining.explain(generation))


@events.command("list")
def list_events(
    generation: Annotated[str | None, typer.Option(metavar="ID", help="Of this one only.")] = None,
    since: Since = None,
) -> None:
    """List what engines told us, oldest first; of the last hour unless told otherwise.

    [dim]runrelay events list --since 15m[/dim]
    """
    from app.cli import hearing

    asyncio.run(hearing.list_events(generation, since))


@events.command("replay")
def replay_events(
    generation: Annotated[str | None, typer.Option(metavar="ID", help="Of this one only.")] = None,
    since: Since = None,
) -> None:
    """Have stored events applied again, by the service, the way they were the first time.

    It does no harm: the same events in any order give the same record.

    [dim]runrelay events replay --generation 0198c0ffee0198c0ffee0198c0ffee01[/dim]

    [dim]runrelay events replay --since 2h[/dim]
    """
    from app.cli import hearing

    asyncio.run(hearing.replay(generation, since))


@debts.command("list")
def list_debts(
    dead: Annotated[bool, typer.Option("--dead", help="Only those that were given up.")] = False,
) -> None:
    """List what is owed: to whom, since when, how often it was tried, and the last error."""
    from app.cli import owing

    asyncio.run(owing.list_debts(only_dead=dead))


@debts.command("replay")
def replay_debts(
    generation: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Dead debts of this record ..."),
    ] = None,
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="... or this one, such as notify, alone.")
    ] = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="All there are.")] = False,
    since: Since = None,
) -> None:
    """Bring dead debts back to life: they are tried again at once, from the beginning.

    [dim]runrelay debts replay 0198c0ffee0198c0ffee0198c0ffee01 notify[/dim]

    [dim]runrelay debts replay --since 2h         # those that died since[/dim]

    [dim]runrelay debts replay --all-dead[/dim]
    """
    from app.cli import owing

    asyncio.run(owing.replay(generation, key, all_dead=all_dead, since=since))


@app.command(rich_help_panel=_LOOK)
def stuck(
    minutes: Annotated[
        int, typer.Option(min=1, max=100_000, help="For how long nothing has happened.")
    ] = 15,
) -> None:
    """Show what is open and has no news, and what is overdue and taken up by nobody.

    The exit code is 1 if there is any. `runrelay explain ID` says more of one.
    """
    from app.cli import owing

    asyncio.run(owing.stuck(minutes))


@app.command(rich_help_panel=_LOOK)
def servers(
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show the ComfyUI servers: whether each takes runs, its memory, its slots, and the line.

    The exit code is 1 if no server takes runs.

    [dim]runrelay servers[/dim]

    [dim]runrelay servers --json | jq '.line.waiting'[/dim]
    """
    from app.cli import overseeing

    raise typer.Exit(asyncio.run(overseeing.servers(as_json=as_json)))


@app.command(rich_help_panel=_LOOK)
def usage(
    since: Annotated[
        str,
        typer.Option(metavar="TIME", help="An age (12h, 7d) or a time (2026-01-31T12:00:00Z)."),
    ] = "7d",
    by: Annotated[
        Literal["class", "model", "server"], typer.Option(help="What to add up by.")
    ] = "class",
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Show what the nodes of runs took: which classes, models or servers the time went to.

    By model, a node counts for each model that its inputs name. It is kept for KEEP_USAGE_DAYS.

    [dim]runrelay usage --since 30d --by model[/dim]

    [dim]runrelay usage --by server --json | jq '.items[0]'[/dim]
    """
    from app.cli import using

    asyncio.run(using.usage(since, by, as_json=as_json))


app.command(rich_help_panel=_MONEY)(money.grant)
app.command(rich_help_panel=_MONEY)(office.refund)
for _each in (office.pause, office.resume, office.cap, office.spend):
    app.command(rich_help_panel=_PEOPLE)(_each)


@presets.command("load")
def load_presets(
    file: Annotated[Path, typer.Argument(help="A YAML file; docs/presets.md explains it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before loading.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Make inactive what is not in the file.")
    ] = False,
    no_check: Annotated[
        bool,
        typer.Option("--no-check", help="Do not ask the ComfyUI servers what workflows need."),
    ] = False,
) -> None:
    """Store the presets of a file: all of them, or none if anything is wrong.

    Shows what changes, and asks. Presets that are not in the file are left alone, unless
    --prune is given. The service sees the new ones at once.

    Workflows are compared with what the ComfyUI servers have: one that no server which
    answers can run is not loaded.

    [dim]runrelay presets load examples/presets.yaml[/dim]

    [dim]runrelay presets load examples/comfyui.yaml[/dim]
    """
    from app.cli import presetting

    asyncio.run(presetting.load(file, prune=prune, ask=not yes, check=not no_check))


@presets.command("list")
def list_presets() -> None:
    """List all presets: their prices, who may use them, and how each is to be ordered."""
    from app.cli import presetting

    asyncio.run(presetting.list_presets())


@app.command(rich_help_panel=_KEEP)
def indexes() -> None:
    """Make the database's indexes; `serve` does so at every start."""
    from app.cli import keeping

    asyncio.run(keeping.indexes())


@app.command(rich_help_panel=_KEEP)
def migrate() -> None:
    """Bring the database to the shape that this version reads."""
    from app.cli import keeping

    asyncio.run(keeping.migrate())


@app.command(rich_help_panel=_KEEP)
def backup(
    file: Annotated[Path, typer.Argument(help="Where to; replaced once the new one is complete.")],
) -> None:
    """Write the whole database, as it is at one moment, to a file. The service may go on.

    [dim]runrelay backup runrelay-$(date +%F).backup[/dim]
    """
    from app.cli import keeping

    asyncio.run(keeping.backup(file))


@app.command(rich_help_panel=_KEEP)
def restore(
    file: Annotated[Path, typer.Argument(help="A file made by `runrelay backup`.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Throw away what the database holds now.")
    ] = False,
) -> None:
    """Make the database what a backup holds. Stop every service on it first.

    The file is read through before anything is touched.

    [dim]runrelay restore runrelay-2026-01-31.backup --replace[/dim]
    """
    from app.cli import keeping

    asyncio.run(keeping.restore(file, replace=replace))
