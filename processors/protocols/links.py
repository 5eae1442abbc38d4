"""Sign and check the links to files we keep: minted when shown, never stored.

A signature covers the file's key, how it is to be served, and until when. A link runs out at the
end of a day, so that all links of one day to one file are the same and caches can tell.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

LASTS: Final = timedelta(days=7)
"""How many days after the one it was minted on a link still leads to its file."""

Disposition = Literal["inline", "attachment"]


class Signed(NamedTuple):
    """What a link says beside its file, and the proof that we said it."""

    disposition: Disposition
    until: str
    signature: str


_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def media_link(key: bytes, base: str, stored: str, disposition: Disposition, today: date) -> str:
    """Return the link to a file in storage.

    Args:
        key: Of the purpose "media", see `signing.derive`.
        base: Where we are reached; its path is kept.
        stored: The file's key.
        disposition: Shown in place where that is safe, or always downloaded.
        today: The day in UTC.
    """
    until = (today + LASTS).isoformat()
    signature = _signature(key, stored, disposition, until)
    path = quote(stored, safe="/")
    return f"{base.rstrip('/')}/media/{path}?as={disposition}&until={until}&sig={signature}"


def admits(keys: Sequence[bytes], stored: str, signed: Signed, today: date) -> bool:
    """Return whether a link is one of ours that has not run out.

    Never raises, whatever a stranger sends. Signatures are compared in constant time.

    Args:
        keys: All that may have signed; none of them: nothing is admitted.
        stored: The key in the link's path, without quoting.
        signed: The link's query.
        today: The day in UTC.
    """
    # Days of this form are in the order of their texts.
    in_time = _DAY.fullmatch(signed.until) and signed.until >= today.isoformat()
    if not in_time or not signed.signature.isascii():
        return False
    made = [_signature(key, stored, signed.disposition, signed.until) for key in keys]
    fits = [hmac.compare_digest(each, signed.signature) for each in made]
    return any(fits)


def _signature(key: bytes, stored: str, disposition: Disposition, until: str) -> str:
    """The MAC of the three parts; a line break occurs in none of the first two."""
    message = f"{disposition}\n{until}\n{stored}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(hmac.digest(key, message, "sha256")).rstrip(b"=").decode("ascii")
