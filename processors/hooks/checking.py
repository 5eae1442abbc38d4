"""Decide whether what somebody asks of an endpoint can be: its URL, events and secret."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from processors.errors import ProcessorError
from processors.protocols import addresses, standard_webhooks
from processors.protocols.addresses import ForbiddenUrlError, Target
from schemas.hook import HookEvent

SECRET_MOST: Final = 128
"""Characters of a secret: 64 bytes, which the specification calls the most, are 94."""
URL_MOST: Final = 2048

_WORDS: Final = {
    "scheme": "must begin with https:// or http://",
    "host": "names no host that can be reached",
    "port": "names a port that is none",
    "userinfo": "must not hold a user or a password",
    "syntax": "is not a URL",
    "private_address": "leads to a private address, which is not allowed here",
}


class HookProblem(ProcessorError):  # noqa: N818 - what is wrong with a field, said to who gave it
    """A field of an endpoint that cannot be as it was given.

    Attributes:
        field: Which.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def check_url(url: str, *, allow_private: bool) -> Target:
    """Return the parts of a URL that may be sent to.

    What its name leads to is looked at each time before it is connected to.

    Raises:
        HookProblem: It may not.
    """
    if len(url) > URL_MOST:
        raise HookProblem("url", f"takes at most {URL_MOST} characters")
    try:
        target = addresses.check_url(url, hosts=(_authority(url),), allow_private=allow_private)
    except ForbiddenUrlError as error:
        raise HookProblem("url", _WORDS[error.reason]) from None
    if addresses.is_local_name(target.host) and not allow_private:
        raise HookProblem("url", _WORDS["private_address"])
    return target


def host_of(url: str) -> str:
    """Return the host of a URL that was checked, to be named where the rest must not be."""
    return urlsplit(url).hostname or ""


def check_events(given: Iterable[str], default: Iterable[HookEvent]) -> tuple[HookEvent, ...]:
    """Return events by their names, each once; `default` where none are given.

    Raises:
        HookProblem: One is none of ours; names those that are.
    """
    known = {each.value: each for each in HookEvent}
    found = dict[HookEvent, None]()
    for name in given:
        if name not in known:
            raise HookProblem("events", f"must be of {', '.join(known)}")
        found[known[name]] = None
    return tuple(found or default)


def check_secret(secret: str) -> str:
    """Return a secret that can sign.

    Raises:
        HookProblem: It cannot.
    """
    if len(secret) > SECRET_MOST:
        raise HookProblem("secret", f"takes at most {SECRET_MOST} characters")
    try:
        standard_webhooks.keys([secret])
    except ValueError as error:
        raise HookProblem("secret", str(error).replace(", each of them", "")) from None
    return secret


def _authority(url: str) -> str:
    """Return host and port as a list of hosts names them; a star would stand for others."""
    try:
        authority = urlsplit(url).netloc
    except ValueError:
        return ""
    return "" if "*" in authority else authority.rpartition("@")[2]
