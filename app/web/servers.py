"""The API of servers: how each stands, who has its slots, and how many wait for one."""

from typing import Final

import orjson
from starlette.responses import Response

from app import errors
from app.usecases import oversee
from app.web.operations import Call, Operation, Route
from app.web.services import Oversee
from schemas.wire.servers import Servers

PATH: Final = "/api/servers"


class ServerHandlers:
    """Answers for servers."""

    def __init__(self, look: Oversee) -> None:
        self._look = look

    async def list(self, _call: Call) -> Response:
        """Show all servers, and the line in front of them."""
        view = oversee.shown(await self._look())
        content = orjson.dumps(view.model_dump(mode="json", by_alias=True))
        return Response(content, media_type="application/json")


def routes(look: Oversee) -> tuple[Route, ...]:
    """Return what can be known of servers."""
    do = ServerHandlers(look)
    return (
        Route(
            Operation(
                method="GET",
                path=PATH,
                name="listServers",
                tag="servers",
                summary="Show the ComfyUI servers, who has their slots, and how many wait for one",
                answer=Servers,
                errors=(errors.UnavailableError,),
            ),
            do.list,
        ),
    )
