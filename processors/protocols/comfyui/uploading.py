"""Files that a server is given: what they are called there, and how a workflow names them."""

import hashlib
import re
from typing import Final

from processors.protocols.bodies import parsed
from schemas.wire.comfyui import Uploaded

FOLDER: Final = "runrelay"
"""Where our files lie below a server's folder for inputs."""
FIELD: Final = "image"
"""The form's field that the file stands in, whatever the file is."""
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,8}")


def name_of(name: str) -> str:
    """Return what a file is called at a server: the same for the same name, and plain.

    A server stores other bytes under a name that it has as ``x (1).png``, answers 500 to a name
    of 300 characters, and takes names with ``..`` or a slash that it cannot find again.
    """
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    ending = f".{extension}" if _EXTENSION.fullmatch(extension) else ""
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()[:32] + ending


def uploaded(raw: bytes) -> str:
    """Translate the answer of ``POST /upload/image`` into the value of a node's input.

    Raises:
        RefusedBodyError: It is no such answer.
    """
    told = parsed(Uploaded, raw)
    return f"{told.subfolder}/{told.name}" if told.subfolder else told.name
