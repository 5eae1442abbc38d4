"""Binary frames of the socket, big-endian: what follows the number of the event."""

import json
import struct
from typing import Final

from sandbox.comfyui.values import Json

PREVIEW: Final = 1
TEXT: Final = 3
PREVIEW_WITH_METADATA: Final = 4
JPEG: Final = 1
PNG: Final = 2


def preview(image: bytes, kind: int) -> bytes:
    """Return a preview that does not say whose it is."""
    return struct.pack(">II", PREVIEW, kind) + image


def text(node_id: str, words: str) -> bytes:
    """Return a node's words."""
    name = node_id.encode()
    return struct.pack(">II", TEXT, len(name)) + name + words.encode()


def preview_with_metadata(image: bytes, kind: int, metadata: Json) -> bytes:
    """Return a preview that names its prompt and node."""
    known = metadata | {"image_type": "image/jpeg" if kind == JPEG else "image/png"}
    head = json.dumps(known).encode()
    return struct.pack(">II", PREVIEW_WITH_METADATA, len(head)) + head + image
