"""The service's own address: bound before anybody is told of it, and noted for its commands."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.errors import SetupError

_NOTE: Final = "address"


def listen(host: str, port: int) -> socket.socket:
    """Bind the address, so that the port is known before anybody is told of it.

    Raises:
        SetupError: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SetupError(
            [f"PORT: {host}:{port} cannot be listened on ({reason}); choose another PORT"]
        ) from error
    bound.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return bound


def local_url(bound: socket.socket) -> str:
    """Return the URL by which a process on this machine reaches a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://{reachable(host)}:{port}"


def reachable(host: str) -> str:
    """Return the host by which a process on this machine reaches what listens on `host`."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


@contextmanager
def noted(data_dir: Path, url: str) -> Generator[None]:
    """Keep the service's address in its data folder for as long as it listens."""
    note = data_dir / _NOTE
    note.write_text(f"{url}\n", encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def noted_url(data_dir: Path) -> str | None:
    """Return the address that a service noted; one that was killed has left its own."""
    try:
        return (data_dir / _NOTE).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
