"""Files of messages: uploaded, fetched by URL, or named by the id of an earlier one."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx

from sandbox.controls import TelegramControls
from sandbox.multipart import Form, Upload
from sandbox.telegram import limits
from sandbox.telegram.refusals import Refusal

_TIMEOUT: Final = 20.0
_KEPT_BYTES: Final = 256 * limits.MIB
_WRONG: Final = "wrong file identifier/HTTP URL specified"
_UNFETCHED: Final = "failed to get HTTP URL content"


@dataclass(frozen=True)
class Media:
    """One file of a message.

    Attributes:
        by: How it came; `file_id` for one that was sent before.
        size: In bytes.
        sha256: Of its bytes, in hex.
        url: The URL it was sent by, or nothing.
    """

    kind: str
    by: Literal["url", "upload", "file_id"]
    size: int
    sha256: str
    url: str | None
    file_id: str
    filename: str
    content_type: str
    width: int = 640
    height: int = 480

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
        self, kind: str, by: Literal["url", "upload"], file: Upload, url: str | None = None
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
