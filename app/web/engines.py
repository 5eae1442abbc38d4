"""What can be ordered from, for a page that offers it."""

from collections.abc import Sequence

import orjson
from pydantic import JsonValue
from starlette.responses import Response

from app.web.operations import Call, Operation, Route
from schemas.base import EngineName
from schemas.wire.api import View


class EngineView(View):
    """An engine that is on."""

    name: EngineName


class EngineList(View):
    """The engines that are on, by name."""

    items: tuple[EngineView, ...]
    example: dict[str, JsonValue] | None
    """An order that works here as it stands; null where nobody knows one."""


def routes(engines: Sequence[EngineName], example: str | None) -> tuple[Route, ...]:
    """Return what there is to know about engines.

    Args:
        engines: Those that are on.
        example: An order as JSON, where there is one that works.
    """
    shown = EngineList(
        items=tuple(EngineView(name=each) for each in sorted(engines)),
        example=None if example is None else orjson.loads(example),
    )

    async def listed(_call: Call) -> Response:
        return Response(shown.model_dump_json(by_alias=True), media_type="application/json")

    return (
        Route(
            Operation(
                method="GET",
                path="/api/engines",
                name="listEngines",
                tag="engines",
                summary="List the engines that are on, with an order to try in the sandbox",
                answer=EngineList,
            ),
            listed,
        ),
    )
