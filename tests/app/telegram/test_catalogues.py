"""The catalogues as the product reads them."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.telegram import catalogues
from processors.notifications.texts import Language
from tests.speech import translate


@pytest.mark.parametrize(
    ("language", "said"),
    [(Language.ENGLISH, "Done"), (Language.RUSSIAN, "Готово"), (Language.PORTUGUESE, "Pronto")],
)
def test_a_text_is_looked_up(language: Language, said: str) -> None:
    """By its English; what is not there stays English."""
    assert translate(language, "Done") == said
    assert translate(language, "Nobody says this") == "Nobody says this"


def test_a_number_chooses_its_form() -> None:
    """Russian has three; English does without a catalogue."""
    one, many = "{amount} credit", "{amount} credits"

    assert [translate(Language.RUSSIAN, one, many, n) for n in (1, 2, 5, 21)] == [
        "{amount} кредит",
        "{amount} кредита",
        "{amount} кредитов",
        "{amount} кредит",
    ]
    assert [translate(Language.ENGLISH, one, many, n) for n in (0, 1)] == [many, one]


def test_a_catalogue_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    """Nobody is spoken to in the wrong language because a file was forgotten."""
    with pytest.raises(FileNotFoundError, match=catalogues.DOMAIN):
        catalogues.load(tmp_path)


def test_reading_them_imports_no_aiogram() -> None:
    """The service listens before that is imported."""
    code = "import sys; import app.telegram.catalogues; print('aiogram' in sys.modules)"

    done = subprocess.run(  # noqa: S603 - this Python, and the line above
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
