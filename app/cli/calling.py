"""Calls of commands to the running service's own API."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from app.errors import SetupError
from app.main.listening import noted_url, reachable
from app.settings import Settings

CALL_SECONDS: Final = 20.0

Json = dict[str, Any]
"""What the API says: Any, since it is only shown."""


@asynccontextmanager
async def reaching(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client of the running service, with its key.

    Raises:
        SetupError: The settings have no key.
    """
    key = settings.own_key
    if key is None:
        raise SetupError(["INTERNAL_API_KEY: is missing"])
    async with httpx.AsyncClient(
        base_url=_service(settings),
        headers={"Authorization": f"Bearer {key}"},
        timeout=CALL_SECONDS,
        trust_env=False,
    ) as client:
        yield client


async def call(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: Json | None = None,
    *,
    file: tuple[bytes, str] | None = None,
) -> Json:
    """Call the service.

    Args:
        client: Of the service.
        method: As in HTTP.
        path: Of what is called.
        body: What is sent, as JSON.
        file: What is sent as it is, and its media type.

    Raises:
        SetupError: It does not answer, or refuses.
    """
    content, headers = (None, {}) if file is None else (file[0], {"Content-Type": file[1]})
    try:
        answer = await client.request(method, path, json=body, content=content, headers=headers)
        said: Json = answer.json()
    except httpx.HTTPError as error:
        why = type(error).__name__
        raise SetupError(
            [f"nobody answers at {client.base_url} ({why}); is `runrelay serve` running?"]
        ) from error
    except ValueError as error:
        raise SetupError([f"PORT: what answers at {client.base_url} is not Runrelay"]) from error
    if answer.is_success:
        return said
    detail = said.get("detail") or said.get("title") or f"answered {answer.status_code}"
    raise SetupError([f"the service refuses: {detail}"])


def _service(settings: Settings) -> str:
    """Return where the service listens: as it noted, else as the settings say."""
    return noted_url(settings.data_dir) or f"http://{reachable(settings.host)}:{settings.port}"
