"""What a prediction gave: any JSON that its model returns, as outputs.

A text that is an address, with a path or with the file's own data, is a file wherever it stands. A
list of texts without an address among them is one text in pieces, as language models give theirs.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, cast
from urllib.parse import quote, unquote

import orjson

from processors.protocols import texts
from processors.protocols.addresses import MAX_URL, ForbiddenUrlError, check_url, is_plain
from processors.protocols.kinds import KINDS, kind_of
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, OutputKind

LOOKED_AT: Final = 2_000
"""Objects, lists and what is in them that are looked at, in all; a record keeps far fewer."""
DEPTH_MOST: Final = 16
"""Levels that are looked into."""
ID_MOST: Final = 256
"""Characters of an output's id; one whose id would be longer is passed over."""
DATA_MOST: Final = 3 * 2**20
"""Characters of a `data:` URL that is kept until it is copied."""
NAME_KEPT: Final = 200
"""Characters of a file's name, the last ones: there its extension is."""
_TYPE_MOST: Final = 128
_ROOT: Final = "output"
_ADDRESS: Final = re.compile(r"https?://[^/?#]+/[^?#]|data:[^,]{0,200},")
_EXTENSIONS: Final = frozenset(each for extensions in KINDS.values() for each in extensions)


def outputs(told: object, at: datetime | None) -> tuple[Output, ...]:
    """Translate what a model returned; what does not fit is passed over.

    An output's id says where it stands: ``output/{key}/{index}``.

    Args:
        told: A JSON value; None where there is none yet.
        at: When it was heard; None for an answer.
    """
    return tuple(islice(_found(told, at), OUTPUTS_KEPT))


def too_many(told: object) -> bool:
    """Return whether a model returned more than `outputs` has."""
    return next(islice(_found(told, None), OUTPUTS_KEPT, None), None) is not None


def is_address(text: str) -> bool:
    """Return whether a text is the address of a file, or a file itself."""
    return _ADDRESS.match(text) is not None and is_plain(text)


def told_apart(outputs: Iterable[Output], hosts: tuple[str, ...]) -> tuple[Output, ...]:
    """Return outputs in which a text that is somebody's address is a text.

    It leads to no host of `hosts`, and nothing in it says that it is a file: a model of language
    may well answer with one.
    """
    return tuple(each if _is_file(each, hosts) else _text_of(each) for each in outputs)


def _is_file(output: Output, hosts: tuple[str, ...]) -> bool:
    if output.url is None or output.inline or output.kind is not OutputKind.FILE:
        return True
    try:
        check_url(output.url, hosts=hosts, allow_private=True)
    except ForbiddenUrlError:
        return False
    return True


def _text_of(output: Output) -> Output:
    text = texts.kept(output.url or "")
    return output.change(kind=OutputKind.TEXT, text=text, url=None, filename=None)


def _found(told: object, at: datetime | None) -> Iterator[Output]:
    steps = islice(_steps(told, (_ROOT,), at), LOOKED_AT)
    return (step for step in steps if step is not None)


def _steps(told: object, path: tuple[str, ...], at: datetime | None) -> Iterator[Output | None]:
    """Yield at every value: the output, or None where there is none."""
    yield None
    if len(path) > DEPTH_MOST:
        return
    if isinstance(told, dict):
        for key, value in cast("dict[str, object]", told).items():
            yield from _steps(value, (*path, quote(key, safe="")), at)
    elif isinstance(told, list):
        yield from _of_list(cast("list[object]", told), path, at)
    elif told is not None:
        yield _output(told, (*path, "0"), at)


def _of_list(
    told: list[object], path: tuple[str, ...], at: datetime | None
) -> Iterator[Output | None]:
    pieces = [each for each in told if isinstance(each, str)]
    if pieces and len(pieces) == len(told) and not any(map(is_address, pieces)):
        yield _output("".join(pieces), (*path, "0"), at)
        return
    for index, value in enumerate(told):
        if isinstance(value, dict | list):
            yield from _steps(cast("object", value), (*path, str(index)), at)
        else:
            yield None if value is None else _output(value, (*path, str(index)), at)


def _output(told: object, path: tuple[str, ...], at: datetime | None) -> Output | None:
    text = told if isinstance(told, str) else orjson.dumps(told).decode()
    output_id = "/".join(path)
    if not text or len(output_id) > ID_MOST:
        return None
    common: dict[str, Any] = {"id": output_id, "received_at": at}
    if not is_address(text):
        return Output(kind=OutputKind.TEXT, text=texts.kept(text.replace("\0", "")), **common)
    if text.startswith("data:"):
        return _inline(text, common)
    if len(text) > MAX_URL:
        return None
    path_of_url = text.partition("?")[0].partition("#")[0]
    name = unquote(path_of_url.rpartition("/")[2]).replace("\0", "")[-NAME_KEPT:]
    return Output(kind=kind_of(name, None), url=text, filename=name or None, **common)


def _inline(url: str, common: dict[str, Any]) -> Output:
    """Return a file that came within its address (RFC 2397)."""
    head = url[len("data:") :][:_TYPE_MOST].partition(",")[0]
    told = head.partition(";")[0].lower()
    family, _, subtype = told.partition("/")
    media_type = told if family and subtype else None
    too_large = len(url) > DATA_MOST
    return Output(
        kind=kind_of(subtype and f".{subtype}", media_type),
        url=None if too_large else url,
        not_kept="too_large" if too_large else None,
        content_type=media_type,
        filename=f"output.{subtype}" if subtype in _EXTENSIONS else None,
        **common,
    )
