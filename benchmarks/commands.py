"""From a person's command in Telegram to the engine having the run.

Measured from just before the message is given to the stand-in for Telegram until the stand-in for
the engine has made the run: the update is fetched, stored and handled, the price is said, credits
are held, the run is submitted. Everybody writes once, one after another, four a second: far below
Telegram's own limits, whatever the bot answers.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Final

import httpx
import orjson

from benchmarks import people
from benchmarks.world import SandboxedService

FIRST_ID: Final = 1_000_000
RATE: Final = 4.0


def words(number: int) -> str:
    """Return what a person wants to see; no other order is in these words."""
    return f"from the bot {number}"


async def write(service: SandboxedService, numbers: range) -> dict[str, float]:
    """Have people write their command.

    Args:
        service: With whose bot they talk.
        numbers: Which of the people whose Telegram ids begin at `FIRST_ID`.

    Returns:
        When each wrote, in seconds of the monotonic clock, by the words.

    Raises:
        httpx.HTTPError: The stand-in did not take a message.
    """
    start, written = monotonic() + 0.1, dict[str, float]()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for place, number in enumerate(numbers):
            await asyncio.sleep(start + place / RATE - monotonic())
            said = words(number)
            written[said] = monotonic()
            answer = await client.post(
                f"{service.peers.url}/control/telegram/acts", json=act(number, said)
            )
            answer.raise_for_status()
    return written


def act(number: int, said: str) -> Mapping[str, object]:
    """Return what the stand-in is told that a person does."""
    user = {"id": FIRST_ID + number, "first_name": "Ada", "language_code": "en"}
    return {"act": "write", "user": user, "text": f"/{people.PRESET} {said}"}


async def begun(service: SandboxedService) -> dict[str, datetime]:
    """Return when the engine had each run, by the words of its order."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(f"{service.peers.url}/control/comfydeploy/runs")
        told = orjson.loads(answer.raise_for_status().content)
    return {
        str(each["inputs"].get("prompt")): datetime.fromisoformat(each["created_at"])
        for each in told
    }


def waits(
    sent: Mapping[str, float], begun: Mapping[str, datetime], now: datetime, moment: float
) -> list[float]:
    """Return the milliseconds from each order until the engine had its run, of those it had.

    Args:
        sent: When each was sent, in seconds of the monotonic clock, by its words.
        begun: When the engine had each run, by the words of its order.
        now: The time at `moment`.
        moment: Of the monotonic clock.
    """
    return [
        1000 * ((begun[said] - now).total_seconds() + moment - at)
        for said, at in sent.items()
        if said in begun
    ]
