"""The language that an update's handlers speak, through aiogram's i18n.

Imports aiogram, which takes seconds: only what handles updates imports this module.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from gettext import GNUTranslations
from typing import Any, Final

from aiogram.types import PreCheckoutQuery, TelegramObject, User
from aiogram.utils.i18n import I18n, I18nMiddleware

from app.errors import UnavailableError
from app.ports import Users
from app.telegram.catalogues import DOMAIN, LOCALES, Catalogues, translator
from processors.notifications.texts import Language, Voice, language_of

URGENT_SECONDS: Final = 0.1
"""Longest that whoever is about to pay waits for their language."""


class Words(I18n):
    """aiogram's translations, over catalogues that were compiled in memory."""

    def __init__(self, catalogues: Catalogues) -> None:
        self._catalogues = catalogues
        super().__init__(path=LOCALES, default_locale=Language.ENGLISH.value, domain=DOMAIN)

    def find_locales(self) -> dict[str, GNUTranslations]:
        """Return the catalogues; English has none, and needs none."""
        return {language.value: words for language, words in self._catalogues.items()}

    @contextmanager
    def context(self) -> Generator[I18n]:
        """Be what `aiogram.utils.i18n.gettext` asks, for the length of the block."""
        # aiogram keeps the current one by class, and asks for that of its own.
        token = I18n.set_current(self)
        try:
            yield self
        finally:
            I18n.reset_current(token)


class SpokenLanguage(I18nMiddleware):
    """Chooses the language that a person chose, else the one that their Telegram speaks.

    A handler says ``_("...")`` and ``ngettext("...", "...", n)`` of `aiogram.utils.i18n` in it,
    and may take ``voice`` (a `Voice`) for functions that speak.
    """

    def __init__(self, catalogues: Catalogues, users: Users) -> None:
        super().__init__(Words(catalogues))
        self._translate = translator(catalogues)
        self._users = users

    async def get_locale(self, event: TelegramObject, data: dict[str, Any]) -> str:
        """Return the language's tag, and leave a ``voice`` for the handler.

        Raises:
            StoreDownError: Nobody knows now which one they chose.
            UnreadableError: As for every reading of a person.
        """
        sender = data.get("event_from_user")
        urgent = isinstance(event, PreCheckoutQuery)
        language = await (self._at_once(sender) if urgent else self._language(sender))
        data["voice"] = Voice(language, self._translate)
        return language.value

    async def _at_once(self, sender: User | None) -> Language:
        """Return the language that Telegram names, if the database takes long to name another.

        A question before a payment has to be answered whether it does or not.
        """
        try:
            async with asyncio.timeout(URGENT_SECONDS):
                return await self._language(sender)
        except (TimeoutError, UnavailableError):
            return language_of(sender.language_code if sender is not None else None)

    async def _language(self, sender: User | None) -> Language:
        """Return English where nobody in particular has sent something: in a channel."""
        if sender is None:
            return Language.ENGLISH
        person = await self._users.by_telegram_id(sender.id)
        chosen = person.language if person is not None else None
        return language_of(chosen or sender.language_code)
