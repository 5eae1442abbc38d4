"""Updates: made as a user would cause them, and brought to the webhook or to getUpdates."""

import asyncio
import time
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict, model_validator

from sandbox.controls import TelegramControls

_WAITS: Final = (0.5, 1.0, 2.0)
_TIMEOUT: Final = 20.0
_LONGEST_POLL: Final = 50.0
_GOOD: Final = range(200, 300)

Json = dict[str, object]


class Wish(BaseModel):
    """An update wanted: whole, or a user's text, or a user's press of a button.

    Attributes:
        update: The whole update, without `update_id` if the next one will do.
        chat_id: The chat written in; also the user's id if positive.
        user_id: The user, if not the chat's.
        text: What the user writes.
        data: What the pressed button carries.
        message_id: The message with the button.
    """

    model_config = ConfigDict(extra="forbid")

    update: Json | None = None
    chat_id: int | None = None
    user_id: int | None = None
    text: str | None = None
    data: str | None = None
    message_id: int = 1

    @model_validator(mode="after")
    def _names_something(self) -> "Wish":
        if self.update is None and (self.chat_id is None or (self.text or self.data) is None):
            raise ValueError("give `update`, or `chat_id` with `text` or `data`")
        return self


class Updates:
    """The updates not confirmed yet, and the webhook if one is set."""

    def __init__(self, client: httpx.AsyncClient, controls: TelegramControls) -> None:
        self._client = client
        self._controls = controls
        self._last_id = 1_000
        self._arrived = asyncio.Condition()
        self._order = asyncio.Lock()
        self.pending: list[Json] = []
        self.deliveries: list[Json] = []
        self.webhook = ""
        self.secret = ""

    async def add(self, wish: Wish) -> Json:
        """Return the update wished for; getUpdates gives it from now on."""
        self._last_id += 1
        made: Json = {"update_id": self._last_id} | (wish.update or _made(wish, self._last_id))
        async with self._arrived:
            self.pending.append(made)
            self._arrived.notify_all()
        return made

    async def get(self, *, offset: int, limit: int, timeout: float) -> list[Json]:  # noqa: ASYNC109
        """Return the updates from `offset` on, waiting up to `timeout` seconds for one."""
        try:
            async with asyncio.timeout(min(timeout, _LONGEST_POLL)), self._arrived:
                self.pending = [one for one in self.pending if _id(one) >= offset]
                await self._arrived.wait_for(lambda: bool(self.pending))
        except TimeoutError:
            pass
        return self.pending[:limit]

    async def deliver(self, update: Json) -> Json | None:
        """Bring an update to the webhook, in order, and return the call in its answer, if any."""
        async with self._order:
            for wait in (0.0, *_WAITS):
                await asyncio.sleep(wait * self._controls.retry_scale)
                answer = await self._post(update)
                if answer is not None and answer.status_code in _GOOD:
                    self.pending = [one for one in self.pending if one is not update]
                    return _call_in(answer)
        return None

    def reset(self) -> None:
        """Forget every update and the webhook."""
        self.pending.clear()
        self.deliveries.clear()
        self.webhook = self.secret = ""

    async def _post(self, update: Json) -> httpx.Response | None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.secret} if self.secret else {}
        noted: Json = {"update_id": update["update_id"], "at": time.monotonic()}
        self.deliveries.append(noted)
        try:
            answer = await self._client.post(
                self.webhook, json=update, headers=headers, timeout=_TIMEOUT
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            noted["error"] = type(error).__name__
            return None
        noted["answered"] = answer.status_code
        return answer


def _id(update: Json) -> int:
    number = update["update_id"]
    return number if isinstance(number, int) else 0


def _call_in(answer: httpx.Response) -> Json | None:
    try:
        body: object = answer.json()
    except ValueError:
        return None
    if not isinstance(body, dict) or "method" not in body:
        return None
    # JSON objects have text for keys.
    return dict(body)  # pyright: ignore[reportUnknownArgumentType]


def _made(wish: Wish, number: int) -> Json:
    chat_id = wish.chat_id or 0
    writer = wish.user_id or abs(chat_id)
    user: Json = {"id": writer, "is_bot": False, "first_name": f"User {writer}"}
    chat: Json = {"id": chat_id, "type": "private", "first_name": f"User {writer}"}
    if chat_id < 0:
        chat = {"id": chat_id, "type": "supergroup", "title": f"Chat {chat_id}"}
    message: Json = {"message_id": number, "date": int(time.time()), "chat": chat, "from": user}
    if wish.text is None:
        pressed = message | {"message_id": wish.message_id, "text": "…"}
        query: Json = {"id": str(number), "from": user, "chat_instance": "1", "message": pressed}
        return {"callback_query": query | {"data": wish.data}}
    message["text"] = wish.text
    if wish.text.startswith("/"):
        length = len(wish.text.split()[0])
        message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
    return {"message": message}
