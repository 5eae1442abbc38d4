"""`runrelay explain`: one generation on one page."""

from datetime import datetime
from urllib.parse import urlsplit

from rich.text import Text

from app.bootstrap import receivers
from app.cli import opening, speaking
from app.cli.settling import refusing
from app.clock import Clock
from app.usecases.explain import Explain, Explanation
from schemas.base import GenerationId
from schemas.debt import Debt
from schemas.generation import Generation

_COLOURS = {"webhook": "cyan", "us": "bold", "api": "magenta", "telegram": "green"}


async def explain(generation_id: str) -> None:
    """Print everything that is known of a generation."""
    with refusing():
        clock = Clock()
        async with opening.opened(opening.quietly_settled(), clock) as store:
            gather = Explain(store.generations, store.inbox, receivers())
            page = await gather(GenerationId(generation_id), clock.now())
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
        speaking.show(
            ("debt", "state", "tries", "next (UTC)", "last error"), map(_owed, generation.owed)
        )
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
        ("engine", f"{generation.engine}, deployment {request.deployment_id}"),
        ("inputs", inputs),
        ("run", f"{metadata.run_id or 'none'} (attempt {generation.attempt})"),
        ("user", metadata.user_id or ""),
        ("preset", metadata.preset or ""),
        ("labels", ", ".join(f"{name}={text}" for name, text in metadata.labels.items())),
        *outputs,
        ("error", generation.response_payload.error or ""),
        ("cost", page.cost),
        ("told", page.told),
        ("version", str(generation.version)),
    ]


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
    return url if not urlsplit(url).query else f"{url.partition('?')[0]}?..."
