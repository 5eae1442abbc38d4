"""Controls: what an operator has stopped, and what may be spent in a day."""

from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field

from schemas.base import Money, Record, Time

Kind = Literal["engine", "preset"]
"""What can be stopped."""
KINDS: Final[tuple[Kind, ...]] = ("engine", "preset")


class Subject(NamedTuple):
    """What a control is about."""

    kind: Kind
    name: str

    @property
    def key(self) -> str:
        """Its name in the database: ``engine:comfydeploy``, ``preset:l4_t2i``."""
        return f"{self.kind}:{self.name}"


class Control(Record):
    """Whether orders are taken for an engine or a preset, and up to which cost a day.

    Without one, orders are taken, and nothing is capped.
    """

    id: str = Field(validation_alias="_id", serialization_alias="_id")
    """`Subject.key`."""
    paused: bool = False
    reason: str | None = None
    """Why it is paused, in the words of whoever did it."""
    daily_cap_usd: Annotated[Money, Field(ge=0)] | None = None
    """What may be spent from one midnight (UTC) to the next; None for any amount."""
    by: str
    """Who changed it last."""
    at: Time
    """When that was."""
    version: int = 1
    """Raised by every write; every write names the one it replaces."""

    def internal(self) -> dict[str, Any]:
        """Return the control as the API shows it; every field is present."""
        shown = self.model_dump(mode="json", by_alias=True, exclude={"id", "version"})
        kind, _, name = self.id.partition(":")
        return {"kind": kind, "name": name, **shown}
