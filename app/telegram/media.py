"""The forms in which an output can be sent, from the richest to the plainest.

Limits are those of the Bot API 10.3 ("Sending files"): by URL 5 MB for photos and 20 MB for
others, documents by URL only as gif, pdf or zip; by upload 10 MB for photos, 50 MB for others.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from processors.notifications import Item
from processors.protocols import addresses
from schemas.run import DATA, OutputKind

ALBUM_MOST: Final = 10
PHOTO_UPLOAD_BYTES: Final = 10_000_000
UPLOAD_BYTES: Final = 50_000_000
USUAL_BYTES: Final = 8_000_000
"""What a picture rarely exceeds: so much is held in memory before it is known to be more."""
ALBUM_UPLOAD_BYTES: Final = 40_000_000
"""Most bytes of one album that are held in memory."""
TOO_LARGE: Final = "too_large"
"""The reason of a PeerError that a fetch raises over its limit."""

_STILL: Final = ("png", "jpg", "jpeg", "webp", "bmp")
_BY_URL: Final = ("gif", "pdf", "zip")


class Fetched(Protocol):
    """A whole file."""

    @property
    def content(self) -> bytes:
        """Its bytes."""
        ...

    @property
    def content_type(self) -> str | None:
        """What its server called it."""
        ...


class Fetch(Protocol):
    """Gets a file from listed hosts only."""

    async def __call__(
        self, url: str, *, hosts: tuple[str, ...], limit_bytes: int, timeout_seconds: float
    ) -> Fetched:
        """Return the file.

        Raises:
            PeerError: It cannot be had; with the reason `TOO_LARGE`, for its size.
        """
        ...


class Form(StrEnum):
    """What Telegram shows it as."""

    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    AUDIO = "audio"
    DOCUMENT = "document"


class Medium(NamedTuple):
    """One file in one form, ready for a call.

    Attributes:
        form: What it is shown as.
        source: Where Telegram is to fetch it, or its bytes.
        filename: Its name; needed for bytes.
    """

    form: Form
    source: str | bytes
    filename: str | None


class Part(NamedTuple):
    """What goes out in one message, or in one album of 2 to 10 items."""

    items: tuple[Item, ...]


def parts(items: Sequence[Item]) -> Iterator[Part]:
    """Divide items into messages and albums, in their order.

    Neighbours that can stand in one album do: photos with videos. All others go alone.
    """
    album = list[Item]()
    for item in items:
        if album and (not _visual(item) or len(album) == ALBUM_MOST):
            yield Part(tuple(album))
            album = []
        if _visual(item):
            album.append(item)
        else:
            yield Part((item,))
    if album:
        yield Part(tuple(album))


def form_of(item: Item) -> Form:
    """Return the richest form of an item."""
    extension = extension_of(item)
    match item.kind:
        case OutputKind.IMAGE if extension == "gif":
            return Form.ANIMATION
        case OutputKind.IMAGE if not extension or extension in _STILL:
            return Form.PHOTO
        case OutputKind.VIDEO:
            return Form.VIDEO
        case OutputKind.AUDIO:
            return Form.AUDIO
        case _:
            return Form.DOCUMENT


def extension_of(item: Item) -> str:
    """Return an item's extension in lower case, or an empty string."""
    name = item.filename or urlsplit(item.url or "").path.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[-1].lower() if "." in name else ""


def name_of(item: Item) -> str:
    """Return the name under which an item is uploaded."""
    extension = extension_of(item)
    plain = extension if extension.isascii() and extension.isalnum() else "bin"
    return item.filename or f"{item.kind.value}.{plain}"


def by_url(item: Item, form: Form, *, allow_private: bool, own: Sequence[str] = ()) -> bool:
    """Return whether Telegram can be expected to fetch an item itself, and may hear where it is.

    Args:
        item: The item.
        form: In which it is to be sent.
        allow_private: Whether addresses that are not public can be fetched from.
        own: Base URLs of servers of our own, which nobody else is sent to.
    """
    if item.url is None or item.url.startswith(DATA) or addresses.below(item.url, own):
        return False
    if form is Form.DOCUMENT and extension_of(item) not in _BY_URL:
        return False
    return allow_private or is_public(item.url)


def is_public(url: str) -> bool:
    """Return whether a URL looks like one that the whole world can fetch."""
    try:
        parsed = urlsplit(url)
        host = parsed.hostname or ""
    except ValueError:
        return False
    if parsed.scheme != "https" or not host:
        return False
    try:
        return addresses.is_public(ip_address(host))
    except ValueError:
        return "." in host and not addresses.is_local_name(host)


def limit_of(form: Form) -> int:
    """Return the most bytes that can be uploaded in a form."""
    return PHOTO_UPLOAD_BYTES if form is Form.PHOTO else UPLOAD_BYTES


def forms(item: Item) -> tuple[Form, ...]:
    """Return the forms in which to try an item, one after the other."""
    best = form_of(item)
    return (best,) if best is Form.DOCUMENT else (best, Form.DOCUMENT)


def _visual(item: Item) -> bool:
    return form_of(item) in (Form.PHOTO, Form.VIDEO)
