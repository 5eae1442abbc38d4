"""Who may call: keys, compared in constant time."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from app.web.refusals import UnauthorizedError
from schemas.access import ApiKey, Sight

Headers = Iterable[tuple[bytes, bytes]]
"""As ASGI gives them: names in lower case."""

_SCHEME: Final = b"bearer"
_CALLER_DIGITS: Final = 32


def bearer(headers: Headers) -> bytes | None:
    """Return what stands after ``Authorization: Bearer``; None without that header.

    Raises:
        UnauthorizedError: There are several of it, or one of another scheme.
    """
    given = [value for name, value in headers if name == b"authorization"]
    if not given:
        return None
    scheme, _, key = given[0].partition(b" ")
    if len(given) > 1 or scheme.lower() != _SCHEME:
        raise UnauthorizedError
    return key.strip()


class Keys:
    """Keys of one kind; none of them: nobody comes in."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        # Digests are of one length, so that comparing tells nothing of a key's own.
        self._digests = tuple(hashlib.sha256(key).digest() for key in keys if key)

    def check(self, headers: Headers, given: Sequence[bytes]) -> None:
        """Check the key of whoever calls, which may have come in other ways as well.

        Args:
            headers: Where it may be an ``Authorization: Bearer``.
            given: What has come in the other ways.

        Raises:
            UnauthorizedError: No right key has come at all, or any that is not right.
        """
        borne = bearer(headers)
        tried = given if borne is None else (*given, borne)
        fits = [self._fits(each) for each in tried]
        if not fits or not all(fits):
            raise UnauthorizedError

    def _fits(self, key: bytes) -> bool:
        """Return whether a key is a right one."""
        digest = hashlib.sha256(key).digest()
        # Every key is looked at, so that the time does not tell which one fits.
        fits = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(fits)


class ApiKeys:
    """The keys that open the API, each with what it may do; none of them: nobody comes in."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._sights = tuple(_sight(key) for key in keys if key.secret.get_secret_value())

    def sight(self, key: bytes) -> Sight | None:
        """Return what the holder of a key sees; None for a key that is none of ours."""
        digest = hashlib.sha256(key).digest()
        fitting = [sight for known, sight in self._sights if hmac.compare_digest(digest, known)]
        return fitting[0] if fitting else None

    def of(self, caller: str) -> Sight | None:
        """Return what the holder of the key with this name sees; None where it is gone."""
        return next((sight for _, sight in self._sights if sight.caller == caller), None)

    def admits(self, headers: Headers) -> bool:
        """Return whether whoever calls has a right key."""
        try:
            borne = bearer(headers)
        except UnauthorizedError:
            return False
        return borne is not None and self.sight(borne) is not None


def _sight(key: ApiKey) -> tuple[bytes, Sight]:
    """Return a key's digest, and what its holder sees."""
    digest = hashlib.sha256(key.secret.get_secret_value().encode()).digest()
    caller = digest.hex()[:_CALLER_DIGITS]
    return digest, Sight(name=key.name, scope=key.scope, internal=True, caller=caller)
