"""Who may call: keys, compared in constant time."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from app.web.refusals import UnauthorizedError

Headers = Iterable[tuple[bytes, bytes]]
"""As ASGI gives them: names in lower case."""

_SCHEME: Final = b"bearer"


class Keys:
    """Keys of one kind; none of them: nobody comes in."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        # Digests are of one length, so that comparing tells nothing of a key's own.
        self._digests = tuple(hashlib.sha256(key).digest() for key in keys if key)

    def caller(self, headers: Headers) -> str:
        """Return a name for whoever calls: 32 hexadecimal digits of the key's digest.

        Raises:
            UnauthorizedError: There is not exactly one ``Authorization: Bearer`` with a
                right key.
        """
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1:
            raise UnauthorizedError
        scheme, _, key = given[0].partition(b" ")
        digest, fits = self._tried(key.strip())
        if scheme.lower() != _SCHEME or not fits:
            raise UnauthorizedError
        return digest.hex()[:32]

    def check(self, headers: Headers, given: Sequence[bytes]) -> None:
        """Check the key of whoever calls, which may have come in other ways as well.

        Args:
            headers: Where it may be an ``Authorization: Bearer``.
            given: What has come in the other ways.

        Raises:
            UnauthorizedError: No right key has come at all, or any that is not right.
        """
        bearers = any(name == b"authorization" for name, _ in headers)
        fits = [self._tried(each)[1] for each in given]
        if bearers:
            self.caller(headers)
        if not all(fits) or not (bearers or fits):
            raise UnauthorizedError

    def _tried(self, key: bytes) -> tuple[bytes, bool]:
        """Return a key's digest, and whether it is a right one."""
        digest = hashlib.sha256(key).digest()
        # Every key is looked at, so that the time does not tell which one fits.
        fits = [hmac.compare_digest(digest, known) for known in self._digests]
        return digest, any(fits)

    def admits(self, headers: Headers) -> bool:
        """Return whether whoever calls has a right key."""
        try:
            self.caller(headers)
        except UnauthorizedError:
            return False
        return True
