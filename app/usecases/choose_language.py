"""Choose the language that a person is spoken to in."""

from typing import Final

from app.clock import Clock
from app.errors import ContendedError, NotFoundError
from app.ports import Users
from schemas.user import User

MAX_TRIES: Final = 10
"""Ten lost races in a row on one person mean that something is wrong."""


class ChooseLanguage:
    """Keeps what people choose."""

    def __init__(self, users: Users, clock: Clock) -> None:
        self._users = users
        self._clock = clock

    async def __call__(self, telegram_id: int, tag: str) -> User:
        """Have a person spoken to in a language from now on; return them.

        Raises:
            NotFoundError: There is no such person.
            ContendedError: Others kept winning the write.
        """
        for _ in range(MAX_TRIES):
            before = await self._users.by_telegram_id(telegram_id)
            if before is None:
                raise NotFoundError("user")
            if before.language == tag:
                return before
            after = before.change(
                language=tag, version=before.version + 1, updated_at=self._clock.now()
            )
            if await self._users.write(before, after):
                return after
        raise ContendedError(f"the person with Telegram id {telegram_id}")
