"""The `sandbox_*` keys of a prediction's inputs: how it should differ from an ordinary one."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.controls import ReplicateFate, ReplicateShape

PREFIX = "sandbox_"

Ending = Literal["succeeded", "failed", "canceled", "aborted", "lost"]


class Plan(BaseModel):
    """What the `sandbox_*` inputs of one prediction ask for; the field names lack the prefix.

    Attributes:
        seconds: Length of its work in seconds; nothing means the sandbox's default.
        cold: How long it is `starting`, in seconds; nothing means what the controls say.
        end: How it ends; `none` means that it runs for ever, `lost` that nobody knows it any more.
        error: What a failed one says.
        output: The shape of what it makes; nothing means what the controls say.
        kept: For how many seconds after its end its data are kept; nothing: what the controls say.
        create: What becomes of its creation; `taken-…`: it lives though its id is never told.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: Annotated[float, Field(ge=0)] | None = None
    cold: Annotated[float, Field(ge=0)] | None = None
    end: Ending | Literal["none"] = "succeeded"
    error: str = "NSFW content detected. Try running it again, or try a different prompt."
    output: ReplicateShape | None = None
    kept: Annotated[float, Field(ge=0)] | None = None
    create: ReplicateFate | None = None


def plan_of(inputs: dict[str, object]) -> Plan:
    """Return what the `sandbox_*` keys of these inputs ask for.

    Raises:
        pydantic.ValidationError: One of them is unknown or has an impossible value.
    """
    wishes = {key: value for key, value in inputs.items() if key.startswith(PREFIX)}
    return Plan.model_validate({key.removeprefix(PREFIX): wishes[key] for key in wishes})
