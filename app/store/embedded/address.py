"""Where the embedded mongod listens: chosen once, kept in `DATA_DIR/mongo.json` beside its pid.

The replica set's configuration names its own port, so a mongod that moved must be reconfigured by
force; hence the port is kept for as long as nobody else takes it.
"""

import contextlib
import secrets
import socket
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

HOST: Final = "127.0.0.1"
REPLICA_SET: Final = "runrelay"

# Below the ports that Linux lends to outgoing connections (32768 and up): a client that knocks
# while mongod is away could be lent that very port and end up talking to itself, which also keeps
# mongod from getting it back.
_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000


class Address(BaseModel):
    """The port and the process behind it.

    Attributes:
        port: The port on 127.0.0.1.
        pid: The mongod last started there; it may be long gone.
        unborn: Its files are being made for the first time and have never been writable. A start
            cut short then leaves files that hold nothing and that mongod refuses for ever.
    """

    model_config = ConfigDict(frozen=True)

    port: int = Field(ge=1, le=65_535)
    pid: int | None = None
    unborn: bool = False


def uri(port: int) -> str:
    """Return the address a driver connects to."""
    return f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"


def read(path: Path) -> Address | None:
    """Return the address that was kept, None where none was or it cannot be read."""
    with contextlib.suppress(OSError, ValidationError):
        return Address.model_validate_json(path.read_bytes())
    return None


def write(path: Path, address: Address) -> None:
    """Keep the address; a death in the middle leaves the old one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(address.model_dump_json() + "\n")
    fresh.chmod(0o600)
    fresh.replace(path)


def choose(kept: int | None) -> int:
    """Return the port that was kept if nobody listens on it, a free one otherwise."""
    if kept is not None and _is_free(kept):
        return kept
    while True:
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if _is_free(port):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As mongod does: connections of the last run still in TIME_WAIT are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
