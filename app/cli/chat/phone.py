"""A person's Telegram: the sandbox's control calls."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from app.errors import SetupError

CALL_SECONDS: Final = 20.0
"""More than a payment waits for the bot."""

_FUTURE: Final = 2**52

Json = dict[str, Any]
"""What the sandbox says: Any, since it is only shown."""


class NotDoneError(Exception):
    """Telegram would not let a person do it; the message is its sentence."""


class Phone:
    """What people do and see, at a sandbox's address."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        """Prepare.

        Args:
            url: The sandbox's, without a slash at the end.
            client: For the calls.
        """
        self._url = url
        self._client = client
        self._read = 0

    def link(self, file_id: str) -> str:
        """Return where a file can be looked at."""
        return f"{self._url}/control/telegram/files/{file_id}"

    async def begin(self) -> None:
        """Leave out what has been seen until now.

        Raises:
            SetupError: Nobody answers.
        """
        self._read = (await self._call("GET", "seen", params={"after": _FUTURE}))["last"]

    async def act(self, act: Mapping[str, object]) -> Json:
        """Do something; a payment takes until the bot has agreed to it.

        Raises:
            NotDoneError: Telegram would not let a person do it.
            SetupError: Nobody answers.
        """
        return await self._call("POST", "acts", body=act)

    async def seen(self, wait: float) -> list[Json]:
        """Return what has happened since the last look, waiting up to `wait` seconds for it.

        Raises:
            SetupError: Nobody answers.
        """
        # The sandbox keeps nobody waiting for longer than a minute.
        params = {"after": self._read, "wait": min(wait, 50.0)}
        found = await self._call("GET", "seen", params=params)
        self._read = found["last"]
        return found["events"]

    async def _call(
        self,
        method: str,
        what: str,
        *,
        params: Mapping[str, float] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Json:
        limit = CALL_SECONDS + (params or {}).get("wait", 0.0)
        try:
            answer = await self._client.request(
                method,
                f"{self._url}/control/telegram/{what}",
                params=params,
                json=body,
                timeout=limit,
            )
            said: Json = answer.json()
        except httpx.HTTPError as error:
            why = type(error).__name__
            raise SetupError(
                [f"no sandbox answers at {self._url} ({why}); is `runrelay serve` running?"]
            ) from error
        except ValueError as error:
            raise self._nobody() from error
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise self._nobody()
        if not answer.is_success:
            raise NotDoneError(said.get("detail") or f"answered {answer.status_code}")
        return said

    def _nobody(self) -> SetupError:
        return SetupError([f"what answers at {self._url} is not a sandbox"])
