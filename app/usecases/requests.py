"""What an order asks its engine to run: what that keeps itself, or a workflow kept first."""

from typing import Final

from pydantic_core import to_json

from app.errors import BadFieldError, WorkflowRefusedError
from app.ports import Workflows
from processors.errors import RefusedWorkflowError, UnboundInputError
from processors.images import keys
from processors.protocols import comfyui
from processors.protocols.comfyui import Workflow
from schemas.base import GenerationId
from schemas.generation import Request
from schemas.wire.api import NewGeneration

_NOBODY: Final = GenerationId("0" * 32)


class Requests:
    """Makes requests of orders."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def of(self, order: NewGeneration) -> Request:
        """Return what an order asks for; a workflow that came with it is kept by then.

        Raises:
            BadFieldError: An input names what some run made, which is nobody's to give.
            WorkflowRefusedError: Its workflow cannot be run, is not kept here, or has no such
                input.
            StoreDownError: The database does not answer.
        """
        inputs = dict(order.inputs)
        for name, value in inputs.items():
            if any(keys.is_copy(key) for key in keys.keys_in({name: value})):
                raise BadFieldError(f"inputs.{name}", "names an output; give a link to it")
        if order.workflow is None:
            return Request(
                deployment_id=order.deployment_id or order.deployment,
                version=order.version,
                model=order.model,
                inputs=inputs,
            )
        if isinstance(order.workflow, str):
            digest = order.workflow
            raw = await self._kept(digest)
            _check(order, comfyui.parse(raw))
            await self._workflows.put(digest, raw)
        else:
            workflow = _drawn(order)
            _check(order, workflow)
            digest, raw = comfyui.kept(workflow)
            await self._workflows.put(digest, raw)
        return Request(workflow=digest, inputs=inputs)

    async def again(self, request: Request) -> Request:
        """Return what is asked for once more; its workflow is kept anew by then.

        Raises:
            WorkflowRefusedError: Its workflow is not kept here any more.
            StoreDownError: The database does not answer.
        """
        if request.workflow is not None:
            await self._workflows.put(request.workflow, await self._kept(request.workflow))
        return request

    async def _kept(self, digest: str) -> bytes:
        raw = await self._workflows.get(digest)
        if raw is None:
            raise WorkflowRefusedError("workflow", "none is kept under this digest")
        return raw


def _drawn(order: NewGeneration) -> Workflow:
    """Return the workflow that came with an order."""
    try:
        return comfyui.parse(to_json(order.workflow))
    except RefusedWorkflowError as error:
        field = f"workflow.{error.place}" if error.place else "workflow"
        raise WorkflowRefusedError(field, error.fault) from None


def _check(order: NewGeneration, workflow: Workflow) -> None:
    """Have each input lead to a field of the workflow."""
    try:
        comfyui.bind(workflow, order.inputs, _NOBODY)
    except UnboundInputError as error:
        raise WorkflowRefusedError(f"inputs.{error.key}", error.fault) from None
