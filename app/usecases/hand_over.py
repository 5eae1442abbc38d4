"""Hand files over to an engine: those that an order names, before it is sent.

They are uploaded, or linked to where the engine fetches what it is given.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pydantic import JsonValue

from app.clock import Clock
from app.errors import PeerBusyError, PeerDownError, PeerError, PeerMissingError, PeerUnknownError
from app.ports import Receiver, Storage
from processors.images import keys
from schemas.timing import Timing

GOOD_FOR: Final = timedelta(minutes=20)
"""How long an address is used again; a private bucket's is good for an hour from the upload."""
REMEMBERED: Final = 1_000
"""Addresses that are remembered."""
ADDRESS_MOST: Final = 4_096
"""Characters; a longer address holds the file itself, and is made anew."""
OCTETS: Final = "application/octet-stream"
"""What a file is called that shows nothing of what it is."""
STORAGE: Final = "storage"
"""How the storage calls itself in its errors."""


class _Uploaded(NamedTuple):
    address: str
    at: datetime


class HandOver:
    """Gives engines the files in inputs, and remembers under which address they have them.

    Args:
        storage: Where the files are.
        clock: The time.
        timing: Limits.
        link_to: Makes a link to a file of ours, by its key; it is good for days.
    """

    def __init__(
        self, storage: Storage, clock: Clock, timing: Timing, link_to: Callable[[str], str]
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._timing = timing
        self._link_to = link_to
        self._known: OrderedDict[tuple[str, str], _Uploaded] = OrderedDict()

    async def __call__(
        self, engine: Receiver, inputs: Mapping[str, JsonValue], until: datetime
    ) -> dict[str, JsonValue] | None:
        """Return inputs as the engine takes them, with addresses in place of our files.

        Args:
            engine: Who is to have the files.
            inputs: As they were ordered.
            until: When there is no time left; what was uploaded by then is remembered.

        Returns:
            None where there is not time enough for another file, or for the submit after them.

        Raises:
            PeerMissingError: A file is no longer there.
            PeerRefusedError: The engine does not take it.
            PeerBusyError: It may be done later.
            PeerDownError: The engine is at fault, as a whole.
        """
        addresses = dict[str, str]()
        for key in keys.keys_in(inputs):
            address = self._address(engine.name, key)
            if address is None:
                if until - self._clock.now() < self._timing.upload_limit:
                    return None
                address = await self._given(engine, key)
            addresses[key] = address
        if addresses and until - self._clock.now() < self._timing.submit_limit:
            return None
        return keys.replaced(inputs, addresses)

    async def _given(self, engine: Receiver, key: str) -> str:
        try:
            stored = await self._storage.head(key)
            if stored is None:
                raise PeerMissingError(STORAGE, "has no such file")
            if engine.fetches(stored.size):
                return self._link_to(key)
            content = self._storage.read(key, 0, stored.size)
            name = keys.name_of(key, stored.content_type)
            address = await engine.upload(name, content, stored.size, stored.content_type or OCTETS)
        except PeerError as error:
            raise _sorted(error) from error
        if len(address) > ADDRESS_MOST:
            return address
        self._known[engine.name, key] = _Uploaded(address, self._clock.now())
        self._known.move_to_end((engine.name, key))
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return address

    def _address(self, engine: str, key: str) -> str | None:
        known = self._known.get((engine, key))
        if known is None or self._clock.now() - known.at > GOOD_FOR:
            return None
        return known.address


def _sorted(error: PeerError) -> PeerError:
    """Return what a failed upload means for the submit that waits for it.

    The engine was sent no order yet, so nothing about that is unknown; and that the storage is
    away must not be taken for a fault of the engine's.
    """
    ours = isinstance(error, PeerDownError) and error.peer == STORAGE
    if ours or isinstance(error, PeerUnknownError):
        return PeerBusyError(error.peer, error.said)
    return error
