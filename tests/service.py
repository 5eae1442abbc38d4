"""The real service as a process of its own, for tests that order, kill and start it again."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families

from processors.protocols import signing
from tests.nursery import NURSERY, Born
from tests.peers import BRIEF, Json, Peers, end_left

T = TypeVar("T")

PATIENCE: Final = 40.0
"""Longest that anything is waited for, in seconds."""
LOOK_EVERY: Final = 0.02
OVER: Final = frozenset({"completed", "failed", "cancelled", "timeout"})

WEBHOOK_SECRET: Final = "the-secret-that-signs-the-webhooks-of-tests"
API_KEY: Final = "the-key-that-opens-the-api-in-tests"
COMFYDEPLOY_KEY: Final = "the-key-for-comfydeploy-in-tests"
BOT_TOKEN: Final = "4711:the-token-of-the-bot-that-serves-the-tests"
SECRETS: Final = (WEBHOOK_SECRET, API_KEY, COMFYDEPLOY_KEY, BOT_TOKEN.partition(":")[2])

DEPLOYMENT: Final = "c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11"
RATE: Final = {"amount": "0.000337", "currency": "USD", "unit": "second"}
QUICK: Final[Json] = {
    "lease": 10,
    "submit_limit": 3,
    "call_limit": 2,
    "upload_limit": 3,
    "send_limit": 3,
    "keep_limit": 3,
    "unknown_submit": 6,
    "cancel_grace": 2,
    "ask_waiting": 2,
    "ask_running": 2,
    "ask_most": 4,
    "sweep_every": 0.2,
    "inbox_stale": 0.5,
    "progress_every": 0.1,
    "edit_every": 0.3,
    "handle_limit": 5,
    "poll_wait": 1,
    "clock_every": 5,
    "sender_lease": 3,
    "probe_every": 0.5,
    "retry": [0.2, 0.3, 0.5, 1, 2],
}
"""Limits of the service in seconds, so short that nothing has to be waited for by a test."""


async def until(ask: Callable[[], Awaitable[T]], good: Callable[[T], object]) -> T:
    """Ask again and again until the answer is good; return it."""
    answer: T | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            while not good(answer := await ask()):  # noqa: ASYNC110 - see below
                await asyncio.sleep(LOOK_EVERY)  # nothing can set an event from another process
    except TimeoutError:
        raise AssertionError(f"still {answer}") from None
    return answer


@dataclass(kw_only=True)
class Program:
    """A program of ours on one data folder, running or not.

    Attributes:
        data_dir: Its folder; what it prints is kept beside it.
        environ: Its settings; a change holds from the next start on.
        timing: Its limits in seconds; a change holds from the next start on.
        command: What it is told to be.
        name: What its words are kept under, beside the folder.
    """

    data_dir: Path
    environ: dict[str, str]
    timing: Json = field(default_factory=lambda: dict(QUICK))
    command: str = "serve"
    name: str = "printed"
    _process: Born | None = None

    @property
    def printed_path(self) -> Path:
        """Where everything that it printed is."""
        return self.data_dir.with_suffix(f".{self.name}")

    @property
    def printed(self) -> str:
        """Everything that it printed in all its lives."""
        return self.printed_path.read_text() if self.printed_path.exists() else ""

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    def begin(self) -> Born:
        """Start the process and return it, whatever comes of it."""
        environ = {**_bare_environ(), **self.environ, "TIMING": json.dumps(self.timing)}
        with self.printed_path.open("ab") as printed:
            self._process = NURSERY.bear([self.command], environ, printed)
        return self._process

    async def start(self) -> None:
        """Start it, and return once it says that it has begun."""
        await self.begun(r"working as (\S+)")

    async def begun(self, words: str) -> str:
        """Start it, and return what it says once it has begun."""
        before = len(re.findall(words, self.printed))
        process = self.begin()

        async def said() -> list[str]:
            assert process.returncode is None, self.printed
            return re.findall(words, self.printed)

        return (await until(said, lambda found: len(found) > before))[-1]

    async def kill(self) -> None:
        """Kill it as a power cut would, and return when it is gone."""
        assert self._process is not None, "it does not run"
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def restart(self, **environ: str) -> None:
        """Kill it and start it on the same data, its settings changed by `environ`."""
        await self.kill()
        self.environ |= environ
        await self.start()

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to its whole process group, as a terminal does; return its exit code."""
        assert self._process is not None, "it does not run"
        os.killpg(self._process.pid, by)
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()


@dataclass(kw_only=True)
class Service(Program):
    """One service.

    Attributes:
        client: For calls of the test's own.
        url: Where it listens, the same from start to start.
        ordered: The ids of all generations ordered of it.
    """

    client: httpx.AsyncClient
    url: str = ""
    ordered: list[str] = field(default_factory=list[str])

    async def start(self) -> None:
        """Start it, and return once it listens."""
        self.url = await self.begun(r"listening on (\S+)")
        self.environ["PORT"] = self.url.rpartition(":")[2]

    @property
    def auth(self) -> dict[str, str]:
        """The header that opens the API."""
        return _auth()

    async def order(self, chat: int | None = None, **inputs: object) -> str:
        """Order a generation with these inputs; return its id."""
        order = {
            "engine": "comfydeploy",
            "deployment_id": DEPLOYMENT,
            "inputs": {"prompt": "a lighthouse at dusk", **inputs},
            "metadata": {"costRate": RATE} | ({"telegramChatId": chat} if chat else {}),
        }
        answer = await self.client.post(f"{self.url}/api/generations", json=order, headers=_auth())
        self.ordered.append(answer.raise_for_status().json()["id"])
        return self.ordered[-1]

    async def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> httpx.Response:
        """Call the API; return its answer, whatever it says."""
        given = self.auth | headers
        return await self.client.request(method, self.url + path, json=body, headers=given)

    async def get(self, generation_id: str) -> Json:
        """Return a record."""
        answer = await self._ask(f"/api/generations/{generation_id}")
        return answer.raise_for_status().json()

    async def until(self, generation_id: str, *statuses: str) -> Json:
        """Wait until a generation has one of these statuses, the database being away or not.

        Returns:
            Its record.
        """

        async def look() -> Json:
            answer = await self._ask(f"/api/generations/{generation_id}")
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                return {"status": None}
            return answer.raise_for_status().json()

        return await until(look, lambda record: record["status"] in statuses)

    async def run_id(self, generation_id: str) -> str:
        """Wait until a generation's run is known; return its id."""
        record = await until(
            lambda: self.get(generation_id), lambda record: record["metadata"].get("run_id")
        )
        return record["metadata"]["run_id"]

    async def order_running(self, chat: int | None = None) -> tuple[str, str]:
        """Order a generation whose run ends when it is told to.

        Returns:
            The ids of both, once the run runs.
        """
        generation_id = await self.order(chat, sandbox_end="none")
        run_id = await self.run_id(generation_id)
        await self.until(generation_id, "running")
        return generation_id, run_id

    async def metric(self, name: str, **labels: str) -> float:
        """Return a figure, 0 where nothing was counted."""
        answer = await self._ask("/metrics")
        families = text_string_to_metric_families(answer.raise_for_status().text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == f"runrelay_{name}" and labels.items() <= sample.labels.items()
        )

    async def post(self, webhook: str, body: object) -> httpx.Response:
        """Send a webhook of the test's own."""
        return await self.client.post(webhook, json=body)

    def webhook(self, generation_id: str) -> str:
        """Return the webhook URL of a generation."""
        return signing.webhook_url(self.url, "comfydeploy", generation_id, token(generation_id))

    async def _ask(self, path: str) -> httpx.Response:
        return await self.client.get(self.url + path, headers=_auth())

    def leaked(self, *others: Program) -> Iterator[str]:
        """Yield what it or another printed and must not: secrets of settings, webhooks' tokens."""
        printed = "".join(each.printed for each in (self, *others))
        for secret in (*SECRETS, *(token(each).partition(".")[2] for each in self.ordered)):
            assert len(secret) > 10
            if secret in printed:
                yield secret


def token(generation_id: str) -> str:
    """Return the token of a generation's first attempt."""
    key = signing.derive(WEBHOOK_SECRET.encode(), "webhook:comfydeploy")
    return signing.webhook_token(key, "comfydeploy", generation_id, 1)


@asynccontextmanager
async def a_service(
    data_dir: Path, peers: Peers, mongodb_uri: str | None, database: str = "faults", **limits: float
) -> AsyncGenerator[Service]:
    """Make a service that is not started yet; in the end nothing of it is left running.

    It takes no updates of Telegram unless its settings are changed.

    Args:
        data_dir: Its folder, which need not exist.
        peers: The sandbox that it talks to.
        mongodb_uri: Its database; None for one embedded.
        database: The database's name.
        limits: Limits in seconds that differ from the quick ones.
    """
    environ = {
        "MODE": "sandbox",
        "PORT": "0",
        "DATA_DIR": str(data_dir),
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "INTERNAL_API_KEY": API_KEY,
        "COMFYDEPLOY_API_URL": peers.comfydeploy,
        "COMFYDEPLOY_API_KEY": COMFYDEPLOY_KEY,
        "COMFYDEPLOY_HOSTS": peers.outputs_host,
        "REPLICATE_API_URL": peers.replicate,
        "REPLICATE_API_TOKEN": peers.replicate_token,
        "REPLICATE_WEBHOOK_SECRET": peers.replicate_secret,
        "TELEGRAM_API_URL": peers.telegram,
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        # All have one bot, and some run on through other tests: its updates would go to any of
        # them, and each would end the others' questions.
        "TELEGRAM_UPDATES": "off",
        "MONGODB_DATABASE": database,
    }
    if mongodb_uri is not None:
        environ["MONGODB_URI"] = mongodb_uri
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, limits=BRIEF) as client:
        service = Service(data_dir=data_dir, environ=environ, client=client)
        service.timing |= limits
        try:
            yield service
        finally:
            if service.runs:
                await service.kill()
            await end_left(data_dir)
    leaked = list(service.leaked())
    assert not leaked, f"printed: {leaked}"


def _auth() -> dict[str, str]:
    return {"Authorization": f"Bearer {API_KEY}"}


def _bare_environ() -> dict[str, str]:
    """Return what a process needs, and what coverage tells it, without anybody's settings."""
    wanted: tuple[str, ...] = ("PATH", "HOME", "LANG", "TMPDIR", "MONGOD_BINARY")
    return {
        name: value
        for name, value in os.environ.items()
        if name in wanted or name.startswith(("COVERAGE", "COV_"))
    }
