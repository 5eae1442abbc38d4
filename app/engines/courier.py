"""Send outgoing webhooks to URLs that others gave us.

As with files (see `fetching`), what is connected to is an address that was checked, never a name.
No redirect is followed, of the answer nothing is read but its head, and nothing that is said of a
failure holds more of the URL than its host.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final

import httpx

from app.clock import Clock
from app.engines.fetching import MAX_ADDRESSES, Resolver, resolve_name
from app.ports import Receipt
from processors import hooks
from processors.hooks import HookProblem
from processors.protocols import addresses
from processors.protocols.addresses import Target

WAIT_MOST: Final = timedelta(hours=6)
"""The longest wait that a receiver may name: as long as our own last one."""
_BUSY: Final = frozenset({429, 503})
"""Answers that may name a wait (RFC 6585, 4; RFC 9110, 15.6.4)."""


class HttpCourier:
    """See app.ports.Courier. Each message has a connection of its own; it needs no closing.

    Args:
        allow_private: Whether addresses may be sent to that are not public.
        limit: The longest time for everything: resolving, connecting, sending, the answer's head.
        clock: The time.
        resolve: Where addresses of names come from.
        tls: Whom to trust; certifi's bundle if not given.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        limit: timedelta,
        clock: Clock,
        resolve: Resolver = resolve_name,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        # Less than the limit of a try, so that what came of it can be written under its claim.
        self._limit = limit * 0.8
        self._clock = clock
        self._resolve = resolve
        self._tls = tls or httpx.create_ssl_context(trust_env=False)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """See app.ports.Courier."""
        try:
            async with asyncio.timeout(self._limit.total_seconds()):
                target = hooks.check_url(url, allow_private=self._allow_private)
                found = await self._addresses(target)
                return await self._posted(target, found, headers, body)
        except TimeoutError:
            return Receipt(None, "did not answer in time")
        except HookProblem as error:
            return Receipt(None, error.problem)
        except (OSError, UnicodeError):
            return Receipt(None, "its name leads to no address")
        except httpx.ConnectError:
            return Receipt(None, "takes no connection")
        except httpx.HTTPError:
            return Receipt(None, "broke the connection off, or answers no HTTP")

    async def _addresses(self, target: Target) -> Sequence[str]:
        """Return the addresses to connect to, at least one, each of them checked."""
        if target.address is not None:
            return (target.host,)
        found = await self._resolve(target.host, target.port)
        if not found:
            raise OSError(target.host)
        # One private address among public ones refuses the name: an honest one has none.
        public = all(addresses.is_public(ip_address(each)) for each in found)
        if not (public or self._allow_private):
            raise HookProblem("url", "leads to a private address, which is not allowed here")
        return tuple(dict.fromkeys(found))[:MAX_ADDRESSES]

    async def _posted(
        self, target: Target, found: Sequence[str], headers: Mapping[str, str], body: bytes
    ) -> Receipt:
        """Send to the first address that takes a connection."""
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            for address in found[:-1]:
                try:
                    return await self._asked(transport, target, address, headers, body)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
            return await self._asked(transport, target, found[-1], headers, body)

    async def _asked(
        self,
        transport: httpx.AsyncHTTPTransport,
        target: Target,
        address: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Receipt:
        request = httpx.Request(
            "POST",
            httpx.URL(scheme=target.scheme, host=address, port=target.port),
            headers={**headers, "Host": target.authority, "Connection": "close"},
            content=body,
            extensions={
                "timeout": httpx.Timeout(self._limit.total_seconds()).as_dict(),
                "sni_hostname": target.host,
                "target": target.path_and_query.encode("ascii"),
            },
        )
        response = await transport.handle_async_request(request)
        await response.aclose()
        return Receipt(response.status_code, retry_after=self._wait(response))

    def _wait(self, response: httpx.Response) -> timedelta | None:
        """Return the wait that an answer names, in seconds or as a date (RFC 9110, 10.2.3)."""
        named = response.headers.get("retry-after")
        if response.status_code not in _BUSY or named is None:
            return None
        if named.isascii() and named.isdigit():
            return min(timedelta(seconds=int(named[:9])), WAIT_MOST)
        try:
            until = parsedate_to_datetime(named)
            wait = until - self._clock.now()
        except (ValueError, TypeError):
            return None
        return min(max(wait, timedelta()), WAIT_MOST)
