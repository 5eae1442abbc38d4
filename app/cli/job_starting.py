"""`runrelay jobs start`: order what a file says, watch it, go on with it, order steps again."""

import asyncio
import mimetypes
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from app.cli import job_file, job_watching, opening, preset_file, speaking
from app.cli.calling import Json, call, reaching
from app.cli.job_file import JobFile
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.errors import SetupError
from app.settings import Settings
from app.usecases.load_presets import LoadPresets

JOBS: Final = "/api/jobs"
SOMEBODY: Final = {"telegramId": 1001, "firstName": "Ada"}
"""Who orders in a sandbox: whom `runrelay chat` speaks for."""
ENOUGH: Final = Decimal(1000)
"""Credits that they have at least."""

_OUR_ID: Final = re.compile(r"[0-9a-f]{32}")
_TYPE: Final = "application/octet-stream"


class Wish(NamedTuple):
    """What somebody wants of an order besides what its file says.

    Attributes:
        inputs: As `job_file.put` takes them.
        user: Who pays: our own id, or a Telegram id; None in a sandbox, for somebody with credits.
        chat: The Telegram chat that is told.
        manual: Whether it waits for a word after each step.
        wait: Whether it is watched.
    """

    inputs: Sequence[str] = ()
    user: str | None = None
    chat: int | None = None
    manual: bool = False
    wait: bool = False


async def start(path: Path, wish: Wish) -> int:
    """Order what a file says; return the exit code."""
    with refusing():
        file, settings = job_file.read(path), opening.quietly_settled()
        job_file.put(file, wish.inputs)
        if wish.user is None and settings.live:
            raise SetupError(["--user: is missing: whose credits pay for it"])
        async with reaching(settings) as client:
            user = await _payer(client, wish.user)
            if not settings.live:
                await _load(settings, file.presets)
            body = await _body(client, file, wish, user)
            job = await call(client, "POST", f"{JOBS}/create", body)
            speaking.say(job["id"])
            return await left(client, job, wait=wish.wait)


async def go_on(job_id: str, step: int | None, *, wait: bool) -> int:
    """Let a job go on that waits for a word; return the exit code."""
    with refusing():
        async with reaching(opening.quietly_settled()) as client:
            pause = (await call(client, "GET", f"{JOBS}/{job_id}"))["pause"]
            if step is None and pause is None:
                refuse([f"job {job_id} does not wait for a word"])
            after = {"step": pause["step"] if step is None else step}
            job = await call(client, "POST", f"{JOBS}/{job_id}/continue", after)
            return await left(client, job, wait=wait)


async def retry(job_id: str, step: int, *, wait: bool) -> int:
    """Order a step again, with all that comes after it; return the exit code."""
    with refusing():
        async with reaching(opening.quietly_settled()) as client:
            job = await call(client, "POST", f"{JOBS}/{job_id}/retry", {"step": step})
            speaking.say(job["id"])
            return await left(client, job, wait=wait)


async def left(client: httpx.AsyncClient, job: Json, *, wait: bool) -> int:
    """Watch a job, if somebody waits for it; who goes away is told how to look again."""
    if not wait:
        return 0
    try:
        return await job_watching.watch(client, job, speaking.console())
    except asyncio.CancelledError:
        speaking.say(f"\nIt goes on without you; look again: runrelay jobs show {job['id']}")
        raise


async def _payer(client: httpx.AsyncClient, named: str | None) -> str:
    """Return our id of whoever pays."""
    if named is not None and _OUR_ID.fullmatch(named):
        return named
    if named is not None:
        found = await call(client, "GET", f"/api/users/by-telegram-id/{named}")
        return found["id"]
    user = await call(client, "POST", "/api/users/register", SOMEBODY)
    if Decimal(user["balance"]) < ENOUGH:
        grant = {"amount": str(ENOUGH), "reason": "to try things in the sandbox"}
        await call(client, "POST", f"/api/users/{user['id']}/grant", grant)
    return user["id"]


async def _load(settings: Settings, files: Sequence[Path]) -> None:
    """Store those presets of some files that are not stored: a sandbox needs no other command."""
    if not files:
        return
    clock = Clock()
    async with opening.opened(settings, clock) as store:
        loader = LoadPresets(store.presets, store.workflows, clock)
        for file in files:
            written = preset_file.read(file)
            known = {each.name for each in await store.presets.all()}
            new = [each for each in written.presets if each.name not in known]
            written.refuse(await loader.misfits(new))
            changes = await loader.plan(new, prune=False)
            raw = {digest: each.raw for digest, each in written.workflows.items()}
            await loader.commit(changes, raw)
            if new:
                speaking.say(f"loaded from {file}: {', '.join(each.name for each in new)}", "dim")


async def _body(client: httpx.AsyncClient, file: JobFile, wish: Wish, user: str) -> Json:
    """Return the order as the API takes it, its pictures given beforehand."""
    names = {each: await _given(client, each, user) for each in dict.fromkeys(file.pictures())}
    body: Json = {**file.with_pictures(names), "user": user}
    if wish.manual:
        body["manual"] = True
    if wish.chat is not None:
        body["notify"] = {"telegramChatId": wish.chat}
    return body


async def _given(client: httpx.AsyncClient, path: Path, user: str) -> str:
    """Give a picture; return the service's name of it."""
    try:
        raw = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise SetupError([f"{path}: cannot be read: {error.strerror}"]) from None
    kind = mimetypes.guess_type(path.name)[0] or _TYPE
    taken = await call(client, "POST", f"/api/images?user={user}", file=(raw, kind))
    return taken["id"]
