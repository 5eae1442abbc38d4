"""How many of something one person may have: a number, and others by role."""

from collections.abc import Collection
from typing import Literal

from pydantic import Field

from schemas.base import Value
from schemas.user import Role

LimitName = Literal["at_once", "per_minute", "per_day"]


class Quota(Value):
    """A limit; None is none."""

    usual: int | None
    """For everybody."""
    by_role: dict[str, int | None] = Field(default_factory=dict)
    """For people with a role, where that is more."""

    def of(self, roles: Collection[str]) -> int | None:
        """Return the most generous limit of somebody with these roles.

        Administrators have none, unless one is named for them.
        """
        named = {Role.ADMIN.value: None, **self.by_role}
        most = [self.usual, *(named[each] for each in roles if each in named)]
        known = [each for each in most if each is not None]
        return max(known) if len(known) == len(most) else None

    def __str__(self) -> str:
        """Write it as it is written in the settings."""
        others = [f"{role}:{_written(most)}" for role, most in self.by_role.items()]
        return ",".join([_written(self.usual), *others])


def _written(most: int | None) -> str:
    return "none" if most is None else str(most)
