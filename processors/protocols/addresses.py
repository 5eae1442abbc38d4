"""Decide which URL may be fetched and which address may be connected to.

The two decisions stand apart because DNS stands between them: `check_url` looks at what is
written in the URL, `is_public` at each address its name resolves to. A URL is rebuilt from its
checked parts before it is used, so that no second parser can read the original differently.

Ranges: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890, as of 2025).
Spelled out, because the standard library's idea of "global" differs between patch releases.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal
from urllib.parse import quote, urlsplit

from processors.errors import ProcessorError

Reason = Literal["scheme", "host", "port", "userinfo", "syntax", "private_address"]
Address = IPv4Address | IPv6Address

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
MAX_URL: Final = 8192
"""Characters; presigned URLs of S3 with a session token come to about 2,000."""
MAX_HOST: Final = 253
"""Characters of a name (RFC 1035, without the last dot)."""


class ForbiddenUrlError(ProcessorError):
    """A URL that is not fetched; its text holds neither path nor query, which may be secret.

    Attributes:
        reason: A slug, fit for a metric label.
        host: The host as far as it could be read safely, else empty.
    """

    def __init__(self, reason: Reason, host: str = "") -> None:
        super().__init__(f"{host or 'a URL'} is not fetched: {reason}")
        self.reason: Reason = reason
        self.host = host


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was checked, in the parts a request is made of.

    Attributes:
        scheme: "http" or "https".
        host: A lower-case ASCII name, or an IP address in its canonical form, unbracketed.
        port: 1 to 65535.
        path_and_query: ASCII, begins with a slash; left out of `repr`, for it may be signed.
    """

    scheme: str
    host: str
    port: int
    path_and_query: str = field(repr=False)

    @property
    def address(self) -> Address | None:
        """The host as an address; None when it is a name."""
        return literal(self.host)

    @property
    def authority(self) -> str:
        """What belongs into the `Host` header: brackets and a port where needed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def check_url(url: str, *, hosts: tuple[str, ...], allow_private: bool) -> Target:
    """Return the parts of `url` if it may be fetched.

    Args:
        url: As a stranger gave it.
        hosts: Whom to fetch from: `name`, `name:port`, `*.suffix` (any depth, never the suffix
            itself), `address` or `[address]`, with a port or without. A star between two dots
            stands for one part of a name. Without a port the entry stands for the scheme's own
            port.
        allow_private: Whether a listed address may be one that `is_public` refuses.

    Raises:
        ForbiddenUrlError: It may not.
    """
    if len(url) > MAX_URL or not is_plain(url):
        raise ForbiddenUrlError("syntax")
    try:
        parts = urlsplit(url)
    except ValueError:
        # The cause is left out: its message quotes the URL.
        raise ForbiddenUrlError("syntax") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise ForbiddenUrlError("scheme")
    host, port = split_authority(parts.netloc)
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_ASCII)
    target = Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], path)
    _check_listed(target, hosts)
    address = target.address
    if address is not None and not allow_private and not is_public(address):
        raise ForbiddenUrlError("private_address", host)
    return target


def below(url: str, bases: Iterable[str]) -> str | None:
    """Return the base URL, the longest of `bases`, that `url` lies below; None where none does.

    Args:
        url: As a stranger gave it; written otherwise than the base, it lies below none.
        bases: Without a slash at their ends.
    """
    found = [base for base in bases if url.startswith(f"{base}/")]
    return max(found, key=len, default=None)


def check_entry(entry: str) -> None:
    """See that an entry of a list of hosts is one that can stand for anybody.

    Raises:
        ForbiddenUrlError: It is not.
    """
    if literal(entry) is None:
        split_authority(_INNER_STAR.sub("x", entry.removeprefix("*.")))


def is_local_name(host: str) -> bool:
    """Whether a name means the machine itself or the network around it (RFC 6761, RFC 6762)."""
    return any(host == name or host.endswith(f".{name}") for name in _LOCAL_NAMES)


def is_plain(url: str) -> bool:
    """Whether `url` is free of white space, control characters, surrogates and backslashes.

    Parsers differ about each of these, and some drop them silently.
    """
    return url.isprintable() and " " not in url and "\\" not in url


def split_authority(authority: str) -> tuple[str, int | None]:
    """Return host and port of what stands between `//` and the path.

    The host is a lower-case ASCII name or a canonical, unbracketed IP address.

    Raises:
        ForbiddenUrlError: With reason `userinfo`, `host` or `port`.
    """
    if "@" in authority:
        raise ForbiddenUrlError("userinfo")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise ForbiddenUrlError("host")
    host = _bracketed(match["v6"]) if match["v6"] is not None else _name(match["name"])
    if match["port"] is None:
        return host, None
    # Five digits at most, so that a long number costs nothing.
    port = int(match["port"]) if re.fullmatch("[0-9]{1,5}", match["port"]) else 0
    if not 0 < port <= _LAST_PORT:
        raise ForbiddenUrlError("port", host)
    return host, port


def literal(host: str) -> Address | None:
    """Return the address that `host` spells in the usual form, unbracketed; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def loose_ipv4(host: str) -> IPv4Address | None:
    """Return the address that C's `inet_aton` reads from `host`, such as `127.1` or `0x7f.1`.

    One to four parts, each decimal, octal (`0`) or hexadecimal (`0x`); the last one fills the
    bytes that are left. None when it reads no address.
    """
    parts = host.split(".")
    if len(parts) > _IPV4_BYTES or not all(_LOOSE_PART.fullmatch(part) for part in parts):
        return None
    *leading, last = (_number(part) for part in parts)
    room = 256 ** (_IPV4_BYTES - len(leading))
    if last >= room or any(byte > _LAST_BYTE for byte in leading):
        return None
    value = sum(byte << (24 - 8 * place) for place, byte in enumerate(leading))
    return IPv4Address(value + last)


def is_public(ip: Address) -> bool:
    """Whether `ip` is reachable over the public internet, and over that alone.

    An address with an IPv4 address inside (mapped, NAT64, 6to4) is as public as that one;
    Teredo, private NAT64 prefixes and addresses with a zone never are.
    """
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _CLOSED_IPV4)
    if ip.scope_id is not None:
        return False
    inner = _embedded(ip)
    if inner is not None:
        return is_public(inner)
    return ip in _GLOBAL_UNICAST and not any(ip in network for network in _CLOSED_IPV6)


_LOCAL_NAMES: Final = ("localhost", "localdomain", "local", "internal", "lan", "home.arpa")
_INNER_STAR: Final = re.compile(r"(?<=\.)\*(?=\.)")
_LAST_PORT: Final = 65535
_LAST_BYTE: Final = 255
_IPV4_BYTES: Final = 4
_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:]*))(?::(?P<port>.*))?"
)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOOSE_PART: Final = re.compile(r"0[xX][0-9a-fA-F]{0,8}|0[0-7]{0,11}|[1-9][0-9]{0,9}")

_CLOSED_IPV4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by the customers of a provider (RFC 6598)
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata service of the clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything that is not global unicast is closed: loopback, link-local, site-local, unique
# local, multicast, discard-only, segment routing, and the private NAT64 prefix 64:ff9b:1::/48.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# Among them the protocol assignments (Teredo, benchmarks, ORCHID) and documentation.
_CLOSED_IPV6: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_NAT64: Final = IPv6Network("64:ff9b::/96")


def _check_listed(target: Target, hosts: tuple[str, ...]) -> None:
    """Refuse a target that no entry of `hosts` stands for."""
    ports = [port for host, port in map(_split_entry, hosts) if _names(host, target.host)]
    if not ports:
        raise ForbiddenUrlError("host", target.host)
    if target.port not in (port or DEFAULT_PORTS[target.scheme] for port in ports):
        raise ForbiddenUrlError("port", target.host)


def _split_entry(entry: str) -> tuple[str, int | None]:
    """Host and port of an entry of the list; an entry of ours that is no good matches nothing."""
    if address := literal(entry):
        return str(address), None
    rest = entry.removeprefix("*.")
    try:
        host, port = split_authority(_INNER_STAR.sub("x", rest))
    except ForbiddenUrlError:
        return "", None
    if _INNER_STAR.search(rest):
        host = rest.partition(":")[0].lower()
    return (f".{host}" if entry.startswith("*.") else host), port


def _names(listed: str, host: str) -> bool:
    """Whether a listed host, a suffix when it begins with a dot, stands for `host`."""
    if "*" in listed:
        return literal(host) is None and _matches(listed.split("."), host.split("."))
    if listed.startswith("."):
        return literal(host) is None and host.endswith(listed)
    return listed == host


def _matches(listed: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether the parts of a name fit those listed; an empty first one stands for any before."""
    if not listed[0]:
        listed, parts = listed[1:], parts[1:][-len(listed) + 1 :]
    return len(listed) == len(parts) and all(
        wanted in ("*", part) for wanted, part in zip(listed, parts, strict=True)
    )


def _bracketed(text: str) -> str:
    """The canonical form of an IPv6 address."""
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise ForbiddenUrlError("host") from None


def _name(text: str) -> str:
    """The lower-case ASCII form of a name, or of an IPv4 address in four decimal parts."""
    host = _to_ascii(text).lower()
    labels = host.split(".")
    if len(host) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ForbiddenUrlError("host")
    # A name that ends in a number is an address to every resolver (WHATWG URL, "ends in a
    # number"), and in forms other than the plain one they do not agree which.
    if _NUMERIC_LABEL.fullmatch(labels[-1]) and not isinstance(literal(host), IPv4Address):
        raise ForbiddenUrlError("host")
    return host


def _to_ascii(text: str) -> str:
    """The IDNA form of a name with letters beyond ASCII.

    A label that folds into plain ASCII, such as one of full-width digits, is refused: it is a
    disguise, and parsers differ about it.
    """
    if text.isascii():
        return text
    if len(text) > MAX_HOST:
        raise ForbiddenUrlError("host")
    try:
        labels = [label if label.isascii() else _idna(label) for label in text.split(".")]
    except UnicodeError:
        raise ForbiddenUrlError("host") from None
    return ".".join(labels)


def _idna(label: str) -> str:
    """The `xn--` form of one label."""
    encoded = label.encode("idna").decode("ascii")
    if not encoded.startswith("xn--") or "." in encoded:
        raise ForbiddenUrlError("host")
    return encoded


def _number(part: str) -> int:
    """The value of a part as C's `strtoul` with base 0 reads it."""
    if part[:2] in {"0x", "0X"}:
        return int(part[2:] or "0", 16)
    return int(part, 8 if part.startswith("0") else 10)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that `ip` leads to."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.sixtofour
