"""The message catalogues: ``app/locales``, gettext's text form, compiled in memory.

Imports no aiogram, which takes seconds: whoever only wants words has them at once.
"""

import io
from collections.abc import Mapping
from functools import partial
from gettext import GNUTranslations
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from processors.notifications.texts import Language, Translate

DOMAIN: Final = "runrelay"
LOCALES: Final = Path(__file__).parent.parent / "locales"

Catalogues = Mapping[Language, GNUTranslations]
"""Every language's words but English, which stands in the code."""


def load(folder: Path = LOCALES) -> Catalogues:
    """Read and compile the catalogues of all languages.

    Raises:
        OSError: One is not there.
        babel.messages.pofile.PoFileError: One cannot be read.
    """
    spoken = (language for language in Language if language is not Language.ENGLISH)
    return {language: _compiled(path_of(language, folder)) for language in spoken}


def path_of(language: Language, folder: Path = LOCALES) -> Path:
    """Return where a language's catalogue is kept."""
    return folder / language.value / "LC_MESSAGES" / f"{DOMAIN}.po"


def translator(catalogues: Catalogues) -> Translate:
    """Return what looks a text up in these catalogues, for functions that take it."""
    return partial(_translated, catalogues)


def _compiled(path: Path) -> GNUTranslations:
    with path.open("rb") as text:
        catalogue = read_po(text, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _translated(
    catalogues: Catalogues,
    language: Language,
    message: str,
    plural: str | None = None,
    n: int = 1,
    /,
) -> str:
    known = catalogues.get(language)
    if known is None:
        return message if plural is None or n == 1 else plural
    return known.gettext(message) if plural is None else known.ngettext(message, plural, n)
