"""An engine that answers as it is told."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from datetime import datetime

from app.errors import PeerMissingError
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunAt, RunReport
from tests.builders import COMFYDEPLOY, RUN
from tests.fakes.gates import Gate, ajar

OnSubmit = Callable[[Generation], Awaitable[None]]


class FakeEngine:
    """See app.ports.Engine.

    Attributes:
        reports: What it says of each run; a run without one is missing.
        gate: Passed before a call is done, and before it answers.
        pace: Passed by a generation whose turn comes to be submitted.
        submitted: The generations it was sent, with their webhooks.
        uploads: What it was given, by the address that it answered.
        cancelled: The runs it was told to cancel.
        listed: What `recent` yields.
        next_run: The name of the run that the next submit makes.
        address_least: Characters that the address of an upload has at least.
        link_from: Bytes from which it is given links to files; None takes every file itself.
    """

    def __init__(self, gate: Gate = ajar, name: EngineName = COMFYDEPLOY) -> None:
        self._name = name
        self.gate = gate
        self.pace: Gate = ajar
        self.reports: dict[RunId, RunReport] = {}
        self.submitted: list[tuple[Generation, str]] = []
        self.uploads: dict[str, bytes] = {}
        self.cancelled: list[RunId] = []
        self.listed: list[RunReport] = []
        self.next_run = RUN
        self.address_least = 0
        self.link_from: int | None = None

    @property
    def name(self) -> EngineName:
        """See app.ports.Engine."""
        return self._name

    @property
    def hosts(self) -> tuple[str, ...]:
        """See app.ports.Engine."""
        return ("outputs.example.com",)

    def peer(self, server: str | None) -> str:
        """See app.ports.Engine."""
        return self._name if server is None else f"{self._name}:{server}"

    async def turn(self) -> None:
        """See app.ports.Engine."""
        await self.pace()

    async def submit(self, generation: Generation, webhook: str) -> RunId:
        """See app.ports.Engine."""
        await self.gate()
        self.submitted.append((generation, webhook))
        run_id = self.next_run
        await self.gate()
        return run_id

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """See app.ports.Engine."""
        await self.gate()
        given = b"".join([chunk async for chunk in content])
        assert len(given) == size
        address = f"https://engine.example.com/{len(self.uploads)}/{name}?{content_type}"
        address = address.ljust(self.address_least, "#")
        self.uploads[address] = given
        await self.gate()
        return address

    def fetches(self, size: int) -> bool:
        """See app.ports.Engine."""
        return self.link_from is not None and size >= self.link_from

    async def read(self, run: RunAt) -> RunReport:
        """See app.ports.Engine."""
        await self.gate()
        report = self.reports.get(run.run_id)
        await self.gate()
        if report is None:
            raise PeerMissingError(self._name, "knows no such run")
        return report

    async def cancel(self, run: RunAt) -> None:
        """See app.ports.Engine."""
        await self.gate()
        self.cancelled.append(run.run_id)
        await self.gate()

    async def recent(self, generation: Generation, since: datetime) -> AsyncIterator[RunReport]:
        """See app.ports.Engine."""
        del generation, since
        await self.gate()
        for each in self.listed:
            yield each

    async def check(self) -> str:
        """See app.ports.Engine."""
        return "well"
