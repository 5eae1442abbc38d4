"""Compare workflows with what the ComfyUI servers have, before anybody can order them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from app.errors import PeerError
from processors.protocols import comfyui
from processors.protocols.comfyui import Workflow


class Server(Protocol):
    """A ComfyUI server, as far as it is asked here."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def object_info(self) -> Mapping[str, JsonValue]:
        """Return the node classes that it has, and what their inputs take.

        Raises:
            PeerError: It does not say.
        """
        ...


class Compared(NamedTuple):
    """What the servers say to some workflows.

    Attributes:
        answered: Names of the servers that said what they have.
        silent: By name of the others: why they did not.
        lacking: By digest of a workflow that none of those who answered can run: what each of
            them lacks, in sentences.
    """

    answered: tuple[str, ...]
    silent: Mapping[str, str]
    lacking: Mapping[str, Mapping[str, tuple[str, ...]]]


async def compare(workflows: Mapping[str, Workflow], servers: Sequence[Server]) -> Compared:
    """Ask all servers what they have, and say what is missing.

    A workflow that one of them can run is fine: it is that one's to run.

    Args:
        workflows: By digest.
        servers: Whom to ask.
    """
    async with asyncio.TaskGroup() as group:
        asked = {each.name: group.create_task(_said(each)) for each in servers}
    said = {name: task.result() for name, task in asked.items()}
    had = {name: each for name, each in said.items() if not isinstance(each, PeerError)}
    silent = {name: str(each) for name, each in said.items() if isinstance(each, PeerError)}
    lacking = dict[str, Mapping[str, tuple[str, ...]]]()
    for digest, workflow in workflows.items():
        missing = {name: comfyui.unknown(workflow, each) for name, each in had.items()}
        if missing and all(missing.values()):
            lacking[digest] = missing
    return Compared(tuple(had), silent, lacking)


async def _said(server: Server) -> Mapping[str, JsonValue] | PeerError:
    try:
        return await server.object_info()
    except PeerError as error:
        return error
