"""See to it that updates come in: by one process only, which holds the lease for it.

By webhook, Telegram is told where to bring them, and that is looked after. By polling they are
fetched, and confirmed only once the database has them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, NoReturn

import structlog
from pydantic import JsonValue

from app.clock import Clock
from app.errors import AppError, PeerError, UnavailableError
from app.ports import Alerts
from app.telegram.errors import ConflictFaultError, unknown
from app.usecases.duty import Duty
from processors import backoff
from processors.protocols.telegram import ID_MOST, KINDS
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.telegram.inbound import Hook, Inbound

CONNECTIONS: Final = 40
"""Updates that Telegram may bring at a time: its own default."""
LOOKS: Final = 15
"""Looks for the duty within the length of its lease."""

Take = Callable[[bytes], Awaitable[None]]
"""Stores an update; raises an UnavailableError where it cannot."""


class Way(NamedTuple):
    """How updates come in.

    Attributes:
        url: Where they are brought.
        secret: What Telegram says with each.
    """

    by: Literal["webhook", "polling"]
    url: str
    secret: str


class Receiving:
    """Has updates come in for as long as the duty is held; `run` keeps it going."""

    def __init__(
        self,
        inbound: "Inbound",
        way: Way,
        *,
        take: Take,
        duty: Duty,
        clock: Clock,
        timing: Timing,
        alerts: Alerts,
    ) -> None:
        self._inbound = inbound
        self._way = way
        self._take = take
        self._duty = duty
        self._clock = clock
        self._timing = timing
        self._alerts = alerts
        self._offset = 0
        self._ours = False
        """Whether the webhook has been taken away, so that there is something to fetch."""
        self._set_at = 0.0
        self._log = structlog.get_logger()

    async def run(self) -> NoReturn:
        """Keep the duty, and do it whenever it is ours, for ever; when cancelled, give it up."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._duty.keep())
                group.create_task(self._serve())
            raise AssertionError  # pragma: no cover - neither of the two ever ends
        finally:
            await self._duty.give_up()

    async def _serve(self) -> NoReturn:
        failures = 0
        once = self._look if self._way.by == "webhook" else self._fetch
        while True:
            if not self._duty.held():
                self._ours, self._offset = False, 0
                await asyncio.sleep(self._timing.sender_lease.total_seconds() / LOOKS)
                continue
            try:
                await once()
                failures = 0
            except (PeerError, UnavailableError) as error:
                failures += 1
                await self._rest(error, failures)

    async def _rest(self, error: AppError, failures: int) -> None:
        """Wait after a failure, the longer the more there have been."""
        if isinstance(error, ConflictFaultError):
            self._ours = False
            self._alerts.alert(
                "telegram_conflict", f"another program takes the bot's updates: {error}"
            )
        self._log.warning("updates do not come in", error=str(error))
        wait = backoff.wait(failures, self._timing.retry, self._clock.jitter())
        await asyncio.sleep(min(wait, self._timing.webhook_every).total_seconds())

    async def _fetch(self) -> None:
        """Fetch what there is, and store it; it is confirmed with the next question."""
        if not self._ours:
            await self._inbound.unset_hook()
            self._ours = True
        wait = self._timing.poll_wait.total_seconds()
        given = await self._inbound.fetch(self._offset, wait, KINDS)
        # JSON of JSON: what nobody understands must not keep what comes after it.
        for each in given:
            await self._take(json.dumps(each).encode())
        numbers = [number for each in given if (number := _number(each)) is not None]
        if given and not numbers:
            raise unknown("updates without ids")
        # With nothing left to confirm, whatever comes next is asked for: after a week without
        # any updates their ids begin anew.
        self._offset = max(numbers) + 1 if numbers else 0

    async def _look(self) -> None:
        """See that the webhook stands as it should, and put it right where it does not."""
        if self._differs(await self._inbound.hook()):
            url, secret = self._way.url, self._way.secret
            await self._inbound.set_hook(url, secret, KINDS, CONNECTIONS)
            self._set_at = self._clock.now().timestamp()
            self._log.info("Telegram brings its updates here")
        await asyncio.sleep(self._timing.webhook_every.total_seconds())

    def _differs(self, hook: "Hook") -> bool:
        """Return whether a webhook is another than ours; of its secret we know when it fails."""
        ours = (self._way.url, frozenset(KINDS), CONNECTIONS)
        return (hook.url, hook.kinds, hook.most) != ours or hook.refused_at > self._set_at


def _number(update: JsonValue) -> int | None:
    found = update.get("update_id") if isinstance(update, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        return None
    return found if 0 <= found < ID_MOST else None
