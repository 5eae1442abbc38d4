"""How often somebody may try a wrong key, by where they come from.

Kept in each process for itself and in bounded memory: keys are too long to be guessed, and this
keeps the log and the database of those quiet who try.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from app.web.refusals import GuessedError

MOST: Final = 10
"""Wrong keys within the window; then none is looked at until it is over."""
WINDOW: Final = timedelta(minutes=1)
PLACES_MOST: Final = 1024
"""Places that are remembered; whoever has not tried for longest is forgotten."""
_SUBSCRIBER_BITS: Final = 64
"""What one subscriber has of IPv6 (RFC 6177): all of it is one place."""


class Guesses:
    """Counts wrong keys."""

    def __init__(self) -> None:
        self._by_place: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def check(self, address: str, now: datetime) -> None:
        """Refuse to look at another key from an address.

        Raises:
            GuessedError: Too many wrong ones came from there.
        """
        begun, wrong = self._by_place.get(_place(address), (now, 0))
        if wrong >= MOST and now - begun < WINDOW:
            raise GuessedError(begun + WINDOW - now)

    def wrong(self, address: str, now: datetime) -> None:
        """Count a wrong key from an address."""
        place = _place(address)
        begun, wrong = self._by_place.pop(place, (now, 0))
        self._by_place[place] = (begun, wrong + 1) if now - begun < WINDOW else (now, 1)
        if len(self._by_place) > PLACES_MOST:
            self._by_place.popitem(last=False)


def _place(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        # A server on a Unix socket has no address of its callers.
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(int(parsed) >> _SUBSCRIBER_BITS)
    return str(parsed)
