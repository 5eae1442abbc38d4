"""`runrelay start`: order a generation from the running service, and watch it."""

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli import speaking
from app.cli.calling import Json, call, reaching
from app.cli.settling import refuse, refusing, settled
from app.clock import Clock
from app.errors import SetupError
from app.observability.terminal import printable
from processors.notifications.texts import Language, Voice, english, roughly
from schemas.run import TERMINAL

PAUSE: Final = 0.4
"""Seconds between two looks."""
ANY: Final = "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11"
"""A deployment for the sandbox, which takes any."""
WORKFLOWS: Final = "comfyui"
"""The engine that is sent what it shall run."""
MODELS: Final = "replicate"
"""The engine that is told which model to run."""

ENGLISH: Final = Voice(Language.ENGLISH, english)
"""What this command speaks."""
_FILE_MOST: Final = 1_048_576
_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)/(second|minute|hour|run)")

_NAMED: Final = frozenset({"deployment_id", "workflow", "deployment", "model", "version"})
"""What an order may say of what is run."""


def order(engine: str, inputs: Sequence[str], chat: int | None, rate: str | None) -> Json:
    """Return the body of an order but for what is run; what makes no sense is refused."""
    metadata = Json()
    if chat is not None:
        metadata["telegramChatId"] = chat
    if rate is not None:
        found = _RATE.fullmatch(rate)
        if found is None:
            refuse([f"--rate: {rate} is not an amount and a unit, as in 0.000337/second"])
        metadata["costRate"] = {"amount": found[1], "currency": "USD", "unit": found[2]}
    return {
        "engine": engine,
        "inputs": dict(map(_input, inputs)),
        "metadata": metadata,
    }


def what(
    engine: str,
    deployment: str | None,
    workflow: Path | None,
    model: str | None = None,
    version: str | None = None,
) -> Json:
    """Return what an order says of what is run: nothing where the sandbox shall take any."""
    if engine == MODELS:
        return _model(deployment, workflow, model, version)
    if model is not None or version is not None:
        refuse([f"--model, --version: are for {MODELS}, not for {engine}"])
    if engine != WORKFLOWS:
        if workflow is not None:
            refuse([f"--workflow: is for {WORKFLOWS}; {engine} runs a --deployment"])
        return {} if deployment is None else {"deployment_id": deployment}
    if deployment is not None:
        refuse([f"--deployment: is for others; {engine} runs a --workflow"])
    if workflow is None:
        refuse(["--workflow: is missing; in ComfyUI's menu it is Workflow, Export (API)"])
    return {"workflow": _graph(workflow)}


def _graph(workflow: Path) -> Json:
    try:
        with workflow.open("rb") as file:
            return json.loads(file.read(_FILE_MOST))
    except OSError as error:
        refuse([f"--workflow: {workflow}: cannot be read: {error.strerror}"])
    except (ValueError, RecursionError):
        refuse([f"--workflow: {workflow}: is not JSON, or larger than 1 MiB"])


def _model(
    deployment: str | None, workflow: Path | None, model: str | None, version: str | None
) -> Json:
    if workflow is not None:
        refuse([f"--workflow: is for {WORKFLOWS}, not for {MODELS}"])
    named = {"deployment": deployment, "model": model, "version": version}
    given = {name: text for name, text in named.items() if text is not None}
    if len(given) != 1:
        refuse([f"--model, --version, --deployment: {MODELS} is given one of them"])
    return dict(given)


async def start(body: Json, *, wait: bool) -> int:
    """Order it; return the exit code."""
    with refusing():
        settings = settled()
        if settings.live and body.keys().isdisjoint(_NAMED):
            raise SetupError(["--deployment: is missing; ComfyDeploy shows a deployment's UUID"])
        ordered = {"deployment_id": ANY, **body} if body.keys().isdisjoint(_NAMED) else body
        async with reaching(settings) as client:
            record = await call(client, "POST", "/api/generations", ordered)
            speaking.say(record["id"])
            if not wait:
                return 0
            record = await _watched(client, record)
    return _told(record)


def standing(record: Json, now: datetime) -> tuple[str, ...]:
    """Say where in the line a record stands, how long it may wait, and which try it is."""
    parts = list[str]()
    place, expected = record.get("queuePosition"), record.get("expectedStartAt")
    if place is not None:
        parts.append(f"place {place} in the queue")
    if place is not None and expected is not None:
        wait = (datetime.fromisoformat(expected) - now).total_seconds()
        if wait > 0:
            parts.append(f"about {roughly(ENGLISH, wait)}")
    if record["attempt"] > 1 and record["status"] not in TERMINAL:
        parts.append(f"attempt {record['attempt']} of {record['maxAttempts']}")
    return tuple(parts)


async def _watched(client: httpx.AsyncClient, record: Json) -> Json:
    """Show a generation's life until it ends; return the record at the end."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[live]}", style="dim", markup=False),
    )
    console = speaking.console_of_errors()
    told = ""
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(record["status"], total=1.0, live="")
        while True:
            status, waits = record["status"], standing(record, Clock().now())
            news = ", ".join((status, *waits))
            if not console.is_terminal and news != told:
                console.print(news, markup=False)
            told = news
            live = printable(", ".join((*waits, record["liveStatus"] or "")).rstrip(", "))
            bars.update(task, description=status, completed=record["progress"], live=live)
            if status in TERMINAL:
                return record
            await asyncio.sleep(PAUSE)
            record = await call(client, "GET", f"/api/generations/{record['id']}")


def _told(record: Json) -> int:
    """Print how it ended; return the exit code."""
    parts = [record["status"]]
    if record["durationSeconds"] is not None:
        parts.append(f"in {record['durationSeconds']:.1f} s")
    if record["costUsd"] is not None:
        parts.append(f"cost {record['costUsd']} USD")
    if record["statusReason"]:
        parts.append(record["statusReason"])
    if record["attempt"] > 1:
        parts.append(f"after {record['attempt']} attempts")
    speaking.say(", ".join(parts))
    for each in record["warnings"]:
        speaking.say(f"warning: {each}")
    for output in record["responsePayload"]["outputs"]:
        # Whoever ordered it gets the whole address, its signature included.
        print(printable(output["url"] or output["text"] or ""))
    return 0 if record["status"] == "completed" else 1


def _input(given: str) -> tuple[str, Any]:
    name, equals, text = given.partition("=")
    if not equals or not name.removesuffix(":"):
        refuse([f"--input: {given} is not NAME=TEXT or NAME:=JSON"])
    if not name.endswith(":"):
        return name, text
    try:
        return name[:-1], json.loads(text)
    except ValueError:
        refuse([f"--input: what stands behind {name}= is not JSON; for text, leave out the colon"])
