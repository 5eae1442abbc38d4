"""Who asks: what they may do, what they may see, and how much of it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import SecretStr

from schemas.base import GenerationId, Time, UserId, Value
from schemas.job import JobId

TOKEN_MOST: Final = timedelta(hours=1)
"""Longest that a view token is good for."""
SESSION_LASTS: Final = timedelta(hours=12)
"""How long somebody stays signed in."""


class KeyScope(StrEnum):
    """What somebody may do; each of them includes those before it."""

    READ = "read"
    """See."""
    ACT = "act"
    """Order, cancel, go on."""
    ADMIN = "admin"
    """What only operators do: people, credits, controls, keys."""

    @property
    def rank(self) -> int:
        """Where it stands among them."""
        return tuple(KeyScope).index(self)

    def includes(self, other: "KeyScope") -> bool:
        """Return whether who may do this may do `other` as well."""
        return self.rank >= other.rank


class ApiKey(Value):
    """A key that opens the API."""

    name: str = ""
    """What it is called where its doings are written down; empty for one without a name."""
    scope: KeyScope = KeyScope.ADMIN
    secret: SecretStr


class Session(NamedTuple):
    """Somebody who is signed in at the dashboard."""

    digest: str
    """SHA-256 of what their browser holds, in hexadecimal: from it nobody can make that."""
    caller: str
    """The key that they signed in with, as `Sight.caller` names it."""
    until: datetime
    """When they are signed out."""


class Sight(Value):
    """What somebody sees, and what they may do with it.

    With none of `user`, `job` and `generation` they see everything; else what is of all that are
    given.
    """

    name: str
    """Of the key or the token that they came with, as logs may show it; empty where none was."""
    scope: KeyScope = KeyScope.READ
    internal: bool = False
    """Whether they see what only operators do: costs, chats, engines' addresses."""
    user: UserId | None = None
    job: JobId | None = None
    generation: GenerationId | None = None
    until: Time | None = None
    """When it ends; None where it does not end by itself."""
    caller: str = ""
    """The first 32 hexadecimal digits of the key's SHA-256; empty for tokens."""
    session: str | None = None
    """The digest of the session that they came with."""

    def sees(
        self,
        *,
        user: str | None = None,
        job: str | None = None,
        generation: str | None = None,
    ) -> bool:
        """Return whether they see a record.

        Args:
            user: Whose it is.
            job: Of which job it is, or which it is.
            generation: Which it is; None for a job, which is more than any one generation.
        """
        pairs = ((self.user, user), (self.job, job), (self.generation, generation))
        return all(wanted is None or wanted == given for wanted, given in pairs)


NOBODY = Sight(name="")
"""Whoever came without a key, where none is asked for: sees nothing that is kept from others."""
EVERYTHING = Sight(name="", scope=KeyScope.ADMIN, internal=True)
"""What the operator sees."""
