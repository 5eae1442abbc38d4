"""The API of workflows: those that were ordered, or that presets run, as they are kept."""

import re
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from app import errors
from app.web import ranges, reading
from app.web.operations import Call, Operation, Route
from app.web.services import Workflows
from schemas.wire.api import Workflow
from schemas.wire.jobs import ReadHeaders

_ONE: Final = "/api/workflows/{digest}"
_TAG: Final = "workflows"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class WorkflowHandlers:
    """Answers for workflows."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def read(self, call: Call) -> Response:
        """Show one workflow: it never changes, so its digest is its tag as well."""
        named: Mapping[str, str] = call.request.path_params
        digest = named["digest"]
        known = reading.headers(ReadHeaders, call.request).if_none_match
        raw = await self._workflows.get(digest) if _DIGEST.fullmatch(digest) else None
        if raw is None:
            raise errors.NotFoundError("workflow")
        tag = f'"{digest}"'
        if ranges.known(known, tag):
            return Response(None, 304, {"ETag": tag})
        return Response(raw, headers={"ETag": tag}, media_type="application/json")


def routes(workflows: Workflows) -> tuple[Route, ...]:
    """Return what can be done with workflows."""
    do = WorkflowHandlers(workflows)
    return (
        Route(
            Operation(
                method="GET",
                path=_ONE,
                name="readWorkflow",
                tag=_TAG,
                summary="Read a workflow as it is kept; 304 where If-None-Match names it",
                headers=ReadHeaders,
                answer=Workflow,
                errors=(errors.BadFieldError, errors.NotFoundError, errors.UnavailableError),
            ),
            do.read,
        ),
    )
