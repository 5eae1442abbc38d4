"""What the nodes of a prompt gave: files of any kind, and texts.

``{node: {key: [items]}}``, from history or from the socket. The key says little: videos come
under ``gifs`` or ``images``, 3D files under ``3d`` or ``result``. So what an item is goes by its
name and its format.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import JsonValue

from processors.protocols import texts
from processors.protocols.bodies import read
from processors.protocols.kinds import kind_of
from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, OutputKind
from schemas.wire.comfyui import FileItem

LOOKED_AT: Final = 2_000
"""Nodes, keys and items that are looked at, in all; a record keeps far fewer."""
NAME_KEPT: Final = 200
"""Characters of a file's name, the last ones: there its extension is."""
WORD_MOST: Final = 128
"""Characters of a node's id or a key; an output whose id would be longer is passed over."""
_NO_RESULTS: Final = frozenset({"temp", "input"})
"""Folders of what is no result: previews, which a restart removes, and what was handed over."""
_SHOWN_IN_3D: Final = "result"
"""The key under which ``Preview3D`` names its file, as a bare text below the output folder."""


def outputs(told: Mapping[str, JsonValue], base: str, at: datetime | None) -> tuple[Output, ...]:
    """Translate what nodes gave, one item by one; what does not fit is passed over.

    Args:
        told: By node id and key, in the order of the answer.
        base: The server's address, without a credential: files are fetched below it.
        at: When it was heard; None for an answer.
    """
    steps = islice(_steps(told, base.rstrip("/"), at), LOOKED_AT)
    return tuple(islice((step for step in steps if step is not None), OUTPUTS_KEPT))


def _steps(
    told: Mapping[str, JsonValue], base: str, at: datetime | None
) -> Iterator[Output | None]:
    """Yield at every node, key and item: the output, or None where there is none."""
    for node_id, given in told.items():
        yield None
        if not isinstance(given, dict) or len(node_id) > WORD_MOST:
            continue
        for key, items in given.items():
            yield None
            if not isinstance(items, list) or len(key) > WORD_MOST:
                continue
            for index, item in enumerate(items):
                common: dict[str, Any] = {
                    "id": f"{node_id}/{key}/{index}",
                    "node_id": node_id,
                    "received_at": at,
                }
                yield _output(key, item, base, common)


def _output(key: str, item: JsonValue, base: str, common: dict[str, Any]) -> Output | None:
    told = _file_in_3d(item) if key == _SHOWN_IN_3D and isinstance(item, str) else item
    if isinstance(told, str):
        return Output(kind=OutputKind.TEXT, text=texts.kept(told), **common)
    file = read(FileItem, told)
    if file is None or file.type in _NO_RESULTS:
        return None
    query = {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
    return Output(
        kind=kind_of(file.filename, file.format),
        url=f"{base}/view?{urlencode(query)}",
        filename=file.filename[-NAME_KEPT:],
        **common,
    )


def _file_in_3d(text: str) -> str | dict[str, str]:
    """Return the file that a text names, if it is one of a 3D model; else the text."""
    path, _, folder = text.partition(" [")
    if kind_of(path, None) is not OutputKind.MODEL:
        return text
    subfolder, _, filename = path.replace("\\", "/").rpartition("/")
    return {
        "filename": filename,
        "subfolder": subfolder,
        "type": folder.removesuffix("]") or "output",
    }
