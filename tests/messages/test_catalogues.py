"""Everything that people read is there in every language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from app.telegram.catalogues import path_of
from processors.notifications.texts import Language
from tests.messages import extracting
from tests.messages.extracting import KEYWORDS, ROOT, SPEAKING

LANGUAGES = [language for language in Language if language is not Language.ENGLISH]


@pytest.fixture(scope="module")
def template() -> Catalog:
    """Every text of the source."""
    return extracting.extracted()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing(template: Catalog, language: Language) -> None:
    """No text is missing, empty, doubtful or left over, and all have the same fields."""
    assert list(extracting.faults(extracting.read(path_of(language)), template)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_are_as_the_script_writes_them(template: Catalog, language: Language) -> None:
    """Whoever runs `scripts/messages` changes nothing but what they came for."""
    path = path_of(language)

    assert path.read_bytes() == extracting.updated(language, extracting.read(path), template)


def test_no_text_escapes_the_extraction(template: Catalog) -> None:
    """Every text that is said is found: one within an f-string is not, by Python 3.11."""
    found = {text for each in extracting.texts_of(template) for text in extracting.parts(each.id)}
    files = [path for pattern in SPEAKING for path in ROOT.glob(pattern.replace("**", "**/*"))]
    said = {text for path in files for text in texts_said(path)}

    assert len(files) > 50
    assert said == found


def texts_said(path: Path) -> Iterator[str]:
    """Yield the texts of a file's calls, as the compiler sees them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in KEYWORDS:
            for argument in node.args[: 2 if KEYWORDS[name] else 1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def a_source(folder: Path) -> Catalog:
    """Return the texts of a small source of our own."""
    (folder / "processors").mkdir()
    (folder / "processors" / "x.py").write_text(
        'say("Hello, {name}")\nplural("{n} day", "{n} days", n)\nmessage("Bye")\nsay(bye)\n'
    )
    (folder / "elsewhere.py").write_text('say("Not for people")\n')
    return extracting.extracted(folder)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    """Each text by its English, with what is wrong about it."""
    path = tmp_path / "ru.po"
    path.write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n==2 ? 1 : 2);\\n"\n\n'
        'msgid "Hello, {name}"\nmsgstr "Привет, {nome}"\n\n'
        'msgid "{n} day"\nmsgid_plural "{n} days"\nmsgstr[0] "{n} день"\nmsgstr[1] "{n} дня"\n\n'
        '#, fuzzy\nmsgid "Gone"\nmsgstr "Ушло"\n\n'
        '#~ msgid "Older"\n#~ msgstr "Старее"\n'
    )

    assert list(extracting.faults(extracting.read(path), a_source(tmp_path))) == [
        "missing: Bye",
        "not said any more: Gone",
        "not said any more: Older",
        "other fields: Hello, {name}",
        "empty: {n} day | {n} days",
    ]


def test_a_catalogue_is_brought_up_to_date(tmp_path: Path) -> None:
    """What was said is kept, what is new is empty, what nobody says any more is gone."""
    path, template = tmp_path / "pt.po", a_source(tmp_path)
    path.write_bytes(extracting.updated(Language.PORTUGUESE, None, template))
    known = extracting.read(path)
    known["Bye"].string = "Tchau"
    known.add("Gone", "Foi")

    path.write_bytes(extracting.updated(Language.PORTUGUESE, known, template))
    again = extracting.read(path)

    assert again["Bye"].string == "Tchau"
    assert "Gone" not in again
    assert list(extracting.faults(again, template)) == [
        "empty: Hello, {name}",
        "empty: {n} day | {n} days",
    ]
    assert not re.search(r"\d{4}-\d\d|:\d+$|/tmp", path.read_text(), re.MULTILINE)
