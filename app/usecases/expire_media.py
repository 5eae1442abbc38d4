"""Expire media: delete what is as old as the operator keeps it.

Copies of outputs go once their record knows; pictures that people gave, once no generation
that has not ended names them.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.errors import ContendedError, PeerError, UnreadableError
from app.ports import Leases, Storage
from app.usecases.records import Records
from processors import runs
from processors.images import keys
from schemas.base import GenerationId, InstanceName
from schemas.generation import Generation

LEASE: Final = timedelta(hours=1)
"""How long others leave the work to whoever has begun it."""
PACE: Final = timedelta(milliseconds=20)
"""Between two copies that are deleted."""


class ExpireMedia:
    """Goes through all copies and pictures, and deletes the old ones that nothing needs.

    Args:
        storage: Where they are.
        records: Whose they are; a copy whose record is gone is deleted, too.
        leases: Only one process does this at a time.
        me: This process.
        keep: How old a file may become.
    """

    def __init__(
        self,
        storage: Storage,
        records: Records,
        leases: Leases,
        *,
        me: InstanceName,
        keep: timedelta,
    ) -> None:
        self._storage = storage
        self._records = records
        self._leases = leases
        self._me = me
        self._keep = keep
        self._log = structlog.get_logger()

    async def once(self) -> int:
        """Delete what is old by now; return how many files, none if another process is at it.

        Raises:
            StoreDownError: The database does not answer.
        """
        now = self._records.clock.now()
        lease = await self._leases.acquire("media", self._me, now, now + LEASE)
        if lease is None:
            return 0
        deleted = 0
        try:
            async for key in self._expired(now - self._keep):
                await self._storage.delete(key)
                deleted += 1
                await asyncio.sleep(PACE.total_seconds())
        except PeerError as error:
            self._log.warning("not all old media could be deleted", error=str(error))
        if deleted:
            self._log.info("old media was deleted", files=deleted)
        await self._leases.release(lease)
        return deleted

    async def _expired(self, before: datetime) -> AsyncIterator[str]:
        """Yield the keys of what may be deleted, the records of copies told first."""
        needed = None
        for prefix in (keys.COPIES, keys.INPUTS):
            async for key in self._old(prefix, before):
                if needed is None:
                    needed = await self._needed()
                if key not in needed and await self._free(key):
                    yield key

    async def _free(self, key: str) -> bool:
        """Return whether no record says any more that there is this file."""
        owner = runs.owner_of(key)
        return keys.is_key(key) if owner is None else await self._let_go(owner, key)

    async def _old(self, prefix: str, before: datetime) -> AsyncIterator[str]:
        async for each in self._storage.listed(prefix):
            if each.at < before:
                yield each.key

    async def _needed(self) -> frozenset[str]:
        """Return the files that open generations name: they may yet be handed over."""
        found = set[str]()
        async for inputs in self._records.generations.open_inputs():
            found.update(keys.keys_in(inputs))
        return frozenset(found)

    async def _let_go(self, owner: GenerationId, key: str) -> bool:
        """Have the record of a copy know that there is none; return whether it has."""

        def expired(record: Generation, _: datetime) -> Generation:
            return runs.expired(record, {key}) if record.ended else record

        try:
            after = await self._records.change(owner, expired)
        except (ContendedError, UnreadableError) as error:
            self._log.warning("old media is kept a while longer", error=str(error))
            return False
        return after is None or after.ended
