"""How a job goes, drawn on a terminal as it changes; a pipe is told each change in a line."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import httpx
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.cli import speaking
from app.cli.calling import Json, call
from app.cli.ordering import PAUSE, standing
from app.clock import Clock
from app.observability.terminal import printable
from schemas.base import plain
from schemas.job import JOB_OPEN
from schemas.run import TERMINAL

WIDTH: Final = 24
"""Cells of a bar."""
LAST_LOOKS: Final = 25
"""How often it is looked whether what was made last has been copied."""
WAITS: Final = 3
"""The exit code of a job that waits for somebody's word."""

_STYLES: Final = {"completed": "green", "failed": "red", "timeout": "red", "cancelled": "yellow"}


class Part(NamedTuple):
    """One thing that is made, as somebody is shown it.

    Attributes:
        name: As in ``step 2 of 3, 1 of 4``.
        preset: What is made.
        status: Of its run.
        progress: From 0 to 1.
        facts: What more there is to say: its place in a queue, what it took and cost.
        made: Addresses, or texts.
    """

    name: str
    preset: str
    status: str
    progress: float
    facts: tuple[str, ...]
    made: tuple[str, ...]


def parts(job: Json, base: str, now: datetime) -> tuple[Part, ...]:
    """Return what a job is made of, as somebody is shown it.

    Args:
        job: As the API shows it, with its generations.
        base: Where the service is: our copies are there.
        now: The time.
    """
    made = {each["id"]: each for each in job["generations"]}
    return tuple(_part(job, each, made.get(each["generation"]), base, now) for each in job["steps"])


def total(job: Json) -> str:
    """Say what a job came to, in one line."""
    costs = [each["costUsd"] for each in job["steps"] if each["costUsd"] is not None]
    said = [job["status"]]
    if costs:
        said.append(f"cost {plain(sum(map(Decimal, costs), Decimal(0)))} USD")
    said.append("price not known yet" if job["price"] is None else _credits(job["price"]))
    if job["statusReason"]:
        said.append(job["statusReason"])
    return ", ".join(said)


async def watch(
    client: httpx.AsyncClient, job: Json, console: Console, *, every: float = PAUSE
) -> int:
    """Show how a job goes until it ends, or waits for a word; return the exit code.

    Args:
        client: Of the service.
        job: Which job, as the API shows it.
        console: Where it is drawn, or told.
        every: Seconds between two looks.
    """
    clock, base = Clock(), str(client.base_url).rstrip("/")
    told, looks = set[str](), LAST_LOOKS
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            job = await call(client, "GET", f"/api/jobs/{job['id']}")
            shown = parts(job, base, clock.now())
            if console.is_terminal:
                _point(console, shown, told)
                live.update(_drawn(shown), refresh=True)
            else:
                _tell(shown, told)
            over = job["status"] not in JOB_OPEN
            looks -= over
            if job["pause"] is not None or (over and (_copied(job) or not looks)):
                break
            await asyncio.sleep(every)
    if console.is_terminal:
        console.print(_drawn(shown))
    return _over(job)


def _copied(job: Json) -> bool:
    """Return whether there is nothing more to be copied of what was made."""
    return all(
        each["mediaUrl"] or each["notKept"] or not each["url"]
        for record in job["generations"]
        for each in record["responsePayload"]["outputs"]
    )


def _over(job: Json) -> int:
    if job["pause"] is None:
        speaking.say(total(job))
        return 0 if job["status"] == "completed" else 1
    after = job["pause"]["step"]
    speaking.say(
        f"step {after} is done; it waits for your word: runrelay jobs continue {job['id']}"
    )
    return WAITS


def _part(job: Json, step: Json, record: Json | None, base: str, now: datetime) -> Part:
    items = sum(each["number"] == step["number"] for each in job["steps"])
    name = f"step {job['first'] - 1 + step['number']} of {job['of']}"
    return Part(
        name=f"{name}, {step['item']} of {items}" if items > 1 else name,
        preset=step["preset"],
        status=step["status"] or "pending",
        progress=step["progress"] or 0.0,
        facts=() if record is None else tuple(_facts(step, record, now)),
        made=() if record is None else tuple(_made(record, base)),
    )


def _facts(step: Json, record: Json, now: datetime) -> Iterator[str]:
    yield from standing(record, now)
    if record["statusReason"]:
        yield record["statusReason"]
    if record["durationSeconds"] is not None and record["status"] in TERMINAL:
        yield f"in {record['durationSeconds']:.1f} s"
    if step["costUsd"] is not None:
        yield f"cost {step['costUsd']} USD"
    if step["price"] is not None:
        yield _credits(step["price"])


def _credits(amount: str) -> str:
    number = f"{Decimal(amount).normalize():f}"
    return f"{number} credit" if number == "1" else f"{number} credits"


def _made(record: Json, base: str) -> Iterator[str]:
    """Yield what a run made: our copies, or texts; what cannot be copied by its own address."""
    for each in record["responsePayload"]["outputs"]:
        copy = each["mediaUrl"]
        if copy is not None:
            yield copy if copy.startswith("http") else f"{base}{copy}"
        elif each["text"] or each["notKept"]:
            yield each["text"] or each["url"] or ""


def _drawn(shown: tuple[Part, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for each in shown:
        style = _STYLES.get(each.status, "")
        bar = ProgressBar(total=1.0, completed=_filled(each), width=WIDTH)
        said = ", ".join((each.status, *each.facts))
        table.add_row(each.name, each.preset, bar, speaking.safe(said, style))
    return table


def _point(console: Console, shown: tuple[Part, ...], told: set[str]) -> None:
    """Print where to find what has been made, above what is drawn: once, and not folded."""
    for each in shown:
        for made in each.made:
            line = f"{each.name}: {made}"
            if line not in told:
                told.add(line)
                # Whoever ordered it gets the whole address, its signature included.
                console.print(Text(printable(line)), soft_wrap=True)


def _tell(shown: tuple[Part, ...], told: set[str]) -> None:
    """Print what has not been printed yet."""
    for each in shown:
        # What it cost is known a moment after its end: that is one line, not two.
        ends = each.status in TERMINAL
        if ends and not any(fact.endswith(("credit", "credits")) for fact in each.facts):
            continue
        said = (
            f"{each.name}  {each.preset}  {', '.join((each.status, *(each.facts if ends else ())))}"
        )
        for line in (said, *(f"    {made}" for made in each.made if ends)):
            if line not in told:
                told.add(line)
                # Whoever ordered it gets the whole address, its signature included.
                print(printable(line))


def _filled(part: Part) -> float:
    return 1.0 if part.status == "completed" else part.progress
