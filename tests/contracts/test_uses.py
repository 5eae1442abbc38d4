"""What every keeper of the log of executed nodes does."""

from typing import Any

import pytest

from app.ports import Uses
from schemas.base import GenerationId, RunId
from schemas.usage import Use, UseRow
from tests.builders import ID, NOON, RUN, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def uses(ports: Ports) -> Uses:
    """The port under test."""
    return ports.uses


def a_use(node: str, **fields: Any) -> Use:  # noqa: ANN401 - any field of the row
    """Return a sampler's node of run `RUN`, which took a second at server a."""
    known: dict[str, Any] = {
        "generation": ID,
        "run_id": RUN,
        "server": "a",
        "at": NOON,
        "node_id": node,
        "class_type": "KSampler",
        "models": (),
        "milliseconds": 1000,
        "cached": False,
    }
    return Use(**(known | fields))


async def test_the_nodes_of_a_generation_are_had(uses: Uses) -> None:
    """Those logged first come first, and of these the longest; nobody else's."""
    other = a_use("1", generation=GenerationId("1" * 32), run_id=RunId("other"))
    again = a_use("1", run_id=RunId("again"), at=later(9), models=("a.pt", "b.pt"))
    short = a_use("1", milliseconds=1, cached=True)
    await uses.add([again, other, short])
    await uses.add([a_use("57:8")])

    assert await uses.of(ID) == (a_use("57:8"), short, again)
    assert await uses.of(GenerationId("2" * 32)) == ()


async def test_a_node_of_a_run_is_logged_once(uses: Uses) -> None:
    """What is told again changes nothing, and holds up nothing that is new."""
    await uses.add([a_use("1")])
    await uses.add([a_use("1", milliseconds=7), a_use("2")])
    await uses.add([a_use("1", milliseconds=7)])
    await uses.add([])

    assert await uses.of(ID) == (a_use("1"), a_use("2"))


async def test_a_time_is_added_up(uses: Uses) -> None:
    """By class, model or server, what took most first; what was logged at the end is not in it."""
    both = ("a.safetensors", "b.safetensors")
    await uses.add(
        [
            a_use("1", models=both, milliseconds=3000),
            a_use("2", class_type="SaveImage", milliseconds=9000, server="b"),
            a_use("3", milliseconds=0, cached=True),
            a_use("4", models=both[:1], milliseconds=500, at=later(59)),
            a_use("5", at=later(60)),
            a_use("6", at=later(-1)),
        ]
    )

    async def added(by: Any) -> tuple[UseRow, ...]:  # noqa: ANN401 - one of three words
        return await uses.report(NOON, later(60), by)

    assert await added("class") == (
        UseRow("SaveImage", 1, 0, 9000, 9000),
        UseRow("KSampler", 3, 1, 3500, 3000),
    )
    assert await added("model") == (
        UseRow("a.safetensors", 2, 0, 3500, 3000),
        UseRow("b.safetensors", 1, 0, 3000, 3000),
    )
    assert await added("server") == (UseRow("b", 1, 0, 9000, 9000), UseRow("a", 3, 1, 3500, 3000))
    assert await uses.report(later(99), later(100), "class") == ()
