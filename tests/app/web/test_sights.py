"""app.web.sights: who asks, by what they come with."""

from datetime import timedelta

import pytest
from starlette.types import Scope

from app.errors import AppError, StoreDownError
from app.web import cookies
from app.web.auth import ApiKeys
from app.web.refusals import (
    CrossSiteError,
    SessionEndedError,
    TokenExpiredError,
    UnauthorizedError,
)
from app.web.sights import Sights
from processors.protocols import view_tokens
from schemas.access import KeyScope, Session, Sight
from tests.app.web.fakes import NOON, OLD_VIEW_KEY, VIEW_KEY, NoonClock, a_key
from tests.builders import USER
from tests.fakes.sessions import FakeSessions

pytestmark = pytest.mark.anyio

KEY, READER = "a-key-that-may-do-everything", "a-key-that-may-only-read"
BEARER = ("authorization", f"Bearer {KEY}")
VALUE = "v" * 43
COOKIE = ("cookie", f"other=1; runrelay={VALUE}")
HOST = ("host", "relay.test:8000")
OURS = ("origin", "http://relay.test:8000")
SAME = ("sec-fetch-site", "same-origin")


def a_scope(*headers: tuple[str, str], method: str = "GET", scheme: str = "http") -> Scope:
    """The head of a request."""
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in (HOST, *headers)]
    return {"type": "http", "method": method, "scheme": scheme, "headers": pairs}


def a_socket(*headers: tuple[str, str], offered: tuple[str, ...] = ()) -> Scope:
    """The handshake of a WebSocket."""
    scope = a_scope(*headers, scheme="ws")
    scope.update(type="websocket", subprotocols=["runrelay.v1", *offered])
    return scope


def a_token(seconds: int = 60, key: bytes = VIEW_KEY) -> str:
    """A token for what is one person's."""
    until = NOON + timedelta(seconds=seconds)
    return view_tokens.mint(key, Sight(name="view", user=USER, until=until))


class Lobby:
    """The keys, a session, and what tells who asks."""

    def __init__(self) -> None:
        self.clock, self.sessions = NoonClock(), FakeSessions()
        reader = a_key(READER, "page", KeyScope.READ)
        self.keys = ApiKeys((a_key(KEY), reader))
        self.sights = Sights(self.keys, (VIEW_KEY, OLD_VIEW_KEY), self.sessions, self.clock)
        self.open(READER)

    def open(self, key: str) -> Session:
        """Sign somebody in by a key, which may be none of ours."""
        sight = ApiKeys((a_key(key),)).sight(key.encode())
        assert sight is not None
        session = Session(cookies.digest(VALUE), sight.caller, NOON + timedelta(hours=12))
        self.sessions.kept = {session.digest: session}
        return session

    async def refusal(self, scope: Scope) -> type[Exception] | None:
        """Return why somebody is not let in; None where they are."""
        try:
            await self.sights.of(scope)
        except AppError as error:
            return type(error)
        return None


async def test_a_key_sees_everything_and_may_do_what_its_scope_says() -> None:
    """A caller's name is the digest of their key, whatever the key is called."""
    lobby = Lobby()
    bare = await lobby.sights.of(a_scope(BEARER))
    named = await lobby.sights.of(a_scope(("authorization", f"bearer {READER}")))

    assert (bare.name, bare.scope, bare.internal, bare.until) == ("", KeyScope.ADMIN, True, None)
    assert (named.name, named.scope, named.internal) == ("page", KeyScope.READ, True)
    assert len(bare.caller) == len(named.caller) == 32
    assert bare.caller == cookies.digest(KEY)[:32]
    assert await lobby.sights.still(bare)


async def test_a_token_sees_what_it_is_for_until_it_runs_out() -> None:
    """By either key; then it is told apart from one that never was."""
    lobby = Lobby()
    for key in (VIEW_KEY, OLD_VIEW_KEY):
        scope = a_scope(("authorization", f"Bearer {a_token(key=key)}"))
        sight = await lobby.sights.of(scope)
        assert (sight.user, sight.internal, sight.caller) == (USER, False, "")
        assert await lobby.sights.still(sight)
    lobby.clock.later = timedelta(seconds=60)

    assert await lobby.refusal(scope) is TokenExpiredError
    assert not await lobby.sights.still(sight)


async def test_a_session_is_its_key() -> None:
    """As long as it lasts, nobody signs out, and the key is one of the settings."""
    lobby = Lobby()
    sight = await lobby.sights.of(a_scope(COOKIE))
    assert (sight.name, sight.scope, sight.internal) == ("page", KeyScope.READ, True)
    assert sight.until == NOON + timedelta(hours=12)
    assert await lobby.sights.still(sight)

    lobby.open("a-key-that-was-taken-out")
    assert await lobby.refusal(a_scope(COOKIE)) is SessionEndedError
    lobby.sessions.kept.clear()
    assert await lobby.refusal(a_scope(COOKIE)) is SessionEndedError
    assert not await lobby.sights.still(sight)
    lobby.open(READER)
    lobby.clock.later = timedelta(hours=12)
    assert await lobby.refusal(a_scope(COOKIE)) is SessionEndedError
    assert not await lobby.sights.still(sight)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("authorization", ""),),
        (("authorization", KEY),),
        (("authorization", f"Basic {KEY}"),),
        (BEARER, BEARER),
        (("authorization", f"Bearer {KEY}x"),),
        (("authorization", f"Bearer {a_token()[:-1]}"),),
        (("authorization", f"Bearer {a_token(key=b'another')}"),),
        (("authorization", "Bearer \xff\xfe"),),
        (("authorization", "Bearer wrong"), COOKIE),
        (("cookie", f"runrelay={VALUE[:-1]}"),),
        (("cookie", f"runrelay={VALUE}\xe9"),),
        (("cookie", f"runrelay={VALUE}; runrelay={VALUE}"),),
        (COOKIE, COOKIE),
        (("cookie", f"__Host-runrelay={VALUE}"),),
        (("cookie", ";;=;runrelay;\x00"),),
    ],
)
async def test_who_comes_with_nothing_right_stays_out(headers: tuple[tuple[str, str], ...]) -> None:
    """Forged, cut off, twice, garbage; a key that is wrong is not made up for by a session."""
    assert await Lobby().refusal(a_scope(*headers)) is UnauthorizedError


@pytest.mark.parametrize(
    ("headers", "right"),
    [
        ((OURS,), True),
        ((SAME,), True),
        ((OURS, SAME), True),
        ((("origin", "HTTPS://Relay.Test:8000"),), True),
        ((), False),
        ((("origin", "http://evil.test"),), False),
        ((("origin", "http://relay.test"),), False),
        ((("origin", "http://relay.test:8000.evil.test"),), False),
        ((("origin", "null"),), False),
        ((("origin", "ftp://relay.test:8000"),), False),
        ((("sec-fetch-site", "same-site"),), False),
        ((("sec-fetch-site", "cross-site"), OURS), False),
        ((("sec-fetch-site", "none"),), False),
        ((("origin", "http://evil.test"), SAME), False),
        ((OURS, OURS), False),
        ((SAME, SAME), False),
        ((("host", "evil.test"), OURS), False),
    ],
)
async def test_who_is_signed_in_acts_from_our_pages_only(
    headers: tuple[tuple[str, str], ...], *, right: bool
) -> None:
    """Whatever changes something, and every socket; a bearer needs no page, and reading none."""
    lobby = Lobby()
    expected = None if right else CrossSiteError
    for method in ("POST", "PUT", "DELETE"):
        assert await lobby.refusal(a_scope(COOKIE, *headers, method=method)) is expected
    assert await lobby.refusal(a_socket(COOKIE, *headers)) is expected
    assert await lobby.refusal(a_scope(COOKIE, *headers)) is None
    assert await lobby.refusal(a_scope(COOKIE, BEARER, *headers, method="POST")) is None


async def test_whoever_sees_something_goes_on_seeing_it_through_an_outage() -> None:
    """Nobody new is let in by a session that cannot be looked up; bearers are, as ever."""
    lobby = Lobby()
    sight = await lobby.sights.of(a_scope(COOKIE))

    async def gone() -> None:
        raise StoreDownError("gone")

    lobby.sessions.gate = gone
    assert await lobby.sights.still(sight)
    assert await lobby.refusal(a_scope(COOKIE)) is StoreDownError
    assert await lobby.refusal(a_scope(BEARER, COOKIE)) is None


async def test_on_https_only_its_own_cookie_and_origin_count() -> None:
    """What a neighbour or somebody on the wire could have set is not looked at."""
    lobby = Lobby()
    secure = ("cookie", f"runrelay={'x' * 43}; __Host-runrelay={VALUE}")
    https = ("origin", "https://relay.test:8000")

    assert await lobby.refusal(a_scope(COOKIE, scheme="https")) is UnauthorizedError
    assert await lobby.refusal(a_scope(secure, https, method="POST", scheme="https")) is None
    plain = a_scope(secure, OURS, method="POST", scheme="https")
    assert await lobby.refusal(plain) is CrossSiteError


async def test_a_port_that_goes_without_saying_may_be_said() -> None:
    """By whoever passes the request on."""
    headers = [(b"host", b"relay.test:443"), (b"cookie", f"__Host-runrelay={VALUE}".encode())]
    scope = a_scope(method="POST", scheme="https")
    scope["headers"] = [*headers, (b"origin", b"https://relay.test")]

    assert await Lobby().refusal(scope) is None


async def test_a_socket_may_bring_its_key_among_the_subprotocols() -> None:
    """Since no page can give a handshake headers; but only one, wherever it stands."""
    lobby = Lobby()
    token = f"bearer.{a_token()}"

    assert (await lobby.sights.of(a_socket(offered=(token,)))).user == USER
    assert (await lobby.sights.of(a_socket(BEARER))).internal
    assert (await lobby.sights.of(a_socket(offered=(f"bearer.{KEY}",)))).internal
    for offered in ((token, token), ("bearer.",), ("bearer.\udcff",)):
        assert await lobby.refusal(a_socket(offered=offered)) is UnauthorizedError
    assert await lobby.refusal(a_socket(BEARER, offered=(token,))) is UnauthorizedError
    assert await lobby.refusal(a_socket()) is UnauthorizedError
