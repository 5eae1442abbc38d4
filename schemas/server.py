"""A ComfyUI server as the operator names it."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import Field, SecretStr

from schemas.base import EngineName, InstanceName, Record, Time, Value

SLOTS_MOST: Final = 64
NAME: Final = r"[A-Za-z0-9._:-]{1,64}"
"""What a server's name looks like; ``#`` divides it from the number of a slot."""


class ServerSettings(Value):
    """One ComfyUI server."""

    name: Annotated[str, Field(pattern=f"^{NAME}$")]
    """Unique; ``host:port-path`` where none was given."""
    url: str
    """Base URL, a path prefix included: canonical, without a slash at its end."""
    slots: Annotated[int, Field(ge=0, le=SLOTS_MOST)] = 1
    """Runs that it is given at a time; with 0 it is given none, and what it has goes on."""
    headers: Mapping[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """Of every call and of the socket's handshake: credentials for a proxy in front of it."""

    def __str__(self) -> str:
        """Write it for the operator, without its credentials."""
        named = "" if self.url.endswith(f"//{self.name}") else f"{self.name}="
        return f"{named}{self.url}" + (f" ({self.slots} slots)" if self.slots != 1 else "")

    def secret_values(self) -> Iterator[str]:
        """Yield all that must never be printed: the headers' values, and what is within them."""
        for name, secret in self.headers.items():
            value = secret.get_secret_value()
            yield value
            if name.lower() == "authorization":
                yield from _within(value)


class ServerSeen(Record):
    """A server as whoever has its duty saw it last."""

    id: str = Field(validation_alias="_id", serialization_alias="_id")
    """``{engine}/{name}``."""
    engine: EngineName
    name: str
    at: Time
    healthy: bool
    """Whether it is given runs."""
    trouble: str | None = None
    """What is wrong with it, in words for people."""
    slots: int
    load: int
    """Runs in its queue, whoever's they are."""
    version: str | None = None
    device: str | None = None
    memory_total: int | None = None
    """Bytes of its device."""
    memory_free: int | None = None
    """Bytes of its device that were free."""
    by: InstanceName
    """The process that has its duty."""


def _within(authorization: str) -> Iterator[str]:
    """Yield the token of an Authorization header (RFC 6750), or user and password (RFC 7617)."""
    scheme, _, rest = authorization.partition(" ")
    if not rest:
        return
    yield rest
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
        yield pair
        yield pair.partition(":")[2]
