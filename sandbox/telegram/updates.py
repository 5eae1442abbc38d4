"""Updates: kept until the bot has them, and brought to the webhook or to getUpdates."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from sandbox.background import Background
from sandbox.controls import TelegramControls
from sandbox.telegram.refusals import Refusal

_WAITS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
_SHORTEST_WAIT: Final = 0.01
_TIMEOUT: Final = 20.0
_LONGEST_POLL: Final = 50.0
_GOOD: Final = range(200, 300)
_JOURNAL_LENGTH: Final = 50_000
_UNASKED: Final = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that a bot gets only if it names them."""

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Where updates go, and with which secret; nowhere if the URL is empty."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40


class Updates:
    """The updates not confirmed yet, and the webhook if one is set."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        controls: TelegramControls,
        background: Background,
        do: Callable[[Json], Awaitable[None]],
    ) -> None:
        """Prepare.

        Args:
            client: For the calls of the webhook.
            controls: The switches of this Telegram.
            background: Where updates are delivered.
            do: Does the call in a webhook's answer.
        """
        self._client = client
        self._controls = controls
        self._background = background
        self._do = do
        # Whoever has seen the updates of a sandbox before this one takes none of ours for one.
        self._last_id = int(time.time())
        self._polls = 0
        self._arrived = asyncio.Condition()
        self._lanes: dict[object, asyncio.Lock] = {}
        self._arrivals = 0
        self._made: dict[int, Json] = {}
        self._repeated: list[Json] = []
        self._last_error: Json = {}
        self._room = asyncio.Semaphore()
        self.pending: dict[int, Json] = {}
        self.deliveries = deque[Json](maxlen=_JOURNAL_LENGTH)
        self.webhook = Webhook()
        self.allowed: list[str] = []

    async def add(self, body: Json) -> Json | None:
        """Bring an update to the bot, unless it does not want such; return it with its id."""
        self._last_id += 1
        update: Json = {"update_id": self._last_id} | body
        if not self._wanted(update):
            return None
        self._remember(update)
        async with self._arrived:
            self._arrivals += 1
            self.pending[self._arrivals] = update
            self._arrived.notify_all()
        if self.webhook.url:
            self._background.start(self._deliver(self._arrivals, self.webhook))
        return update

    async def again(self, update_id: int, times: int) -> list[int] | None:
        """Bring an update again that came before, so many times at once.

        Returns:
            The webhook's answers, 0 where there was none; nothing for getUpdates, which gives the
            update at the next call whatever its offset. None if there was no such update.
        """
        update = self._made.get(update_id)
        if update is None:
            return None
        hook = self.webhook
        if hook.url:
            answers = await asyncio.gather(*(self._post(update, hook) for _ in range(times)))
            return [0 if each is None else each.status_code for each in answers]
        async with self._arrived:
            self._repeated += [update] * times
            self._arrived.notify_all()
        return []

    async def get(self, *, offset: int, limit: int, timeout: float) -> list[Json]:  # noqa: ASYNC109
        """Return the updates from `offset` on, waiting up to `timeout` seconds for one.

        A negative offset means so many from the end, and forgets those before.

        Raises:
            Refusal: A webhook is set, or somebody else has begun to ask meanwhile.
        """
        self._polls += 1
        mine = self._polls
        async with self._arrived:
            self._arrived.notify_all()
            self._confirm(offset)
            try:
                async with asyncio.timeout(min(timeout, _LONGEST_POLL)):
                    await self._arrived.wait_for(
                        lambda: self.pending or self._repeated or self._over(mine)
                    )
            except TimeoutError:
                pass
            if self._over(mine):
                raise _conflict(by_webhook=bool(self.webhook.url))
            repeated, self._repeated = self._repeated, []
            return [*repeated, *self.pending.values()][:limit]

    async def set_webhook(self, webhook: Webhook, *, drop: bool) -> None:
        """Bring everything to this webhook from now on; to nobody if it has no URL."""
        async with self._arrived:
            self.webhook, self._last_error = webhook, {}
            self._room = asyncio.Semaphore(webhook.max_connections)
            if drop:
                self.pending.clear()
            self._arrived.notify_all()
        if webhook.url:
            for number in self.pending:
                self._background.start(self._deliver(number, webhook))

    def info(self) -> Json:
        """Return what getWebhookInfo tells."""
        told: Json = {
            "url": self.webhook.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
        }
        if self.webhook.url:
            told |= {"max_connections": self.webhook.max_connections} | self._last_error
        return told | ({"allowed_updates": self.allowed} if self.allowed else {})

    def reset(self) -> None:
        """Forget every update and the webhook."""
        self.pending.clear()
        self.deliveries.clear()
        self._made.clear()
        self._repeated.clear()
        self._last_error = {}
        self.allowed = []
        self.webhook = Webhook()

    def _wanted(self, update: Mapping[str, object]) -> bool:
        kinds = update.keys() - {"update_id"}
        return bool(kinds & set(self.allowed)) if self.allowed else not kinds & _UNASKED

    def _remember(self, update: Json) -> None:
        self._made[_id(update)] = update
        while len(self._made) > _JOURNAL_LENGTH:
            del self._made[next(iter(self._made))]

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            gone = list(self.pending)[:offset]
        else:
            gone = [number for number, one in self.pending.items() if _id(one) < offset]
        for number in gone:
            del self.pending[number]

    def _over(self, poll: int) -> bool:
        return bool(self.webhook.url) or poll != self._polls

    async def _deliver(self, number: int, hook: Webhook) -> None:
        """Bring an update to the webhook after those of its chat before, until it is taken."""
        lane = _lane(self.pending[number]) if number in self.pending else None
        async with self._lanes.setdefault(lane, asyncio.Lock()):
            tries = 0
            while hook is self.webhook and (update := self.pending.get(number)) is not None:
                async with self._room:
                    answer = await self._post(update, hook)
                if answer is not None and answer.status_code in _GOOD:
                    self.pending.pop(number, None)
                    if call := _call_in(answer):
                        await self._do(call)
                    return
                wait = _WAITS[min(tries, len(_WAITS) - 1)] * self._controls.retry_scale
                await asyncio.sleep(max(wait, _SHORTEST_WAIT))
                tries += 1

    async def _post(self, update: Json, hook: Webhook) -> httpx.Response | None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
        noted: Json = {"update_id": update["update_id"], "at": time.monotonic()}
        self.deliveries.append(noted)
        try:
            answer = await self._client.post(
                hook.url, json=update, headers=headers, timeout=_TIMEOUT
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            noted["error"] = type(error).__name__
            self._failed(f"Connection failed: {type(error).__name__}")
            return None
        noted["answered"] = answer.status_code
        if answer.status_code not in _GOOD:
            reason = f"{answer.status_code} {answer.reason_phrase}"
            self._failed(f"Wrong response from the webhook: {reason}")
        return answer

    def _failed(self, reason: str) -> None:
        self._last_error = {"last_error_date": int(time.time()), "last_error_message": reason}


def _conflict(*, by_webhook: bool) -> Refusal:
    if by_webhook:
        return Refusal(
            "can't use getUpdates method while webhook is active;"
            " use deleteWebhook to delete the webhook first",
            code=409,
        )
    return Refusal(
        "terminated by other getUpdates request; make sure that only one bot instance is running",
        code=409,
    )


def _id(update: Json) -> int:
    number = update["update_id"]
    return number if isinstance(number, int) else 0


def _lane(update: Json) -> object:
    """Return what an update is about, within which the order is kept."""
    for body in update.values():
        match body:
            case {"chat": {"id": int(chat_id)}} | {"message": {"chat": {"id": int(chat_id)}}}:
                return chat_id
            case _:
                pass
    return f"update {update['update_id']}"


def _call_in(answer: httpx.Response) -> Json | None:
    try:
        body: object = answer.json()
    except ValueError:
        return None
    if not isinstance(body, dict) or "method" not in body:
        return None
    # JSON objects have text for keys.
    return dict(body)  # pyright: ignore[reportUnknownArgumentType]
