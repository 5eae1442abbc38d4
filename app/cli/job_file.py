"""An order in a file, as the API takes it; pictures are files, and so are the presets it needs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from pydantic import JsonValue

from app.cli.settling import refuse
from app.cli.yaml_file import Tree
from app.errors import SetupError

FILE_MOST: Final = 1_048_576
"""Bytes that an order may have."""
PICTURE: Final = "file"
"""``{file: me.jpg}`` in the place of a value is a picture."""

_KNOWN: Final = frozenset({"preset", "inputs", "steps", "manual", "notify", "presets"})
_GIVEN: Final = re.compile(r"(?:([1-9][0-9]?)\.)?([a-z][a-z0-9_]{0,31})([:@]?)=(.*)", re.DOTALL)

Json = dict[str, Any]
"""An order as the API takes it: Any, since the service is who reads it."""


class JobFile(NamedTuple):
    """An order out of a file.

    Attributes:
        body: As the API takes it, without the person, and with pictures as paths.
        presets: The files of presets that a sandbox needs for it.
    """

    body: Json
    presets: tuple[Path, ...] = ()

    def pictures(self) -> Iterator[Path]:
        """Yield the files of the pictures that are given."""
        for inputs in (*_inputs(self.body), *_over(self.body)):
            for value in inputs.values():
                values = cast("list[Any]", value) if isinstance(value, list) else [value]
                yield from (each for each in values if isinstance(each, Path))

    def with_pictures(self, names: Mapping[Path, str]) -> Json:
        """Return the order with pictures by the names that the service has given them."""
        for inputs in (*_inputs(self.body), *_over(self.body)):
            for name, value in inputs.items():
                inputs[name] = _named(value, names)
        return self.body


def read(path: Path) -> JobFile:
    """Return the order in a file.

    Raises:
        SetupError: It cannot be read, or holds what is none.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_MOST + 1)
    except OSError as error:
        raise SetupError([f"{path}: cannot be read: {error.strerror}"]) from None
    if len(raw) > FILE_MOST:
        raise SetupError([f"{path}: is larger than {FILE_MOST} bytes"])
    try:
        tree = Tree(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise SetupError([f"{path}: is not UTF-8"]) from None
    body = _checked(tree)
    presets = [path.parent / each for each in cast("list[str]", body.pop("presets", None) or [])]
    for inputs in (*_inputs(body), *_over(body)):
        for name, value in inputs.items():
            inputs[name] = _found(value, path.parent)
    return JobFile(body, tuple(presets))


def put(file: JobFile, given: Sequence[str]) -> None:
    """Give inputs, in place of those in the file.

    Args:
        file: The order.
        given: ``NAME=TEXT``, ``NAME:=JSON`` or ``NAME@=FILE``; of another step than the first
            with its number, as in ``2.garment@=coat.jpg``.
    """
    for each in given:
        number, name, kind, text = _parts(each)
        whole = list(_steps(file.body))
        # The first is the order itself, where it has steps of its own.
        steps = whole[1:] or whole
        if number > len(steps):
            refuse([f"--input: {each}: there is no step {number}"])
        steps[number - 1].setdefault("inputs", {})[name] = _value(each, kind, text)


def _parts(given: str) -> tuple[int, str, str, str]:
    found = _GIVEN.fullmatch(given)
    if found is None:
        refuse([f"--input: {given} is not NAME=TEXT, NAME:=JSON or NAME@=FILE"])
    return int(found[1] or 1), found[2], found[3], found[4]


def _value(given: str, kind: str, text: str) -> JsonValue | Path:
    if kind == "@":
        return Path(text)
    if kind != ":":
        return text
    try:
        return json.loads(text)
    except ValueError:
        refuse([f"--input: {given}: is not JSON; for text, leave out the colon"])


def _checked(tree: Tree) -> Json:
    """Return what a file says, where that may be an order; the service reads the rest."""
    body = tree.value
    if not tree.problems and not isinstance(body, dict):
        tree.wrong((), "is an order: preset, or steps")
    for name in body if isinstance(body, dict) else ():
        if name not in _KNOWN:
            tree.wrong((name,), f"is none of {', '.join(sorted(_KNOWN))}")
    presets = body.get("presets") if isinstance(body, dict) else None
    named = presets if isinstance(presets, list) else [presets or ""]
    if isinstance(presets, str) or not all(isinstance(each, str) for each in named):
        tree.wrong(("presets",), "is a list of files")
    if tree.problems:
        raise SetupError(tree.problems)
    return cast("Json", body)


def _inputs(body: Json) -> Iterator[dict[str, Any]]:
    yield from (each["inputs"] for each in _steps(body) if isinstance(each.get("inputs"), dict))


def _over(body: Json) -> Iterator[dict[str, Any]]:
    yield from (each["over"] for each in _steps(body) if isinstance(each.get("over"), dict))


def _steps(body: Json) -> Iterator[Json]:
    steps = body.get("steps")
    yield body
    for each in cast("list[Any]", steps) if isinstance(steps, list) else ():
        if isinstance(each, dict):
            yield cast("Json", each)


def _found(value: Any, folder: Path) -> Any:  # noqa: ANN401 - any JSON, or a path in it
    """Return a value, or the path of the picture that it names."""
    if isinstance(value, list):
        return [_found(each, folder) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    named = cast("Json", value)
    return folder / str(named[PICTURE]) if list(named) == [PICTURE] else named


def _named(value: Any, names: Mapping[Path, str]) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, list):
        return [_named(each, names) for each in cast("list[Any]", value)]
    return names[value] if isinstance(value, Path) else value
