"""The files among a prediction's inputs: data URLs decoded, others fetched."""

import base64
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import httpx

from sandbox.replicate.plans import PREFIX
from sandbox.replicate.predictions import Given, Json


class NotFetchedError(Exception):
    """A file among the inputs cannot be had; the text says why."""


async def files_of(client: httpx.AsyncClient, inputs: Json, *, fetch: bool) -> list[Given]:
    """Return the files among the inputs, in their order.

    Args:
        client: What fetches them.
        inputs: All inputs; their lists are looked into, too.
        fetch: Whether files are fetched from URLs; else those are left out.

    Raises:
        NotFetchedError: One of them cannot be had.
    """
    found: list[Given] = []
    for key, text in links(inputs):
        if text.startswith("data:"):
            found.append(Given(key, decoded(text)))
        elif fetch:
            found.append(Given(key, await _fetched(client, text)))
    return found


def links(inputs: Json) -> Iterator[tuple[str, str]]:
    """Return every address among the inputs, with the key that it is given for."""
    for key, value in inputs.items():
        if key.startswith(PREFIX):
            continue
        # A list of an input is JSON, too, of whatever items.
        items: list[object] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
        for item in items:
            if isinstance(item, str) and item.startswith(("http://", "https://", "data:")):
                yield key, item


def decoded(link: str) -> bytes:
    """Return what a data URL holds (RFC 2397).

    Raises:
        ValueError: It is none.
    """
    head, comma, data = link.partition(",")
    if not comma:
        raise ValueError("a data URL without a comma")
    if head.endswith(";base64"):
        return base64.b64decode(data, validate=True)
    return unquote_to_bytes(data)


async def _fetched(client: httpx.AsyncClient, url: str) -> bytes:
    try:
        response = await client.get(url, follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotFetchedError(f"Failed to download {_bare(url)}: {type(error).__name__}") from error
    if not response.is_success:
        raise NotFetchedError(f"Failed to download {_bare(url)}: {response.status_code}")
    return response.content


def _bare(url: str) -> str:
    """Return an address without its query, which may hold what opens it."""
    return url.partition("?")[0]
