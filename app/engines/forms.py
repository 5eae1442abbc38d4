"""Forms with a file in them (RFC 7578), sent as the file is read."""

import secrets
from collections.abc import AsyncIterable, AsyncIterator, Mapping


class FileForm:
    """A multipart form with one field, `file`.

    Attributes:
        headers: What the request says of its body.

    Args:
        name: The file's name: letters, digits, dots and dashes.
        content_type: Its media type.
        size: Its bytes.
    """

    def __init__(self, name: str, content_type: str, size: int) -> None:
        boundary = secrets.token_hex(16)
        self._begin = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
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
