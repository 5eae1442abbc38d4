"""All ComfyUI servers, as far as this process has their duty."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

import structlog
from pydantic import JsonValue

from app.engines.comfyui.post import Post
from app.engines.comfyui.server import ComfyServer
from app.errors import PeerRefusedError, UnavailableError
from app.ports import Alerts, Workflows
from app.usecases.follow_runs import FollowRuns
from app.usecases.seen_servers import SeenServers
from processors.errors import RefusedWorkflowError, UnboundInputError
from processors.protocols import comfyui
from processors.protocols.comfyui import Followed, Workflow
from processors.scheduling import ServerState
from schemas.base import EngineName
from schemas.generation import Generation
from schemas.run import RunAt

AGAIN: Final = 1.0
"""Seconds before another try while the database does not answer."""
REMEMBERED: Final = 2 * 1024 * 1024
"""Bytes of the workflows that are remembered as they were read, which takes several times that."""


class _Known(NamedTuple):
    workflow: Workflow
    size: int


class ServerReceiver:
    """Takes files for one server; see app.ports.Receiver."""

    def __init__(self, server: ComfyServer) -> None:
        self.name = server.peer
        self.upload = server.upload
        self.fetches = server.fetches


class ComfyFleet:
    """See app.ports.Fleet.

    Args:
        posts: Those at all servers, by the servers' names.
        workflows: The workflows there are.
        follow: Takes what is told of runs.
        seen: The servers that others see to.
        alerts: Told of those that are not set here.
    """

    name: EngineName = comfyui.NAME

    def __init__(
        self,
        posts: Mapping[str, Post],
        workflows: Workflows,
        follow: FollowRuns,
        *,
        seen: SeenServers,
        alerts: Alerts,
    ) -> None:
        self._posts = posts
        self._workflows = workflows
        self._follow = follow
        self._seen = seen
        self._alerts = alerts
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._size = 0
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """See to every server whose duty is free, until cancelled.

        What a server has that nobody has set any more is lost, and learnt of by asking.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_for_orphans())
            for post in self._posts.values():
                group.create_task(post.run())

    def inform(self, stirred: Callable[[], None]) -> None:
        """Have `stirred` called whenever a server may be given runs that it could not before."""
        for post in self._posts.values():
            post.stirred = stirred

    async def give_up(self) -> None:
        """Let other processes have every server at once."""
        for post in self._posts.values():
            await post.give_up()

    async def _look_for_orphans(self) -> None:
        told = set[str]()
        while True:
            try:
                others = await self._seen.elsewhere() - self._posts.keys()
                await self._follow.orphaned(others | self._posts.keys())
            except UnavailableError as error:
                self._log.info("not now", error=str(error))
                await asyncio.sleep(AGAIN)
                continue
            for name in sorted(others - told):
                why = "another process has it, and it is not among COMFYUI_SERVERS here"
                self._alerts.alert("server_unset", f"{self.name}:{name}: {why}")
            told |= others
            await asyncio.sleep(self._seen.lasting.total_seconds())

    def states(self) -> tuple[ServerState, ...]:
        """See app.ports.Fleet."""
        states = (post.state() for post in self._posts.values())
        return tuple(state for state in states if state is not None)

    def client_id(self, server: str) -> str | None:
        """See app.ports.Fleet."""
        post = self._posts.get(server)
        return None if post is None else post.client_id

    def receiver(self, server: str) -> ServerReceiver:
        """See app.ports.Fleet."""
        return ServerReceiver(self._posts[server].server)

    async def prepare(
        self, generation: Generation, server: str, inputs: Mapping[str, JsonValue]
    ) -> Callable[[Generation], Awaitable[Sequence[str]]]:
        """See app.ports.Fleet."""
        post, digest = self._posts[server], generation.request_payload.workflow
        workflow = await self._workflow(digest)
        try:
            bound = comfyui.bind(workflow, inputs, generation.id)
        except UnboundInputError as error:
            raise PeerRefusedError(post.server.peer, str(error)) from error
        await post.prepare()

        async def send(placed: Generation) -> Sequence[str]:
            run = placed.runs[-1]
            followed = Followed(
                placed.id, run.attempt, run.run_id, run.client_id, comfyui.kinds(bound)
            )
            return (await post.send(followed, bound, digest)).warnings

        return send

    def drop(self, run: RunAt) -> None:
        """See app.ports.Fleet."""
        post = self._posts.get(run.server or "")
        if post is not None:
            post.drop(run.run_id)

    async def _workflow(self, digest: str | None) -> Workflow:
        """Return a stored workflow.

        Raises:
            PeerRefusedError: There is none of this digest, or none that can be read.
            StoreDownError: The database does not answer.
        """
        if digest is None:
            raise PeerRefusedError(self.name, "the order names no workflow")
        known = self._known.pop(digest, None)
        if known is None:
            known = await self._read(digest)
            # Another may have read it meanwhile.
            earlier = self._known.pop(digest, None)
            self._size += known.size if earlier is None else 0
        self._known[digest] = known
        while self._size > REMEMBERED and len(self._known) > 1:
            self._size -= self._known.popitem(last=False)[1].size
        return known.workflow

    async def _read(self, digest: str) -> _Known:
        raw = await self._workflows.get(digest)
        if raw is None:
            raise PeerRefusedError(self.name, "the workflow is not stored here any more")
        try:
            return _Known(comfyui.parse(raw), len(raw))
        except RefusedWorkflowError as error:
            raise PeerRefusedError(self.name, str(error)) from error
