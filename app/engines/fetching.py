"""Fetch files from URLs that others gave us, from listed hosts only.

What is connected to is an address that was checked, never a name: the name is resolved here,
every address it has must be public, and the request goes to one of these addresses with the
name in `Host`, SNI and the certificate check. So DNS that changes its mind finds nobody asking.
The bare transport is used because it follows no redirect, keeps no cookie, knows no proxy and
shares no connection with the next fetch. Neither errors nor logs hold a URL, which may be signed.

What lies below the base URL of a server of our own may have a private address, and is asked for
with that server's headers. All other rules hold there too.
"""

import asyncio
import socket
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, Literal

import httpx
from pydantic import SecretStr

from app.errors import PeerError, PeerMissingError
from processors.protocols import addresses, data_urls, sniffing
from processors.protocols.addresses import ForbiddenUrlError, Target
from processors.protocols.sniffing import Sniffed
from schemas.run import DATA

FetchReason = Literal[
    "forbidden", "refused", "redirect", "too_large", "encoding", "timeout", "status", "network"
]
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name and port, most wanted first; raises OSError when it has none."""

MAX_ADDRESSES: Final = 4
"""How many addresses of a name are tried one after the other."""
_MAX_CONTENT_TYPE: Final = 255
_HEADERS: Final = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "runrelay",
}


class FetchError(PeerError):
    """A file that could not be had; its text names the host and nothing else of the URL.

    Attributes:
        reason: A slug, fit for a metric label.
        host: Whom we asked, empty when the URL could not be read.
        status: The HTTP status when the reason is `status`, `refused` or `redirect`.
        detail: For `forbidden` the slug of `ForbiddenUrlError.reason`.
    """

    def __init__(
        self, reason: FetchReason, host: str, *, status: int | None = None, detail: str = ""
    ) -> None:
        more = detail or (str(status) if status is not None else "")
        super().__init__(host or "a URL", reason + (f" ({more})" if more else ""))
        self.reason: FetchReason = reason
        self.host = host
        self.status = status
        self.detail = detail


class FileGoneError(FetchError, PeerMissingError):
    """A file that its host says it has not."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole file.

    Attributes:
        content: Its bytes.
        content_type: What the peer called it; not to be believed.
        sniffed: What its first bytes say it is; None when that is nothing we show.
    """

    content: bytes
    content_type: str | None
    sniffed: Sniffed | None


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file under way; fields as in `Fetched`.

    Attributes:
        chunks: The whole content, to be read once; raises `FetchError`.
        content_type: What the peer called it; not to be believed.
        sniffed: What its first bytes say it is.
        length: Bytes as announced by the peer, None when it did not say; not to be believed.
    """

    chunks: AsyncIterator[bytes]
    content_type: str | None
    sniffed: Sniffed | None
    length: int | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for.

    Attributes:
        target: Where, as checked.
        headers: Of the request; they may hold credentials.
        allow_private: Whether its name may have addresses that are not public.
    """

    target: Target
    headers: httpx.Headers = field(repr=False)
    allow_private: bool


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system's resolver knows for `host`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Fetcher:
    """Fetches from listed hosts, each time over a connection of its own; needs no closing."""

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Resolver = resolve_name,
        connect_seconds: float = 10.0,
        read_seconds: float = 30.0,
        tls: ssl.SSLContext | None = None,
        own: Mapping[str, Mapping[str, SecretStr]] | None = None,
    ) -> None:
        """Make a fetcher; reads the certificate bundle once, which takes some 20 ms.

        Args:
            allow_private: Whether listed hosts may have addresses that are not public: on for
                peers on this machine, else off.
            resolve: Where addresses of names come from.
            connect_seconds: Longest wait for one connection, TLS included.
            read_seconds: Longest silence while reading.
            tls: Whom to trust; certifi's bundle if not given.
            own: Servers that the operator named, by their base URLs as `ServerSettings` writes
                them: the headers of every request to what lies below.
        """
        self._allow_private = allow_private
        self._resolve = resolve
        self._timeout = httpx.Timeout(read_seconds, connect=connect_seconds)
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._own = own or {}

    async def fetch(
        self, url: str, *, hosts: tuple[str, ...], limit_bytes: int, timeout_seconds: float
    ) -> Fetched:
        """Return the file at `url`; arguments and errors as for `stream`."""
        async with self.stream(
            url, hosts=hosts, limit_bytes=limit_bytes, timeout_seconds=timeout_seconds
        ) as streamed:
            content = b"".join([chunk async for chunk in streamed.chunks])
        return Fetched(content, streamed.content_type, streamed.sniffed)

    @asynccontextmanager
    async def stream(
        self, url: str, *, hosts: tuple[str, ...], limit_bytes: int, timeout_seconds: float
    ) -> AsyncGenerator[Streamed]:
        """Open the file at `url`; its content is read while the context is open.

        Args:
            url: As a stranger gave it; a ``data:`` URL is the file itself, and nobody is asked.
            hosts: Whom to fetch from, as for `addresses.check_url`.
            limit_bytes: The largest file taken.
            timeout_seconds: The longest time for everything: resolving, connecting, reading,
                and what the caller does with the chunks meanwhile.

        Raises:
            FileGoneError: Its host says that there is none.
            FetchError: It cannot be had, by its reason: never (`forbidden`, `redirect`,
                `too_large`, `encoding`), not under this address (`refused`: 401 or 403), or
                perhaps later (`timeout`, `status`, `network`).
        """
        if url.startswith(DATA):
            yield _within(url, limit_bytes)
            return
        wanted = self._checked(url, hosts)
        target = wanted.target
        deadline = asyncio.timeout(timeout_seconds)
        try:
            async with deadline, AsyncExitStack() as stack:
                with _translated(target.host):
                    response = await self._opened(wanted, stack)
                    length = _checked_length(response, target.host, limit_bytes)
                    body = _limited(response, target.host, limit_bytes)
                    chunks = await stack.enter_async_context(aclosing(body))
                    head = await _head_of(chunks)
                yield Streamed(
                    await stack.enter_async_context(aclosing(_joined(head, chunks))),
                    _content_type(response),
                    sniffing.kind_of(head),
                    length,
                )
        except TimeoutError as error:
            # A time limit of the caller's own, inside the context, is the caller's affair.
            if not deadline.expired():
                raise
            raise FetchError("timeout", target.host) from error

    def _checked(self, url: str, hosts: tuple[str, ...]) -> _Wanted:
        """What may be asked for under a URL."""
        own = self._own.get(addresses.below(url, self._own) or "")
        private = self._allow_private or own is not None
        try:
            target = addresses.check_url(url, hosts=hosts, allow_private=private)
        except ForbiddenUrlError as error:
            raise FetchError("forbidden", error.host, detail=error.reason) from error
        headers = httpx.Headers(_HEADERS)
        headers.update({name: value.get_secret_value() for name, value in (own or {}).items()})
        headers["Host"] = target.authority
        return _Wanted(target, headers, private)

    async def _opened(self, wanted: _Wanted, stack: AsyncExitStack) -> httpx.Response:
        """The answer of the first address that takes a connection, its body not yet read."""
        found = await self._addresses(wanted)
        transport = await stack.enter_async_context(
            httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False)
        )
        for address in found[:-1]:
            try:
                return await self._asked(transport, wanted, address, stack)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._asked(transport, wanted, found[-1], stack)

    async def _addresses(self, wanted: _Wanted) -> Sequence[str]:
        """The addresses to connect to, at least one, each of them checked."""
        target = wanted.target
        if target.address is not None:
            return (target.host,)
        try:
            found = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise FetchError("network", target.host, detail="name") from error
        if not found:
            raise FetchError("network", target.host, detail="name")
        # One private address among public ones refuses the name: an honest one has none.
        if not wanted.allow_private and not all(
            addresses.is_public(ip_address(address)) for address in found
        ):
            raise FetchError("forbidden", target.host, detail="private_address")
        return tuple(dict.fromkeys(found))[:MAX_ADDRESSES]

    async def _asked(
        self,
        transport: httpx.AsyncHTTPTransport,
        wanted: _Wanted,
        address: str,
        stack: AsyncExitStack,
    ) -> httpx.Response:
        """The answer of one address, closed with the stack."""
        target = wanted.target
        request = httpx.Request(
            "GET",
            httpx.URL(scheme=target.scheme, host=address, port=target.port),
            headers=wanted.headers,
            extensions={
                "timeout": self._timeout.as_dict(),
                "sni_hostname": target.host,
                # As checked, byte for byte: a signature may depend on how it was quoted.
                "target": target.path_and_query.encode("ascii"),
            },
        )
        response = await transport.handle_async_request(request)
        stack.push_async_callback(response.aclose)
        return response


def _within(url: str, limit_bytes: int) -> Streamed:
    """The file that an address is itself."""
    try:
        content, content_type = data_urls.decoded(url)
    except ForbiddenUrlError as error:
        raise FetchError("forbidden", "", detail=error.reason) from error
    if len(content) > limit_bytes:
        raise FetchError("too_large", "")
    sniffed = sniffing.kind_of(content)
    return Streamed(_whole(content), content_type, sniffed, len(content))


async def _whole(content: bytes) -> AsyncGenerator[bytes]:
    if content:
        yield content


@contextmanager
def _translated(host: str) -> Generator[None]:
    """Turn the errors of the transport into ours."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise FetchError("timeout", host) from error
    except httpx.HTTPError as error:
        raise FetchError("network", host) from error


def _checked_length(response: httpx.Response, host: str, limit_bytes: int) -> int | None:
    """The announced length of an answer worth reading.

    The status must be 200: nobody asked for a part, and an empty answer is no file.
    """
    if response.is_redirect:
        raise FetchError("redirect", host, status=response.status_code)
    if response.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        raise FileGoneError("status", host, status=response.status_code)
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise FetchError("refused", host, status=response.status_code)
    if response.status_code != HTTPStatus.OK:
        raise FetchError("status", host, status=response.status_code)
    # What is asked for is the file as it is; a compressed one could unfold without end.
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise FetchError("encoding", host)
    # The HTTP layer has refused a length that is no number.
    announced = response.headers.get("content-length")
    length = int(announced) if announced else None
    if length is not None and length > limit_bytes:
        raise FetchError("too_large", host)
    return length


async def _limited(response: httpx.Response, host: str, limit_bytes: int) -> AsyncGenerator[bytes]:
    """The body, as long as it keeps within the limit, whatever was announced."""
    seen = 0
    with _translated(host):
        async for chunk in response.aiter_raw():
            seen += len(chunk)
            if seen > limit_bytes:
                raise FetchError("too_large", host)
            yield chunk


async def _head_of(chunks: AsyncIterator[bytes]) -> bytes:
    """The beginning of a body: enough to sniff, or all there is."""
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= sniffing.HEAD_BYTES:
            break
    return head


async def _joined(head: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The whole body again, from a beginning that was taken off it."""
    if head:
        yield head
    async for chunk in rest:
        yield chunk


def _content_type(response: httpx.Response) -> str | None:
    """What the peer calls the file, when that is fit to be kept."""
    told = response.headers.get("content-type", "")
    return told if 0 < len(told) <= _MAX_CONTENT_TYPE and told.isprintable() else None
