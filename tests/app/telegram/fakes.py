"""The ports of the sender, kept in memory, and a server that serves files."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from app.engines.fetching import FetchError
from app.errors import PeerRefusedError, PeerUnknownError, StoreDownError
from app.ports import Lease
from schemas.base import InstanceName


class FakeLeases:
    """Leases by the rules of the port; `down` makes the database not answer."""

    def __init__(self) -> None:
        self.held: dict[str, Lease] = {}
        self.down = False
        self.fence = 0

    async def acquire(
        self, name: str, holder: InstanceName, now: datetime, until: datetime
    ) -> Lease | None:
        """Take or renew a duty."""
        if self.down:
            raise StoreDownError("no answer")
        known = self.held.get(name)
        if known is not None and known.holder != holder and known.until > now:
            return None
        if known is None or known.holder != holder:
            self.fence += 1
        self.held[name] = Lease(name, holder, self.fence, until)
        return self.held[name]

    async def release(self, lease: Lease) -> None:
        """Give a duty up."""
        if self.down:
            raise StoreDownError("no answer")
        self.held.pop(lease.name, None)


class FakeChats:
    """What is known of chats."""

    def __init__(self) -> None:
        self.moved: dict[int, int] = {}
        self.closed: dict[int, str] = {}

    async def current(self, chat_id: int) -> int:
        """Return the id a chat has now."""
        return self.moved.get(chat_id, chat_id)

    async def migrated(self, chat_id: int, to: int) -> None:
        """Remember that a group has a new id; once only."""
        assert chat_id not in self.moved
        self.moved[chat_id] = to

    async def blocked(self, chat_id: int, why: str, now: datetime) -> None:
        """Remember that a chat refuses us."""
        assert now.tzinfo is not None
        self.closed[chat_id] = why

    async def refuses(self, chat_id: int) -> bool:
        """Return whether a chat refuses us."""
        return chat_id in self.closed

    async def opened(self, chat_id: int) -> None:
        """Remember that a chat refuses us no more."""
        self.closed.pop(chat_id, None)

    async def forget(self, chat_id: int) -> None:
        """Remember nothing of a chat any more."""
        self.closed.pop(chat_id, None)


class FakeAlerts:
    """Alerts that were raised, in order."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, str]] = []

    def alert(self, slug: str, message: str) -> None:
        """Keep it."""
        self.raised.append((slug, message))

    @property
    def slugs(self) -> list[str]:
        """What they were about."""
        return [slug for slug, _ in self.raised]


@dataclass
class File:
    """A file that can be fetched."""

    content: bytes
    content_type: str | None = None


@dataclass
class FakeFetch:
    """Fetches from memory; what is not there, or too large, cannot be had.

    Attributes:
        hangs: Whether it notices its time limit late.
    """

    files: dict[str, File] = field(default_factory=dict[str, File])
    asked: list[tuple[str, tuple[str, ...]]] = field(
        default_factory=list[tuple[str, tuple[str, ...]]]
    )
    hangs: bool = False

    async def __call__(
        self, url: str, *, hosts: tuple[str, ...], limit_bytes: int, timeout_seconds: float
    ) -> File:
        """Return the file."""
        assert timeout_seconds > 0
        self.asked.append((url, hosts))
        if self.hangs:
            await asyncio.sleep(2 * timeout_seconds)
            raise PeerUnknownError("storage", "no answer in time")
        file = self.files.get(url)
        if file is None:
            raise PeerRefusedError("storage", "it cannot be had")
        if len(file.content) > limit_bytes:
            raise FetchError("too_large", "storage")
        return file
