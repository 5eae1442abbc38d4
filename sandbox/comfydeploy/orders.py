"""Reading what a client submits, and refusing it in FastAPI's words."""

import json
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from sandbox.comfydeploy import faults
from sandbox.comfydeploy.faults import Gpu, Plan

_UUID = TypeAdapter(UUID)


class InvalidOrderError(Exception):
    """A request does not fit its schema; `detail` is what FastAPI says of it."""

    def __init__(self, detail: list[dict[str, object]]) -> None:
        super().__init__(detail)
        self.detail = detail


class Order(BaseModel):
    """The body of POST `/run/deployment/queue`; unknown fields are ignored."""

    deployment_id: UUID
    inputs: dict[str, str | int | float | bool | list[object]] = Field(
        default_factory=dict[str, str | int | float | bool | list[object]]
    )
    webhook: str | None = None
    webhook_intermediate_status: bool = False
    gpu: Gpu | None = None
    flags: list[str] | None = None


def read(body: bytes) -> tuple[Order, Plan]:
    """Return the order in a request body, and the plan in its `sandbox_*` inputs.

    Raises:
        InvalidOrderError: The body is no order, or one of those inputs is unknown or impossible.
    """
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise InvalidOrderError([_invalid_json(error)]) from error
    try:
        order = Order.model_validate(value)
    except ValidationError as error:
        raise InvalidOrderError(_detail(error, "body")) from error
    try:
        return order, faults.plan_of(dict(order.inputs))
    except ValidationError as error:
        raise InvalidOrderError(_detail(error, "body", "inputs", faults.PREFIX)) from error


def read_id(text: str, *where: str) -> str:
    """Return a uuid in its usual form.

    Raises:
        InvalidOrderError: The text is none.
    """
    try:
        return str(_UUID.validate_python(text))
    except ValidationError as error:
        raise InvalidOrderError(_detail(error, *where)) from error


def _detail(error: ValidationError, *where: str) -> list[dict[str, object]]:
    found = error.errors(include_url=False)
    return [{**one, "loc": _joined(where, one["loc"])} for one in found]


def _joined(where: tuple[str, ...], loc: tuple[int | str, ...]) -> list[int | str]:
    if where[-1] == faults.PREFIX:
        return [*where[:-1], faults.PREFIX + str(loc[0]), *loc[1:]]
    return [*where, *loc]


def _invalid_json(error: ValueError) -> dict[str, object]:
    return {
        "type": "json_invalid",
        "loc": ["body", getattr(error, "pos", 0)],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": getattr(error, "msg", "not UTF-8")},
    }
