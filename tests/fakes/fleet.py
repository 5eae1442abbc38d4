"""A fleet of servers in memory, which keep what they are sent."""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from processors.protocols import comfyui
from processors.scheduling import ServerState
from schemas.base import EngineName, RunId
from schemas.generation import Generation
from schemas.run import RunAt
from tests.fakes.gates import Gate, ajar


class Posted(NamedTuple):
    """A run as it reached its server."""

    server: str
    run_id: RunId
    generation: Generation
    """As it was stored when it was sent."""
    inputs: Mapping[str, JsonValue]


class FakeReceiver:
    """See app.ports.Receiver.

    Attributes:
        uploads: What it was given, by the address that it answered.
    """

    def __init__(self, name: str, gate: Gate) -> None:
        self._name = name
        self._gate = gate
        self.uploads: dict[str, bytes] = {}

    @property
    def name(self) -> str:
        """See app.ports.Receiver."""
        return self._name

    async def upload(
        self, name: str, content: AsyncIterable[bytes], size: int, content_type: str
    ) -> str:
        """See app.ports.Receiver."""
        await self._gate()
        given = b"".join([chunk async for chunk in content])
        assert len(given) == size
        assert content_type
        self.uploads[name] = given
        await self._gate()
        return name

    def fetches(self, size: int) -> bool:
        """See app.ports.Receiver."""
        del size
        return False


class FakeFleet:
    """See app.ports.Fleet.

    Attributes:
        servers: Those whose duty this process has, by name; taken out, it is another's.
        uploading: Passed before a picture arrives, and before that is answered.
        preparing: Passed before a run is made ready.
        sending: Passed before a run reaches its server, and before the server answers.
        posted: Every run that reached a server, in order.
        dropped: Every run that is to be followed no more.
        warnings: What servers find wrong with what they take.
        receivers: Who takes files, by server.
    """

    def __init__(self, *servers: ServerState, name: EngineName = comfyui.NAME) -> None:
        self._name = name
        self.servers = {each.name: each for each in servers}
        self.uploading: Gate = ajar
        self.preparing: Gate = ajar
        self.sending: Gate = ajar
        self.posted = list[Posted]()
        self.dropped = list[RunAt]()
        self.warnings: Sequence[str] = ()
        self.receivers = dict[str, FakeReceiver]()

    @property
    def name(self) -> EngineName:
        """See app.ports.Fleet."""
        return self._name

    def states(self) -> tuple[ServerState, ...]:
        """See app.ports.Fleet."""
        return tuple(self.servers.values())

    def client_id(self, server: str) -> str | None:
        """See app.ports.Fleet."""
        return f"client-{server}" if server in self.servers else None

    def receiver(self, server: str) -> FakeReceiver:
        """See app.ports.Fleet."""

        async def gate() -> None:
            await self.uploading()

        peer = f"{self._name}:{server}"
        return self.receivers.setdefault(server, FakeReceiver(peer, gate))

    async def prepare(
        self, generation: Generation, server: str, inputs: Mapping[str, JsonValue]
    ) -> Callable[[Generation], Awaitable[Sequence[str]]]:
        """See app.ports.Fleet."""
        del generation
        await self.preparing()

        async def send(placed: Generation) -> Sequence[str]:
            await self.sending()
            self.posted.append(Posted(server, placed.runs[-1].run_id, placed, inputs))
            await self.sending()
            return self.warnings

        return send

    def drop(self, run: RunAt) -> None:
        """See app.ports.Fleet."""
        self.dropped.append(run)
