"""All ComfyUI servers of a sandbox, each made when it is first used."""

import re
from typing import Final

from sandbox.background import Background
from sandbox.comfyui.server import Server

_NAME: Final = re.compile(r"[a-z0-9-]{1,32}")


class Servers:
    """The servers, by name."""

    def __init__(self, background: Background, seconds: float) -> None:
        self._background = background
        self._seconds = seconds
        self._known: dict[str, Server] = {}

    def get(self, name: str) -> Server | None:
        """Return a server; None where no server can have that name."""
        if not _NAME.fullmatch(name):
            return None
        if name not in self._known:
            self._known[name] = Server(name, self._background, self._seconds)
        return self._known[name]

    def reset(self) -> None:
        """Forget everything."""
        for server in self._known.values():
            server.stop()
        self._known.clear()
