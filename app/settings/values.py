"""Read single values as people write them: with quotes, blanks, capitals, and slips."""

import re
from collections.abc import Callable
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, cast
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr

from processors.protocols import addresses, standard_webhooks
from processors.protocols.addresses import ForbiddenUrlError
from schemas.payment import STARS_MOST
from schemas.quota import Quota

RATE_MOST: Final = 100_000
"""Credits for one Star or one USD: the largest purchase stays within what can be moved."""

TEXT_MOST: Final = 4096
"""Characters of a message (core.telegram.org/bots/api#sendmessage), in UTF-16 to be safe."""


def text(value: str) -> str:
    """Return a value without the blanks, carriage returns and quotes that copying leaves on it."""
    trimmed = value.strip()
    if len(trimmed) > 1 and trimmed[0] == trimmed[-1] and trimmed[0] in "\"'":
        return trimmed[1:-1].strip()
    return trimmed


def items(value: object) -> object:
    """Read a comma list, without blanks and without repetition."""
    if not isinstance(value, str):
        return value
    parts: list[str] = [text(part) for part in value.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def number(low: int, high: int | None = None) -> BeforeValidator:
    """Read a whole number within bounds."""
    bounds = f"from {low} to {high}" if high else f"{low} or more"

    def read(value: object) -> object:
        given = str(value)
        if not re.fullmatch(r"[0-9]{1,9}", given) or not low <= int(given) <= (high or 10**9):
            raise ValueError(f"is {given!r}, but must be a whole number, {bounds}")
        return int(given)

    return BeforeValidator(read)


def switch(value: object) -> object:
    """Read on or off, in the ways people write them."""
    given = str(value).lower()
    if given in {"on", "true", "yes", "1"}:
        return True
    if given in {"off", "false", "no", "0"}:
        return False
    raise ValueError(f"is {given!r}, but must be on or off")


def one_of(*words: str) -> BeforeValidator:
    """Read one of a few words, in any case."""

    def read(value: object) -> object:
        given = str(value).lower()
        if given not in words:
            raise ValueError(f"is {given!r}, but must be {' or '.join(words)}")
        return given

    return BeforeValidator(read)


def url(value: object) -> object:
    """Read an http address without query, its slashes at the end trimmed."""
    given = str(value)
    parts = _parts(given)
    if parts is None or "?" in given or "#" in given:
        raise ValueError(
            "is not an address: write it like https://host/path, without user name and query"
        )
    return given.rstrip("/")


def origin(text: str) -> str:
    """Check one origin of a browser page (RFC 6454)."""
    bare = text.rstrip("/")
    parts = _parts(bare)
    if bare != "*" and (parts is None or any(parts[2:])):
        raise ValueError(f"has {text!r}, but must list origins like https://example.com, or be *")
    return bare


def proxy(text: str) -> str:
    """Check one address or network of proxies."""
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        problem = f"has {text!r}, but must list addresses or networks like 10.0.0.0/8"
        raise ValueError(problem) from error


def host(text: str) -> str:
    """Check one pattern of host names, of the form that `addresses.check_url` takes."""
    try:
        addresses.check_entry(text)
    except ForbiddenUrlError as error:
        problem = f"has {text!r}, but must list host names like *.s3.amazonaws.com"
        raise ValueError(problem) from error
    return text.lower()


def each(check: Callable[[str], str]) -> BeforeValidator:
    """Read a comma list, each part of which passes `check`."""

    def read(value: object) -> object:
        given = items(value)
        # What the code itself gives is a tuple already.
        return tuple(map(check, cast("tuple[str, ...]", given)))

    return BeforeValidator(read)


def listens(value: object) -> object:
    """Read the name or address to listen on."""
    given = str(value).strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9_.:%-]{1,253}", given):
        raise ValueError(f"is {given!r}, but must be an address like 127.0.0.1, without a scheme")
    return given


def path(value: object) -> object:
    """Read a path; a tilde stands for the home folder, as in a shell."""
    return Path(str(value)).expanduser()


def mongodb(value: object) -> object:
    """Read a connection string; the driver knows the rest of its grammar."""
    if isinstance(value, str) and not re.match(r"mongodb(\+srv)?://[^/\s]+", value):
        raise ValueError("must look like mongodb://host:27017/?replicaSet=rs0; empty: embedded")
    return value


def redis(value: object) -> object:
    """Read a Redis address, as its clients write it."""
    if isinstance(value, str) and not re.fullmatch(
        r"rediss?://([^@/\s]*@)?([^@:/?#\s\[\]]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?(/[0-9]{0,5})?",
        value,
    ):
        raise ValueError(
            "must look like redis://:password@host:6379/0, or rediss:// for TLS; empty: none"
        )
    return value


def telegram_secret(value: object) -> object:
    """Read a secret token such as Telegram takes (Bot API, setWebhook)."""
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value):
        raise ValueError("must be 1 to 256 letters, digits, _ or -; make one: openssl rand -hex 32")
    return value


def signing(value: object) -> object:
    """Read a comma list of secrets such as Standard Webhooks signs with."""
    given = items(value)
    if isinstance(value, str):
        standard_webhooks.keys(cast("tuple[str, ...]", given))
    return given


def storage(value: object) -> object:
    """Read where files are kept: a bucket with or without a folder in it, or a folder here.

    Keys are not part of it: it is shown, as other addresses are.
    """
    given = str(value).rstrip("/")
    if not re.fullmatch(
        r"(?:(?:s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]{1,221}|file://)(?:/[^/?#\\\s@%]+)*", given
    ) or given in {"file:", "file://"}:
        raise ValueError(
            "must look like s3://bucket/folder, gs://bucket, az://container or file:///folder; "
            "keys belong in variables of their own"
        )
    return given


def database(value: object) -> object:
    """Read a database's name (MongoDB's restrictions for all platforms)."""
    given = str(value)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,38}", given):
        raise ValueError(f"is {given!r}, but must be 1 to 38 letters, digits, _ or -")
    return given


def chat(value: object) -> object:
    """Read a chat's id; groups have negative ones."""
    given = str(value)
    if not re.fullmatch(r"-?[0-9]{1,19}", given):
        raise ValueError(f"is {given!r}, but must be a chat's number, such as -1001234567890")
    return int(given)


def credits(value: object) -> object:  # noqa: A001 - what it reads
    """Read an amount of credits, zero included."""
    given = str(value)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", given):
        raise ValueError(
            f"is {given!r}, but must be an amount of credits, such as 5 or 0.25: "
            "below a thousand million, with at most 6 decimal places"
        )
    return Decimal(given)


def rate(value: object) -> object:
    """Read how many credits something is worth: above zero, and not so many that none fit."""
    given = credits(value)
    if not isinstance(given, Decimal) or not 0 < given <= RATE_MOST:
        raise ValueError(f"is {value!s:.20}, but must be above 0, and at most {RATE_MOST}")
    return given


def stars(value: object) -> object:
    """Read a comma list of numbers of Stars, smallest first."""
    given = [str(each) for each in cast("tuple[object, ...]", items(value))]
    if not given or not all(
        re.fullmatch(r"[0-9]{1,5}", each) and 1 <= int(each) <= STARS_MOST for each in given
    ):
        raise ValueError(
            f"must list whole numbers of Stars from 1 to {STARS_MOST}, such as 50,100,250"
        )
    return tuple(sorted(map(int, given)))


def quota(value: object) -> object:
    """Read how many are allowed, and to whom else how many: ``3,member:10,partner:none``."""
    if isinstance(value, Quota):
        return value
    usual, *others = (part.strip() for part in str(value).split(","))
    by_role = dict(_role(part) for part in others)
    return Quota(usual=_most(usual), by_role=by_role)


def words(value: object) -> object:
    r"""Read a text for people, in which ``\n`` may stand for the end of a line."""
    given = str(value).replace("\\n", "\n")
    if len(given.encode("utf-16-le")) // 2 > TEXT_MOST:
        raise ValueError(f"is longer than a message of Telegram's may be ({TEXT_MOST} characters)")
    return given


Switch = Annotated[bool, BeforeValidator(switch)]
Location = Annotated[Path, BeforeValidator(path)]
Url = Annotated[str, BeforeValidator(url)]
Allowance = Annotated[Quota, BeforeValidator(quota)]
Text = Annotated[str, BeforeValidator(words)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(items)]
SigningSecrets = Annotated[tuple[SecretStr, ...], BeforeValidator(signing)]


def _parts(given: str) -> tuple[str, ...] | None:
    """The parts of an http address without a user name; None when it is not one."""
    try:
        parts = urlsplit(given)
        addresses.split_authority(parts.netloc)
    except (ValueError, ForbiddenUrlError):
        return None
    return parts if parts.scheme in addresses.DEFAULT_PORTS and addresses.is_plain(given) else None


def _most(given: str) -> int | None:
    if given == "none":
        return None
    if not re.fullmatch(r"[0-9]{1,6}", given):
        raise ValueError(f"has {given!r}, but must be like 3 or none, or like 3,member:10,vip:none")
    return int(given)


def _role(given: str) -> tuple[str, int | None]:
    role, _, most = given.partition(":")
    if not re.fullmatch(r"[a-z0-9_-]{1,32}", role):
        raise ValueError(f"has {given!r}, but must be like 3 or none, or like 3,member:10,vip:none")
    return role, _most(most)
