"""The folders input, temp and output of a server, in memory."""

import hashlib
import mimetypes
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.comfyui.values import Json

_LETTERS = string.ascii_lowercase


@dataclass(eq=False)
class File:
    """One file, drawn when it is first looked at.

    Attributes:
        make: Makes its bytes.
        made_at: When it was written, in seconds since 1970.
    """

    name: str
    make: Callable[[], bytes]
    made_at: float = field(default_factory=time.time)
    _data: bytes | None = None

    @property
    def data(self) -> bytes:
        """Its bytes."""
        if self._data is None:
            self._data = self.make()
        return self._data

    @property
    def etag(self) -> str:
        """What changes with its bytes, in quotes."""
        return f'"{hashlib.sha256(self.data).hexdigest()[:16]}-{len(self.data):x}"'

    @property
    def content_type(self) -> str:
        """What its name says it is."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class Folders:
    """All files of one server."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str, str], File] = {}
        self._counts: dict[tuple[str, str, str], int] = {}

    def find(self, kind: str, subfolder: str, name: str) -> File | None:
        """Return a file; None where there is none."""
        return self._files.get((kind, subfolder, name))

    def input(self, path: str) -> File | None:
        """Return an input by its path, as LoadImage names it."""
        subfolder, _, name = path.rpartition("/")
        return self.find("input", subfolder, name)

    def inputs(self) -> list[str]:
        """Return the paths of all inputs, in order."""
        return sorted(
            f"{subfolder}/{name}".lstrip("/")
            for kind, subfolder, name in self._files
            if kind == "input"
        )

    def save(self, prefix: str, extension: str, make: Callable[[], bytes]) -> Json:
        """Write an output under the next number, and return the item that tells of it."""
        subfolder, _, name = prefix.strip("/").rpartition("/")
        return self._write("output", subfolder, name or "ComfyUI", extension, make)

    def preview(self, extension: str, make: Callable[[], bytes]) -> Json:
        """Write a temporary file, and return the item that tells of it."""
        suffix = "".join(secrets.choice(_LETTERS) for _ in range(5))
        return self._write("temp", "", f"ComfyUI_temp_{suffix}", extension, make)

    def upload(self, kind: str, subfolder: str, name: str, data: bytes, *, over: bool) -> Json:
        """Write what a client sends; return the item that tells where it is.

        Args:
            kind: `input`, `temp` or `output`.
            subfolder: Where in it.
            name: Its name; another file of that name makes it `name (1)`.
            data: Its bytes.
            over: Whether it takes the place of another file of that name.
        """
        stem, dot, extension = name.rpartition(".")
        if not dot:
            stem, extension = name, ""
        number, free = 0, name
        while not over and (there := self.find(kind, subfolder, free)) is not None:
            if there.data == data:
                break
            number += 1
            free = f"{stem} ({number}){dot}{extension}"
        self._files[kind, subfolder, free] = File(free, lambda: data)
        return {"name": free, "subfolder": subfolder, "type": kind}

    def restart(self) -> None:
        """Lose the temporary files, as a server does when it starts."""
        self._files = {key: file for key, file in self._files.items() if key[0] != "temp"}

    def _write(
        self, kind: str, subfolder: str, stem: str, extension: str, make: Callable[[], bytes]
    ) -> Json:
        key = (kind, subfolder, stem)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        name = f"{stem}_{count:05}_.{extension}"
        self._files[kind, subfolder, name] = File(name, make)
        return {"filename": name, "subfolder": subfolder, "type": kind}
