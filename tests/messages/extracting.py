"""What the code says, found in its source, and what a catalogue has of it."""

import io
import string
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, cast

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from processors.notifications.texts import Language

ROOT: Final = Path(__file__).parent.parent.parent
KEYWORDS: Final = {
    "_": None,
    "say": None,
    "message": None,
    "ngettext": (1, 2),
    "plural": (1, 2),
}
"""Functions whose first argument, or first two, are a text that people read."""
SPEAKING: Final = (
    "processors/**.py",
    "app/telegram/**.py",
    "app/usecases/**.py",
    "app/web/**.py",
)
"""Where people are spoken to; what commands print is English."""


def extracted(root: Path = ROOT) -> Catalog:
    """Return every text in the source under `root`, in the order of files and lines."""
    found = Catalog(fuzzy=False)
    # The first that fits decides: a file is passed over unless it is one that speaks.
    methods = [*((pattern, "python") for pattern in SPEAKING), ("**", "ignore")]
    for filename, _, text, comments, _ in extract_from_dir(
        root, methods, keywords=KEYWORDS, comment_tags=(), directory_filter=_ours
    ):
        found.add(text, None, [(Path(filename).as_posix(), 0)], auto_comments=comments)
    return found


def read(path: Path) -> Catalog:
    """Read a catalogue."""
    with path.open("rb") as text:
        return read_po(text, abort_invalid=True)


def updated(language: Language, known: Catalog | None, template: Catalog) -> bytes:
    """Return a language's catalogue with all texts of the source and no others.

    No dates, no lines and no names in it: it changes only where a text does.
    """
    made = Catalog(locale=language.value)
    for each in texts_of(template):
        before = known.get(parts(each.id)[0]) if known is not None else None
        kept = before.string if before is not None and before.id == each.id else None
        made.add(
            each.id, kept, each.locations, user_comments=before.user_comments if before else ()
        )
    written = io.BytesIO()
    write_po(written, made, width=100, omit_header=True, include_lineno=False)
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language.value}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {made.plural_forms}\\n"\n\n'
    )
    return header.encode() + written.getvalue()


def texts_of(catalogue: Catalog) -> Iterator[Message]:
    """Yield the texts of a catalogue, without its header."""
    return (each for each in catalogue if each.id)


def faults(known: Catalog, template: Catalog) -> Iterator[str]:
    """Yield what is wrong with a catalogue, each by the text's English."""
    wanted = {_key(each): each for each in texts_of(template)}
    there = {_key(each): each for each in texts_of(known)}
    yield from (f"missing: {key}" for key in wanted if key not in there)
    yield from (f"not said any more: {key}" for key in there if key not in wanted)
    yield from (f"not said any more: {_key(each)}" for each in known.obsolete.values())
    for key, said in there.items():
        if key in wanted:
            yield from (f"{fault}: {key}" for fault in _faults(said, known.num_plurals))


def fields_of(text: str) -> frozenset[str]:
    """Return the names in a text's braces."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def parts(text: object) -> tuple[str, ...]:
    """Return a text's forms: one, or one for each form of a number; none where it is not there."""
    if text is None:
        return ()
    return (text,) if isinstance(text, str) else tuple(cast("Iterable[str]", text))


def _faults(said: Message, forms: int) -> Iterator[str]:
    if said.fuzzy:
        yield "fuzzy"
    strings = parts(said.string)
    if len(strings) != (forms if said.pluralizable else 1) or not all(strings):
        yield "empty"
    elif {fields_of(each) for each in strings} != {fields_of(parts(said.id)[-1])}:
        yield "other fields"


def _key(said: Message) -> str:
    return " | ".join(parts(said.id))


def _ours(folder: str | object) -> bool:
    return Path(str(folder)).name not in {"tests", "build", "node_modules", ".venv"}
