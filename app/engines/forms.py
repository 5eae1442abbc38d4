"""Forms with a file in them (RFC 7578), sent as the file is read."""

import secrets
from collections.abc import AsyncIterable, AsyncIterator, Mapping


class FileForm:
    """A multipart form with a file in one field.

    Attributes:
        headers: What the request says of its body.

    Args:
        name: The file's name: letters, digits, dots and dashes.
        content_type: Its media type.
        size: Its bytes.
        field: The field that it stands in.
        texts: Other fields, before it.
    """

    def __init__(
        self,
        name: str,
        content_type: str,
        size: int,
        *,
        field: str = "file",
        texts: Mapping[str, str] | None = None,
    ) -> None:
        boundary = secrets.token_hex(16)
        before = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{each}"\r\n\r\n{text}\r\n'
            for each, text in (texts or {}).items()
        )
        self._begin = (
            f"{before}--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        ).encode()
        self._end = f"\r\n--{boundary}--\r\n".encode()
        length = len(self._begin) + size + len(self._end)
        self.headers: Mapping[str, str] = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(length),
        }

    async def around(self, content: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Yield the body: the form, with the file in it."""
        yield self._begin
        async for chunk in content:
            yield chunk
        yield self._end
