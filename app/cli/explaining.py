"""`runrelay explain`: one generation on one page, or one job."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from rich.text import Text

from app.bootstrap import Store, receivers
from app.cli import opening, speaking, stepping
from app.cli.settling import refusing
from app.clock import Clock
from app.usecases.explain import Explain, Explanation, movement_of
from schemas.base import plain
from schemas.debt import Debt
from schemas.generation import Generation, Request
from schemas.job import Job
from schemas.ledger import Entry
from schemas.run import DATA, RunStatus

_COLOURS = {"webhook": "cyan", "us": "bold", "api": "magenta", "telegram": "green"}
_OWED: Final = ("debt", "state", "tries", "next (UTC)", "last error")


def gathering(store: Store) -> Explain:
    """Return what finds out all that a database knows of a generation or a job."""
    return Explain(
        store.generations,
        store.jobs,
        store.ledger,
        store.inbox,
        receivers(),
        deliveries=store.deliveries,
    )


async def explain(named: str) -> None:
    """Print everything that is known of a generation, or of a job and its generations."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            gather = gathering(store)
            story = await gather(named, clock.now())
    if story.job is not None:
        _job(story.job, story.entries)
        if story.job.id == named or len(story.job.steps) > 1:
            speaking.say("Steps", "bold")
            stepping.show(story.job, story.made)
            speaking.say("")
    for page in story.pages:
        _page(page)


def _job(job: Job, entries: Sequence[Entry]) -> None:
    speaking.say(f"Job {job.id}", "bold")
    price = "not known yet" if job.price is None else f"{plain(job.price)} credits"
    chat = f"chat {job.chat.telegram_chat_id}" if job.chat else "nobody"
    told = f"{job.told.status.value}, to {chat}" if job.told else f"nothing yet, to {chat}"
    rows = (
        ("status", ", ".join(filter(None, (job.status.value, job.status_reason)))),
        ("ordered", f"{speaking.clock(job.created_at)} UTC by {job.by}"),
        ("user", job.user_id),
        ("preset", ", ".join(each.preset for each in job.steps)),
        ("held", f"{plain(job.held)} credits"),
        ("price", price),
        ("told", told),
        ("version", str(job.version)),
    )
    for name, value in rows:
        speaking.say(f"  {name:<10} {value}")
    if entries:
        speaking.say("\nWhat was moved", "bold")
        speaking.show(("at (UTC)", "key", "what", "balance", "by"), map(_moved, entries))
    if job.owed:
        speaking.say("\nWhat the job owes", "bold")
        speaking.show(_OWED, map(_owed, job.owed))
    speaking.say("")


def _moved(entry: Entry) -> tuple[str, ...]:
    what = movement_of(entry)
    return speaking.clock(entry.at), entry.key, what, plain(entry.balance), entry.by


def _page(page: Explanation) -> None:
    _facts(page)
    generation = page.generation
    speaking.say("\nWhat happened", "bold")
    speaking.show(
        ("at (UTC)", "after", "who", "what"),
        (
            (
                Text(speaking.clock(each.at)[11:], style="dim"),
                _since(generation, each.at),
                Text(each.who, style=_COLOURS.get(each.who, "yellow")),
                each.what,
            )
            for each in page.moments
        ),
    )
    speaking.say("\nWhat is owed", "bold")
    if generation.owed:
        speaking.show(_OWED, map(_owed, generation.owed))
    else:
        speaking.say("nothing")


def _facts(page: Explanation) -> None:
    generation = page.generation
    speaking.say(f"Generation {generation.id}", "bold")
    for name, value in _rows(page):
        if value:
            speaking.say(f"  {name:<10} {value}")


def _rows(page: Explanation) -> list[tuple[str, str]]:
    generation = page.generation
    request, metadata = generation.request_payload, generation.metadata
    inputs = ", ".join(f"{name}={_short(value)}" for name, value in request.inputs.items())
    outputs = [
        ("output", f"{each.kind.value} {_address(each.url) if each.url else _short(each.text)}")
        for each in generation.response_payload.outputs
    ]
    return [
        ("status", _status(generation)),
        ("ordered", f"{speaking.clock(generation.created_at)} UTC"),
        ("engine", f"{generation.engine}, {_asked(request)}"),
        ("inputs", inputs),
        ("run", _run(generation)),
        ("waits", _waits(generation)),
        *(("warning", each) for each in generation.warnings),
        ("user", metadata.user_id or ""),
        ("preset", metadata.preset or ""),
        ("labels", ", ".join(f"{name}={text}" for name, text in metadata.labels.items())),
        *outputs,
        ("error", generation.response_payload.error or ""),
        ("cost", page.cost),
        ("price", _price(generation)),
        ("told", page.told),
        ("version", str(generation.version)),
    ]


def _asked(request: Request) -> str:
    if request.workflow is not None:
        return f"workflow {request.workflow}"
    if request.version is not None:
        return f"version {request.version}"
    if request.model is not None:
        return f"model {request.model}"
    return f"deployment {request.deployment_id}"


def _run(generation: Generation) -> str:
    """Say which run it is by now, which of how many tries, and where that is."""
    most = f" of {generation.max_attempts}" if generation.max_attempts > 1 else ""
    server = generation.runs[-1].server if generation.runs else None
    at = f", at {generation.slot or server}" if generation.slot or server else ""
    return f"{generation.metadata.run_id or 'none'} (attempt {generation.attempt}{most}){at}"


def _waits(generation: Generation) -> str:
    """Say how a generation waits for a server, as long as it does."""
    parts = list[str]()
    if generation.status is RunStatus.PENDING and generation.queue_position is not None:
        parts.append(f"place {generation.queue_position} in the line")
        if generation.expected_start_at is not None:
            clock = speaking.clock(generation.expected_start_at)
            parts.append(f"expected to begin {clock} UTC")
    if generation.priority:
        parts.append(f"priority {generation.priority}")
    return ", ".join(parts)


def _price(generation: Generation) -> str:
    if generation.price is None:
        return ""
    return f"{plain(generation.price)} credits ({generation.price_reason})"


def _status(generation: Generation) -> str:
    parts = [generation.status.value]
    if generation.ended:
        parts.append("said by the engine" if generation.ended_by == "engine" else "said by us")
        if generation.confirmed is False:
            parts.append("which the engine has not confirmed")
    else:
        parts.append(f"{generation.progress:.0%}")
    if generation.status_reason:
        parts.append(generation.status_reason)
    return ", ".join(parts)


def _owed(debt: Debt) -> tuple[str, str, str, str, str]:
    return (
        debt.key,
        speaking.state(debt),
        str(debt.attempts),
        "" if debt.dead_at else speaking.clock(debt.next_at),
        debt.last_error or "",
    )


def _since(generation: Generation, at: datetime) -> Text:
    seconds = (at - generation.created_at).total_seconds()
    return Text(f"{seconds:8.1f} s", style="dim")


def _short(value: object, most: int = 80) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _address(url: str) -> str:
    """An output's address; of one that is signed, the signature is left out: it is a key."""
    if url.startswith(DATA):
        return f"{url.partition(',')[0]},..."
    return url if not urlsplit(url).query else f"{url.partition('?')[0]}?..."
