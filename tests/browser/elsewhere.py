"""Somebody else's site, of one page, that calls our service from the browser."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass
class Elsewhere:
    """A site.

    Attributes:
        origin: Where it is.
        page: Its page, as HTML.
    """

    origin: str = ""
    page: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer any request with the page; browsers also open connections to no purpose."""
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            body = self.page.encode()
            head = f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close"
            writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)
        writer.close()


@asynccontextmanager
async def an_elsewhere() -> AsyncGenerator[Elsewhere]:
    """Serve a site until it is left."""
    site = Elsewhere()
    # Its pages are really served: what a test only feigns counts as the internet's, and browsers
    # do not let that call loopback.
    async with await asyncio.start_server(site.answer, "127.0.0.1", 0) as server:
        site.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield site
