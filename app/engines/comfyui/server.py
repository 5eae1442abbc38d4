"""One ComfyUI server over HTTP: a thin client. What its answers mean is in processors.protocols."""

import asyncio
from collections.abc import AsyncIterable, Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from app.engines.calling import Answer, Caller
from app.engines.forms import FileForm
from app.errors import (
    PeerBusyError,
    PeerDownError,
    PeerLostError,
    PeerRefusedError,
    PeerSilentError,
    PeerStrangeError,
    PeerUnknownError,
)
from app.observability.logs import scrub
from app.observability.metrics import Metrics
from processors.errors import RefusedBodyError
from processors.protocols import comfyui
from processors.protocols.comfyui import Accepted, Queue, Stats, Workflow, uploading, versions
from schemas.base import RunId
from schemas.run import RunReport, RunStatus
from schemas.server import ServerSettings
from schemas.timing import Timing

T = TypeVar("T")

LARGE: Final = 64 * 1024 * 1024
"""Bytes of answers that hold other people's workflows, results in text, or every node there is."""
QUESTIONS: Final = 3
"""Questions about runs that one server is asked at a time; a slow one gets no faster by more."""
UPLOADS: Final = 2
"""Files that one server is sent at a time."""
ASIDE: Final = 256 * 1024
"""Bytes of an answer above which it is read in a thread: everything else would wait for it."""
_JSON: Final = {"Content-Type": "application/json"}
_NOTHING_BEHIND: Final = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
"""What proxies answer for a server that does not (RFC 9110); ComfyUI itself answers 500 alone."""
_NOT_HERE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
"""What a server answers to a way of cancelling that it does not have."""


class ComfyServer:
    """One server. Every method may raise a PeerError, whose peer is ``comfyui:{name}``.

    Questions about runs wait for each other, and so do files. How it stands is asked, and runs
    are sent and stopped, past both: a server that is slow to answer is not to be taken for dead.

    Attributes:
        name: The server's, unique.
        peer: What it is called in errors.
        slots: Runs that it is given at a time.
        base: Its address, without a slash at the end: files of its runs are fetched below it.
        metrics: Where calls are counted, and whatever else is to be counted of it.

    Args:
        client: The shared client; it follows no redirects and reads no environment.
        settings: The server.
        timing: How long to wait for answers.
        metrics: Where calls are counted.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        settings: ServerSettings,
        *,
        timing: Timing,
        metrics: Metrics,
    ) -> None:
        self.name = settings.name
        self.peer = f"{comfyui.NAME}:{settings.name}"
        self.slots = settings.slots
        self.base = settings.url
        self.metrics = metrics
        self._timing = timing
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._caller = Caller(
            client,
            peer=self.peer,
            url=settings.url,
            headers=headers,
            metrics=metrics,
        )
        self._questions = asyncio.Semaphore(QUESTIONS)
        self._uploads = asyncio.Semaphore(UPLOADS)
        self._version: str | None = None

    async def stats(self) -> Stats:
        """Return how it stands, and remember its version.

        Raises:
            PeerDownError: Among other things: it is too old to be given runs.
        """
        limit = self._timing.health_limit
        answer = await self._call("stats", "GET", "/system_stats", limit)
        stats = await self._understood(answer, comfyui.stats)
        self._version = stats.version
        if versions.is_too_old(stats.version):
            raise PeerDownError(
                self.peer, f"is ComfyUI {stats.version}, and must be {versions.OLDEST} or newer"
            )
        return stats

    async def remaining(self) -> int:
        """Return how many runs it has in its queue, whoever's they are."""
        answer = await self._call("remaining", "GET", "/prompt", self._timing.health_limit)
        return await self._understood(answer, comfyui.remaining)

    async def queue(self) -> Queue:
        """Return what it has to do."""
        return await self._queue(self._questions)

    async def history(self, run_id: RunId) -> RunReport | None:
        """Return how a run ended; None where it is not over, or not there."""
        path = f"/history/{quote(run_id, safe='')}"
        return await self._understood(
            await self._read("history", path, self._questions),
            lambda raw: comfyui.report(raw, run_id, self.base),
        )

    async def read(self, run_id: RunId) -> RunReport:
        """Return how a run stands.

        Most are asked about when they are over, so history comes first. What is not in it is lost
        only if it is not there after the queue either: a run goes from there into history at
        once, and one that went between two questions in the other order would be in neither.

        Raises:
            PeerLostError: It is in neither.
        """
        over = await self.history(run_id)
        if over is not None:
            return over
        queue = await self.queue()
        if run_id in queue.running:
            return RunReport(run_id=run_id, status=RunStatus.RUNNING)
        if run_id in queue.pending:
            place = queue.pending.index(run_id) + 1
            return RunReport(run_id=run_id, status=RunStatus.QUEUED, queue_position=place)
        over = await self.history(run_id)
        if over is None:
            raise PeerLostError(self.peer, "has that run neither in its queue nor in its history")
        return over

    async def prompt(self, workflow: Workflow, run_id: RunId, client_id: str) -> Accepted:
        """Send a prompt, once; the same id sent again would run again.

        Args:
            workflow: What to run, its inputs bound.
            run_id: The prompt's id, made by us.
            client_id: Whose socket is to hear of it.

        Raises:
            PeerRefusedError: It will not run this; says why, for a person.
            PeerBusyError: Surely not taken.
            PeerDownError: Surely not taken, and nothing else would be.
            PeerUnknownError: It may have been taken.
        """
        body = comfyui.submission(workflow, run_id, client_id)
        limit = self._timing.submit_limit
        answer = await self._call("prompt", "POST", "/prompt", limit, content=body, headers=_JSON)
        if answer.status == HTTPStatus.BAD_REQUEST:
            said = await _read(answer.content, lambda raw: comfyui.refusal(raw, workflow))
            said = scrub(said)
            raise PeerRefusedError(self.peer, said or "refused the workflow without a word")
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise PeerRefusedError(self.peer, "the workflow is larger than it takes")
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerUnknownError(self.peer, f"answered {answer.status} to a prompt")
        try:
            return await _read(
                self._good(answer), lambda raw: comfyui.accepted(raw, run_id, workflow)
            )
        except RefusedBodyError as error:
            raise PeerUnknownError(
                self.peer, f"did not answer that it took the prompt ({error})"
            ) from error

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """Upload a file; return the value that stands for it in inputs: ``folder/name``.

        The same name with the same bytes is stored once. What `content` raises goes on to the
        caller.

        Args:
            name: Its name, unique, with an extension that says what it is.
            content: The file, read once.
            size: Its bytes.
            content_type: Its media type.

        Raises:
            PeerRefusedError: The server does not take it.
        """
        form = FileForm(
            uploading.name_of(name),
            content_type,
            size,
            field=uploading.FIELD,
            texts={"subfolder": uploading.FOLDER},
        )
        answer = await self._call(
            "upload",
            "POST",
            "/upload/image",
            self._timing.upload_limit,
            content=form.around(content),
            headers=form.headers,
            room=self._uploads,
        )
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise PeerRefusedError(self.peer, "a file is larger than it takes")
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise PeerRefusedError(self.peer, "does not take such a file")
        return await self._understood(answer, uploading.uploaded)

    def fetches(self, size: int) -> bool:
        """Return that it fetches nothing: it is sent every file, whatever its bytes."""
        del size
        return False

    async def cancel(self, run_id: RunId) -> None:
        """Stop a run that it works on, or take one out that waits; never anybody else's.

        A run that it does not have is no error. A server heeds a stop when the next node begins,
        and one that has just taken the run up may not heed it at all, so this can be repeated.
        """
        version = self._version or (await self.stats()).version
        ways = versions.ways(version)
        if ways.by_job and await self._cancelled_job(run_id):
            return
        queue = await self._queue(None)
        if run_id in queue.pending:
            await self._post("cancel", "/queue", {"delete": [run_id]})
            # It may have begun meanwhile; then nothing was deleted.
            queue = await self._queue(None)
        if run_id in queue.running and (ways.by_id or queue.running == (run_id,)):
            # The id comes to nothing at servers that stop whatever runs, which is this one.
            await self._post("cancel", "/interrupt", {"prompt_id": run_id})

    async def object_info(self) -> Mapping[str, JsonValue]:
        """Return what nodes it has, by class, and what their inputs may be."""
        limit = self._timing.object_info_limit
        answer = await self._call("nodes", "GET", "/object_info", limit, limit_bytes=LARGE)
        return await self._understood(answer, comfyui.decoded)

    async def _queue(self, room: asyncio.Semaphore | None) -> Queue:
        return await self._understood(await self._read("queue", "/queue", room), comfyui.queue)

    async def _cancelled_job(self, run_id: RunId) -> bool:
        """Cancel it as a job; return whether the server knows jobs."""
        path = f"/api/jobs/{quote(run_id, safe='')}/cancel"
        answer = await self._call("cancel", "POST", path, self._timing.call_limit)
        if answer.status in _NOT_HERE:
            return False
        self._good(answer)
        return True

    async def _post(self, call: str, path: str, body: Mapping[str, JsonValue]) -> None:
        self._good(await self._call(call, "POST", path, self._timing.call_limit, json=body))

    async def _read(self, call: str, path: str, room: asyncio.Semaphore | None) -> Answer:
        limit = self._timing.call_limit
        return await self._call(call, "GET", path, limit, limit_bytes=LARGE, room=room)

    async def _understood(self, answer: Answer, translate: Callable[[bytes], T]) -> T:
        """Translate a good answer; one that makes no sense may make sense later."""
        try:
            return await _read(self._good(answer), translate)
        except RefusedBodyError as error:
            raise PeerStrangeError(self.peer, f"answered something else ({error})") from error

    async def _call(
        self,
        call: str,
        method: str,
        path: str,
        limit: timedelta,
        **request: Any,  # noqa: ANN401 - httpx's own arguments
    ) -> Answer:
        """Make one call; translate what the network does to it, and faults of the whole server.

        Raises:
            PeerDownError: It cannot be reached, our credentials are refused, or we are sent
                elsewhere.
            PeerBusyError: 429.
            PeerUnknownError: It broke off.
        """
        answer = await self._caller.call(call, method, path, limit, **request)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            said = f"answered {answer.status}: look at its credentials in COMFYUI_SERVERS"
            raise PeerDownError(self.peer, said)
        if answer.redirects:
            said = f"answered {answer.status}: its address in COMFYUI_SERVERS leads elsewhere"
            raise PeerDownError(self.peer, said)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise PeerBusyError(self.peer, "asks us to slow down", answer.retry_after)
        return answer

    def _good(self, answer: Answer) -> bytes:
        """Return the body of a 2xx answer.

        Raises:
            PeerBusyError: 5xx.
            PeerSilentError: A 5xx that only a proxy answers, with nothing behind it.
            PeerDownError: 4xx, which no ComfyUI answers to what every one has.
        """
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer.content
        if answer.status in _NOTHING_BEHIND:
            said = f"answered {answer.status}: nothing is behind its proxy"
            raise PeerSilentError(self.peer, said)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise PeerBusyError(self.peer, f"answered {answer.status}")
        raise PeerDownError(
            self.peer, f"answered {answer.status}: there is no ComfyUI at its address"
        )


async def _read(raw: bytes, translate: Callable[[bytes], T]) -> T:
    """Translate an answer, a large one beside whatever else there is to do."""
    return await asyncio.to_thread(translate, raw) if len(raw) > ASIDE else translate(raw)
