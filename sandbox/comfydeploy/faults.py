"""The `sandbox_*` keys of a run's inputs: how that run should differ from an ordinary one."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

PREFIX = "sandbox_"

Gpu = Literal["CPU", "T4", "L4", "A10G", "L40S", "A100", "A100-80GB", "H100", "H200", "B200"]
Ending = Literal["success", "failed", "timeout", "cancelled"]
OutputKind = Literal["image", "video", "text", "files", "svg", "html", "large", "none"]
Heard = Literal[
    "all", "queued", "started", "running", "progress", "success", "failed", "timeout", "cancelled"
]


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class Plan(BaseModel):
    """What the `sandbox_*` inputs of one run ask for; the field names lack the prefix.

    Attributes:
        seconds: Length of the run in seconds; nothing means the sandbox's default.
        end: How the run ends; `none` means that it runs for ever.
        drop: Events whose webhooks are never sent, by status; `progress` means the live_status
            events only, `all` every one.
        order: Keep every webhook until the end and send them then, one by one, in this order.
        duplicate: How many times each terminal webhook is sent, at once.
        late_progress: Send a late progress event, and a late `running`, after the terminal one.
        partial: Fail with some of the outputs made.
        submit: What becomes of the submission: `slow:SECONDS`, a failure, or `created-then-…`, for
            which the run lives though its id is never told.
        early: Have the `queued` webhook answered before the submission is.
        gpu: The deployment's own GPU, which wins over the request's.
        unknown_status: Send one webhook with a status and a field that nobody knows.
        images: How many pictures a successful run makes.
        outputs: What kinds of outputs a successful run makes, as a comma-separated list.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: Annotated[float, Field(ge=0)] | None = None
    end: Ending | Literal["none"] = "success"
    drop: Annotated[tuple[Heard, ...], BeforeValidator(_listed)] = ()
    order: Literal["reverse", "shuffle"] | None = None
    duplicate: Annotated[int, Field(ge=1, le=100)] = 1
    late_progress: bool = False
    partial: bool = False
    submit: (
        Annotated[
            str,
            StringConstraints(
                pattern=r"^(slow:\d+(\.\d+)?|hang|reset|500|503|429|created-then-(hang|reset|500))$"
            ),
            BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
        ]
        | None
    ) = None
    early: bool = False
    gpu: Gpu | None = None
    unknown_status: bool = False
    images: Annotated[int, Field(ge=1, le=20)] = 1
    outputs: Annotated[tuple[OutputKind, ...], BeforeValidator(_listed)] = ("image",)

    @property
    def ending(self) -> Ending | Literal["none"]:
        """How the run ends; a partial one fails."""
        return "failed" if self.partial else self.end

    @property
    def slow_seconds(self) -> float:
        """How long the submission takes before the run exists, in seconds."""
        wish = self.submit or ""
        return float(wish.removeprefix("slow:")) if wish.startswith("slow:") else 0.0

    def drops(self, *labels: str) -> bool:
        """Say whether an event known by any of these labels is never to be sent."""
        return "all" in self.drop or any(label in self.drop for label in labels)


def plan_of(inputs: dict[str, object]) -> Plan:
    """Return what the `sandbox_*` keys of these inputs ask for.

    Raises:
        pydantic.ValidationError: One of them is unknown or has an impossible value.
    """
    wishes = {key: value for key, value in inputs.items() if key.startswith(PREFIX)}
    return Plan.model_validate({key.removeprefix(PREFIX): wishes[key] for key in wishes})
