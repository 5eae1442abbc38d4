"""Who is signed in."""

from typing import Protocol

from schemas.access import Session


class Sessions(Protocol):
    """Who is signed in at the dashboard. Every method may raise StoreDownError."""

    async def put(self, session: Session) -> None:
        """Keep a new session until it is over, on a majority's disks."""
        ...

    async def get(self, digest: str) -> Session | None:
        """Return a session, which may have been over for a minute or so, or None."""
        ...

    async def remove(self, digest: str) -> None:
        """End a session; one that is not there is no fault."""
        ...
