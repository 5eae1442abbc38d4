"""The words that tests speak: those of the product."""

from typing import Final

from app.telegram import catalogues
from processors.notifications.texts import Language, Translate, Voice

translate: Final[Translate] = catalogues.translator(catalogues.load())

ENGLISH: Final = Voice(Language.ENGLISH, translate)
RUSSIAN: Final = Voice(Language.RUSSIAN, translate)
PORTUGUESE: Final = Voice(Language.PORTUGUESE, translate)
