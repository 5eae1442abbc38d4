"""Files of messages: uploaded, fetched by URL, or named by the id of an earlier one."""

import asyncio
import hashlib
import io
import mimetypes
import warnings
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx
from PIL import Image, ImageOps

from sandbox.controls import TelegramControls
from sandbox.multipart import Form, Upload
from sandbox.telegram import limits
from sandbox.telegram.refusals import Refusal

_TIMEOUT: Final = 20.0
_KEPT_BYTES: Final = 256 * limits.MIB
_WRONG: Final = "wrong file identifier/HTTP URL specified"
_UNFETCHED: Final = "failed to get HTTP URL content"
_SIDES: Final = (90, 320, 800, 1280)
"""The longest sides, in pixels, that a person's photo is shown in."""
_DOWNLOAD_BYTES: Final = 20 * limits.MIB


@dataclass(frozen=True)
class Media:
    """One file of a message.

    Attributes:
        by: How it came; `file_id` for one that was sent before, `person` for one that none of
            the bot's calls brought.
        size: In bytes.
        sha256: Of its bytes, in hex.
        url: The URL it was sent by, or nothing.
        smaller: The same photo in smaller sizes, the smallest first.
    """

    kind: str
    by: Literal["url", "upload", "file_id", "person"]
    size: int
    sha256: str
    url: str | None
    file_id: str
    filename: str
    content_type: str
    width: int = 640
    height: int = 480
    smaller: tuple["Media", ...] = ()

    @property
    def path(self) -> str:
        """Its `file_path`, below `/file/bot<token>/`."""
        return f"{self.kind}s/{self.file_id}"


class Files:
    """The files this Telegram knows; of the oldest only the record is kept, not the bytes."""

    def __init__(self, client: httpx.AsyncClient, controls: TelegramControls) -> None:
        self._client = client
        self._controls = controls
        self._known: dict[str, Media] = {}
        self._bytes: OrderedDict[str, bytes] = OrderedDict()

    def known(self, file_id: str) -> Media:
        """Return the file of an id.

        Raises:
            Refusal: No message had it.
        """
        if file_id not in self._known:
            raise Refusal("invalid file_id")
        return self._known[file_id]

    def downloadable(self, file_id: str) -> Media:
        """Return the file of an id for a bot that wants to have its bytes.

        Raises:
            Refusal: No message had it, or it is too large to be handed out.
        """
        media = self.known(file_id)
        if media.size > _DOWNLOAD_BYTES:
            raise Refusal("file is too big")
        return media

    async def keep(self, kind: str, file: Upload) -> Media:
        """Return a file that a person sends, as it is.

        Raises:
            Refusal: It is empty.
        """
        if not file.data:
            raise Refusal("file must be non-empty")
        return await self._store(kind, "person", file)

    async def keep_photo(self, data: bytes) -> Media:
        """Return a photo that a person sends: turned, made smaller and without metadata, as JPEG.

        Raises:
            Refusal: It is no picture, or one that Telegram makes no photo of.
        """
        await asyncio.to_thread(limits.picture, data)
        sizes = [
            await self._store("photo", "person", Upload("photo.jpg", "image/jpeg", each))
            for each in await asyncio.to_thread(_in_sizes, data)
        ]
        return replace(sizes[-1], smaller=tuple(sizes[:-1]))

    def data(self, path: str) -> bytes | None:
        """Return the bytes behind a `file_path`, or nothing if they are not here (any more)."""
        return self._bytes.get(path.rpartition("/")[2])

    async def take(self, kind: str, named: str, form: Form) -> Media:
        """Return the file that a call names: an attachment, a URL or a known id.

        Args:
            kind: `photo`, `video`, `audio`, `document` or `animation`.
            named: What the call said: `attach://NAME`, a URL, a file id, or nothing if the upload
                is the part called `kind`.
            form: The call, for its uploads.

        Raises:
            Refusal: It is missing, cannot be fetched, or is beyond the limits of its kind.
        """
        if named.startswith("attach://") or not named:
            uploaded = form.files.get(named.removeprefix("attach://") or kind)
            if uploaded is None:
                raise Refusal(f"there is no {kind} in the request")
            limits.upload(kind, len(uploaded.data))
            return await self._store(kind, "upload", uploaded)
        if "://" in named:
            return await self._store(kind, "url", await self._fetch(kind, named), named)
        media = self._known.get(named)
        if media is None or media.kind != kind:
            raise Refusal(_WRONG)
        return replace(media, by="file_id")

    async def _store(
        self,
        kind: str,
        by: Literal["url", "upload", "person"],
        file: Upload,
        url: str | None = None,
    ) -> Media:
        digest = hashlib.sha256(file.data).hexdigest()
        # Real ids are opaque, too; one per file and kind is what their users rely on.
        file_id = f"sandbox-{kind}-{digest[:32]}"
        media = Media(
            kind, by, len(file.data), digest, url, file_id, file.filename, file.content_type
        )
        if kind == "photo":
            width, height = await asyncio.to_thread(limits.photo, file.data)
            media = replace(media, width=width, height=height)
        self._known[file_id] = media
        self._bytes[file_id] = file.data
        while sum(map(len, self._bytes.values())) > _KEPT_BYTES:
            self._bytes.popitem(last=False)
        return media

    async def _fetch(self, kind: str, url: str) -> Upload:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Refusal(_WRONG)
        if not self._controls.fetch_urls:
            raise Refusal(_UNFETCHED)
        most = limits.URL_BYTES.get(kind, limits.ANY_URL_BYTES)
        try:
            async with (
                asyncio.timeout(_TIMEOUT),
                self._client.stream("GET", url, follow_redirects=True) as response,
            ):
                data = await _read(response, most)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise Refusal(_UNFETCHED) from error
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        _check_type(kind, content_type)
        return Upload(parts.path.rpartition("/")[2], content_type, data)


def named(filename: str, content_type: str | None, data: bytes) -> Upload:
    """Return a document as a person's app sends it: of the type that its name says."""
    guessed = content_type or mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return Upload(filename, guessed, data)


def _in_sizes(data: bytes) -> list[bytes]:
    """Return a picture as JPEGs, as people's apps make them: the smallest first."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as opened:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise Refusal("IMAGE_PROCESS_FAILED") from error
    picture.thumbnail((_SIDES[-1], _SIDES[-1]))
    longest = max(picture.size)
    made: list[bytes] = []
    for side in (*(each for each in _SIDES if each < longest), longest):
        smaller, out = picture.copy(), io.BytesIO()
        smaller.thumbnail((side, side))
        smaller.save(out, "JPEG", quality=87)
        made.append(out.getvalue())
    return made


async def _read(response: httpx.Response, most_bytes: int) -> bytes:
    if not response.is_success:
        raise Refusal(_UNFETCHED)
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > most_bytes:
            raise Refusal(_UNFETCHED)
    return bytes(data)


def _check_type(kind: str, content_type: str) -> None:
    right = {
        "photo": content_type.startswith("image/"),
        "video": content_type == "video/mp4",
        "audio": content_type.startswith("audio/"),
        "document": content_type in limits.URL_DOCUMENTS,
        "animation": content_type in {"image/gif", "video/mp4"},
    }
    if not right[kind]:
        raise Refusal("wrong type of the web page content")
