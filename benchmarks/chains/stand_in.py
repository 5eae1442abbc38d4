"""The stand-in for Replicate, as the benchmark turns it and asks what came to it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx

PATIENCE_SECONDS: Final = 60
AMPLE: Final = 1_000_000
"""Creations in a minute that nobody comes to."""


class Prediction(NamedTuple):
    """What the stand-in tells of a prediction.

    Attributes:
        id: Its id.
        generation: What its webhook's address names; its own id where that names nothing.
        status: How it stands.
        created: When it was created, in seconds of the machine's monotonic clock.
        told: When its end was first told, by the same clock; None where it was not.
    """

    id: str
    generation: str
    status: str
    created: float
    told: float | None


class Request(NamedTuple):
    """A request that came to the API; `at` in seconds of the machine's monotonic clock."""

    method: str
    path: str
    at: float


class Sent(NamedTuple):
    """A call of the bot's; `at` in seconds of the machine's monotonic clock."""

    method: str
    chat_id: int | str | None
    at: float


class StandIn:
    """The stand-ins of one service.

    Attributes:
        url: Where they are.

    Args:
        url: Where they are.
        client: Asks.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url: Final = url
        self._client = client

    async def turn(self, **switches: object) -> None:
        """Turn switches of its Replicate; see docs/sandbox.md."""
        url = f"{self.url}/control/replicate"
        (await self._client.post(url, json=switches)).raise_for_status()

    async def predictions(self) -> list[Prediction]:
        """Return all predictions, oldest first."""
        return [_prediction(each) for each in await self._told("replicate/predictions")]

    async def requests(self) -> list[Request]:
        """Return what came to its Replicate, oldest first."""
        return [
            Request(each["method"], each["path"], each["at"])
            for each in await self._told("replicate/requests")
        ]

    async def sent(self) -> list[Sent]:
        """Return what the bot has called, oldest first."""
        return [
            Sent(each["method"], each["chat_id"], each["at"])
            for each in await self._told("telegram/requests")
        ]

    async def _told(self, what: str) -> Any:  # noqa: ANN401 - JSON
        answer = await self._client.get(f"{self.url}/control/{what}", timeout=PATIENCE_SECONDS)
        return answer.raise_for_status().json()


def most_within(times: Sequence[float], seconds: float) -> int:
    """Return how many of these times, in order, lie within so many seconds, at the most."""
    most = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def _prediction(told: Mapping[str, Any]) -> Prediction:
    query = parse_qs(urlsplit(told["webhook"] or "").query)
    ends = [each["at"] for each in told["attempts"] if each["event"] == "completed"]
    return Prediction(
        told["id"],
        query.get("generation", [told["id"]])[0],
        told["status"],
        told["created_monotonic"],
        min(ends, default=None),
    )
