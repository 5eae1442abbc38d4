"""app.usecases.check_workflows: what the servers have of what is to be run."""

from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from app.errors import PeerBusyError, PeerError
from app.usecases.check_workflows import Compared, compare
from processors.protocols import comfyui
from tests.graphs import RAW

pytestmark = pytest.mark.anyio

WORKFLOW = comfyui.parse(RAW)
BOTH: dict[str, JsonValue] = {"EmptyImage": {}, "SaveImage": {}}
AWAY = PeerBusyError("b", "does not answer")


class FakeServer:
    """A server that has these node classes, or does not say."""

    def __init__(self, name: str, has: Mapping[str, JsonValue] | PeerError) -> None:
        self.name = name
        self._has = has

    async def object_info(self) -> Mapping[str, JsonValue]:
        """Return what it has."""
        if isinstance(self._has, PeerError):
            raise self._has
        return self._has


async def compared(*servers: FakeServer) -> Compared:
    """What these servers say to one workflow."""
    return await compare({"w": WORKFLOW}, servers)


async def test_one_server_that_has_everything_is_enough() -> None:
    """Others may lack something, or be away."""
    servers = (FakeServer("a", BOTH), FakeServer("b", AWAY), FakeServer("c", {}))

    assert await compared(*servers) == Compared(("a", "c"), {"b": "b: does not answer"}, {})


async def test_what_nobody_has_is_named_by_server() -> None:
    """Of those who answered."""
    some: dict[str, JsonValue] = {"EmptyImage": {}}
    servers = (FakeServer("a", some), FakeServer("b", AWAY), FakeServer("c", {}))

    lacking = (await compared(*servers)).lacking

    assert lacking == {
        "w": {
            "a": ("SaveImage (node 2): the server has no node SaveImage",),
            "c": (
                "EmptyImage (node 1): the server has no node EmptyImage",
                "SaveImage (node 2): the server has no node SaveImage",
            ),
        }
    }


@pytest.mark.parametrize("servers", [(), (FakeServer("b", AWAY),)])
async def test_nothing_is_lacking_where_nobody_says(servers: tuple[FakeServer, ...]) -> None:
    """Nobody was asked, or nobody answered."""
    answered, silent, lacking = await compared(*servers)

    assert (answered, len(silent), lacking) == ((), len(servers), {})
