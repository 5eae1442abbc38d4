"""Read the one file in a multipart form (RFC 7578) as it comes."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import BadFieldError

DISPOSITION: Final = "content-disposition"


def boundary_of(content_type: bytes) -> bytes:
    """Return what stands between the parts of a form.

    Raises:
        BadFieldError: The header names nothing.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise BadFieldError("Content-Type", "names no boundary")
    return boundary


async def file_in(chunks: AsyncIterable[bytes], boundary: bytes, name: str) -> AsyncIterator[bytes]:
    """Yield the content of the part called `name`; other parts are passed over.

    Raises:
        BadFieldError: There is no such part, or more than one; or it is no form, or not whole.
    """
    form = _Form(boundary, name)
    async for chunk in chunks:
        yield form.feed(chunk)
    form.end()


class _Form:
    """A form, under way."""

    def __init__(self, boundary: bytes, name: str) -> None:
        self._name = name
        self._seen = 0
        self._wanted = self._ended = False
        self._header = self._value = b""
        self._data = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise BadFieldError("Content-Type", "names a boundary that is too long") from error

    def feed(self, chunk: bytes) -> bytes:
        """Read on; return what there is of the file."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadFieldError("body", "is not a form") from error
        data, self._data = bytes(self._data), bytearray()
        return data

    def end(self) -> None:
        """Refuse what is not whole."""
        if not self._ended:
            raise BadFieldError("body", "is not a whole form")
        if not self._seen:
            raise BadFieldError(self._name, "is missing")

    def _part(self) -> None:
        self._wanted = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.decode("latin-1").lower() == DISPOSITION:
            named = parse_options_header(self._value)[1].get(b"name", b"")
            self._wanted = named == self._name.encode()
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        self._seen += self._wanted
        if self._seen > 1:
            raise BadFieldError(self._name, "is given more than once")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._data += data[start:end]

    def _end(self) -> None:
        self._ended = True
