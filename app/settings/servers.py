"""Read the setting that names the ComfyUI servers: a list of addresses, or a file with more.

Everything that is wrong is said at once, by its place. What stands in a file may be a secret, so
no message quotes a value.
"""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

import yaml
from pydantic import SecretStr

from app.settings import values
from processors.protocols import addresses
from schemas.server import NAME, SLOTS_MOST, ServerSettings

T = TypeVar("T")

_BETWEEN: Final = re.compile(r"[^A-Za-z0-9._:]+")
"""What a name does not have of a path."""
FIELDS: Final = ("name", "url", "slots", "bearer", "basic", "headers")
AUTHORIZATION: Final = "Authorization"

_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""A header's name (RFC 9110, section 5.1)."""
_VALUE: Final = re.compile(r"[!-~]([ -~]{0,4000}[!-~])?")
_TAKEN: Final = re.compile(
    "host|connection|upgrade|content-.*|transfer-encoding|accept-encoding|sec-.*", re.IGNORECASE
)
"""Headers that HTTP itself and the socket's handshake set."""


def servers(value: object) -> object:
    """Read the setting: addresses by comma, or the path of a YAML file.

    Raises:
        ValueError: With everything that is wrong, a line each.
    """
    if not isinstance(value, str):
        return value
    problems = list[str]()
    found = list[ServerSettings]()
    for place, fields in _listed(value):
        server = _Entry(place, fields, problems).server()
        if server is not None:
            found.append(server)
    problems += _doubles(found)
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(found)


def _listed(value: str) -> list[tuple[str, object]]:
    """Return what stands for each server, and how its place is called."""
    if "://" in value:
        parts = cast("tuple[str, ...]", values.items(value))
        return [(f"address {n}", {"url": part}) for n, part in enumerate(parts, 1)]
    entries = _filed(Path(value))
    return [(f"servers.{n}", each) for n, each in enumerate(entries, 1)]


def _filed(path: Path) -> Sequence[object]:
    """Return the entries of a file."""
    try:
        # Every scalar stays the text that it is: `bearer: 0123` and `name: no` are no slips.
        tree: Any = yaml.load(path.expanduser().read_bytes(), yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts, lists and mappings
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({error.strerror}); list addresses like http://10.0.0.5:8188, "
            "or name a YAML file"
        ) from error
    except RuntimeError as error:
        # Whose home that is nobody knows; or its brackets are nested too deep.
        raise ValueError(f"{path} cannot be read ({type(error).__name__})") from None
    except (yaml.YAMLError, ValueError) as error:
        # What YAML says of it quotes the file.
        mark: Any = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise ValueError(f"{path} is not YAML{where}") from None
    file = cast("dict[str, object]", tree) if isinstance(tree, dict) else {}
    entries = file.get("servers")
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} must have a list `servers` with an entry or more")
    return cast("list[object]", entries)


class _Entry(NamedTuple):
    """What stands for one server.

    Attributes:
        place: How it is called where something is wrong.
        given: What stands there.
        problems: Where that is noted.
    """

    place: str
    given: object
    problems: list[str]

    def server(self) -> ServerSettings | None:
        """Return the server; None where something is wrong, which is noted."""
        before = len(self.problems)
        if not isinstance(self.given, dict):
            self._wrong("", f"must be a server, with {', '.join(FIELDS)}; url is needed")
            return None
        fields: dict[str, object] = self.given  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - a file's free YAML
        for name in fields.keys() - set(FIELDS):
            self._wrong("", f"has {name!r:.40}, but may have {', '.join(FIELDS)}")
        url = self._read("url", fields.get("url"), _url)
        slots = self._read("slots", fields.get("slots", "1"), _slots)
        headers = self._headers(fields)
        # Where the URL is wrong, there is nothing to call it by that could be wrong too.
        name = self._read("name", fields.get("name", _place(url) if url else "-"), _name)
        if len(self.problems) > before or url is None or slots is None or name is None:
            return None
        return ServerSettings(name=name, url=url, slots=slots, headers=headers)

    def _headers(self, fields: dict[str, object]) -> dict[str, SecretStr]:
        """Return the headers, those that the credentials make among them."""
        made = dict[str, SecretStr]()
        given = fields.get("headers", cast("object", {}))
        if not isinstance(given, dict):
            self._wrong(".headers", "must be names with a value each")
        named = cast("dict[str, object]", given) if isinstance(given, dict) else {}
        for name, value in named.items():
            text = self._read(f"headers.{name:.40}", value, _value)
            if not _HEADER.fullmatch(name) or _TAKEN.fullmatch(name):
                self._wrong(f".headers.{name:.40}", "is no header that can be set here")
            elif text is not None:
                made[name] = SecretStr(text)
        credentials = [name for name in ("bearer", "basic") if name in fields]
        credentials += [f"headers.{name}" for name in made if name.lower() == "authorization"]
        if len(credentials) > 1:
            self._wrong("", f"has {' and '.join(credentials)}, of which there can be one")
        for name, read in {"bearer": _bearer, "basic": _basic}.items():
            credential = self._read(name, fields[name], read) if name in fields else None
            if credential is not None:
                made[AUTHORIZATION] = SecretStr(credential)
        return made

    def _read(self, name: str, value: object, read: Callable[[object], T]) -> T | None:
        """Return a field as it is read; None where it cannot be, which is noted."""
        try:
            return read(value)
        except ValueError as error:
            self._wrong(f".{name}", str(error))
            return None

    def _wrong(self, where: str, said: str) -> None:
        self.problems.append(f"{self.place}{where}: {said}")


def _url(value: object) -> str:
    """Read a base URL into the one way of writing it."""
    parts = urlsplit(str(values.url(value if isinstance(value, str) else "")))
    host, port = addresses.split_authority(parts.netloc)
    scheme = parts.scheme.lower()
    target = addresses.Target(scheme, host, port or addresses.DEFAULT_PORTS[scheme], parts.path)
    if not parts.path.isascii():
        raise ValueError("has letters beyond ASCII in its path")
    return f"{scheme}://{target.authority}{parts.path}"


def _place(url: str) -> str:
    """Return what a server is called that was given no name: host and port, then its path."""
    parts = urlsplit(url)
    port = parts.port or addresses.DEFAULT_PORTS[parts.scheme]
    return f"{parts.hostname}:{port}{_BETWEEN.sub('-', parts.path)}"


def _name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME, value):
        raise ValueError("must be 1 to 64 letters, digits, dots, colons, _ or -")
    return value


def _slots(value: object) -> int:
    given = str(value)
    if not re.fullmatch("[0-9]{1,2}", given) or int(given) > SLOTS_MOST:
        raise ValueError(f"must be a whole number, from 0 to {SLOTS_MOST}")
    return int(given)


def _value(value: object) -> str:
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise ValueError("must be plain ASCII on one line")
    return value


def _bearer(value: object) -> str:
    """Read a token into what an Authorization header holds (RFC 6750)."""
    return f"Bearer {_value(value)}"


def _basic(value: object) -> str:
    """Read user and password into what an Authorization header holds (RFC 7617)."""
    if not isinstance(value, str) or not re.fullmatch(r"[^:\x00-\x1f]+:[^\x00-\x1f]*", value):
        raise ValueError("must be like user:password")
    return f"Basic {base64.b64encode(value.encode()).decode()}"


def _doubles(found: Sequence[ServerSettings]) -> Iterator[str]:
    """Yield what cannot stand side by side."""
    for at, server in enumerate(found):
        for other in found[:at]:
            if server.name == other.name:
                yield f"two servers are called {server.name}; give them names, in a YAML file"
            if server.url == other.url:
                yield f"{server.name} has the address of {other.name}"
