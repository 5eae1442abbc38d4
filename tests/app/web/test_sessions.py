"""app.web.sessions: signing in at the dashboard, and out again."""

from datetime import timedelta

import httpx
import pytest

from app.web import cookies
from app.web.guesses import MOST
from schemas.access import KeyScope
from tests.app.web.fakes import API_KEY, ENGINE, ID, NOON, World, a_key
from tests.app.web.serving import Site, serving

pytestmark = pytest.mark.anyio

PATH = "/api/session"
ACTOR = "a-key-that-may-act"


def a_world() -> World:
    """With a key that has a name."""
    return World(api_keys=(a_key(API_KEY), a_key(ACTOR, "desk", KeyScope.ACT)))


def ours(site: Site) -> dict[str, str]:
    """What a browser says of a page of ours."""
    return {"Origin": f"http://127.0.0.1:{site.port}", "Sec-Fetch-Site": "same-origin"}


async def signed_in(site: Site, key: str = ACTOR, **headers: str) -> httpx.Response:
    """Sign in as the dashboard does; from then on the client has no key but its cookie."""
    site.client.headers.pop("authorization", None)
    return await site.client.post(PATH, json={"key": key}, headers={**ours(site), **headers})


async def test_somebody_signs_in_and_out() -> None:
    """By a cookie that no script reads, of which we keep a digest."""
    world = a_world()
    async with serving(world) as site:
        began = await signed_in(site)
        value = site.client.cookies["runrelay"]
        [kept] = world.sessions.kept
        who = await site.client.get(PATH)
        ordered = await site.client.post(
            "/api/generations",
            json={"engine": ENGINE, "deployment_id": "d", "inputs": {}},
            headers=ours(site) | {"Idempotency-Key": "k"},
        )
        granted = await site.client.post(f"/api/users/{ID}/grant", json={}, headers=ours(site))
        ended = await site.client.delete(PATH, headers=ours(site))
        gone = await site.client.get(PATH, headers={"Cookie": f"runrelay={value}"})
        again = await site.client.delete(PATH, headers=ours(site))

    assert began.status_code == 201
    assert began.json() == {
        "name": "desk",
        "scope": "act",
        "expiresAt": "2026-01-02T00:00:00.000Z",
    }
    expected = f"runrelay={value}; Max-Age=43200; Path=/; HttpOnly; SameSite=Lax"
    assert began.headers["set-cookie"] == expected
    assert kept == cookies.digest(value)
    assert who.json() == began.json()
    assert (ordered.status_code, granted.status_code) == (201, 403)
    # Under the key itself: the same order made with it is the same.
    assert [*world.desk.keys] == [f"{cookies.digest(ACTOR)[:32]}:k"]
    assert (ended.status_code, again.status_code) == (204, 204)
    assert "runrelay=; Max-Age=0" in ended.headers["set-cookie"]
    assert (gone.status_code, gone.json()["reason"]) == (401, "session_ended")


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1/32",)])
async def test_on_https_the_cookie_is_of_this_host_alone(trusted: tuple[str, ...]) -> None:
    """Which a proxy tells, if it is one whose word is taken; the origin may be https either way."""
    async with serving(a_world(), *trusted) as site:
        site.client.headers.update({"X-Forwarded-Proto": "https", "Host": "relay.test"})
        began = await signed_in(site, Origin="https://relay.test")
        cookie, _, rest = began.headers["set-cookie"].partition("; ")
        who = await site.client.get(PATH, headers={"Cookie": cookie})
        ended = await site.client.delete(
            PATH, headers={"Cookie": cookie, "Origin": "https://relay.test"}
        )

    assert cookie.startswith("__Host-runrelay=" if trusted else "runrelay=")
    assert rest.endswith("; Secure") is bool(trusted)
    assert "Path=/" in rest
    assert "Domain" not in rest
    assert (who.status_code, ended.status_code) == (200, 204)
    assert ended.headers["set-cookie"].startswith(f"{cookie.partition('=')[0]}=; Max-Age=0")


async def test_a_key_is_told_who_it_is() -> None:
    """Without an end; without a key or a session there is nobody."""
    async with serving(a_world()) as site:
        who = await site.client.get(PATH)
        nobody = await site.client.get(PATH, headers={"Authorization": ""})
        out = await site.client.delete(PATH)

    assert who.json() == {"name": "", "scope": "admin", "expiresAt": None}
    assert (nobody.status_code, nobody.json()["reason"]) == (401, "unauthorized")
    assert (out.status_code, "set-cookie" in out.headers) == (204, False)


async def test_another_page_does_nothing_in_somebodys_name() -> None:
    """It neither signs them in or out, nor orders; each refusal is counted."""
    world = a_world()
    async with serving(world) as site:
        foreign = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
        lured = await signed_in(site, **foreign)
        await signed_in(site)
        answers = [
            await site.client.request(method, path, headers=headers)
            for headers in (foreign, {})
            for method, path in (
                ("DELETE", PATH),
                ("POST", f"/api/generations/{ID}/cancel"),
                ("POST", "/api/tokens"),
            )
        ]
        still = await site.client.get(PATH, headers=foreign)

    assert {each.status_code for each in (lured, *answers)} == {403}
    assert {each.json()["reason"] for each in (lured, *answers)} == {"cross_site"}
    assert still.status_code == 200
    assert world.metrics.counted == ["refused cross_site"] * 7


async def test_a_session_is_never_one_that_was_brought() -> None:
    """Whatever a browser held before, it holds another, and that before is over."""
    world = a_world()
    async with serving(world) as site:
        planted = "p" * 43
        await signed_in(site, Cookie=f"runrelay={planted}")
        first = site.client.cookies["runrelay"]
        await signed_in(site)
        second = site.client.cookies["runrelay"]
        site.client.cookies.clear()
        garbage = await signed_in(site, Cookie="runrelay=%ff; runrelay=%00; =;;")

    assert len({planted, first, second}) == 3
    assert garbage.status_code == 201
    assert cookies.digest(first) not in world.sessions.kept
    assert cookies.digest(second) in world.sessions.kept


async def test_guessing_keys_is_slow() -> None:
    """After some wrong ones not even the right one is looked at, until a minute is over."""
    world = a_world()
    async with serving(world) as site:
        wrong = [await signed_in(site, f"guess-ü-{number}") for number in range(MOST)]
        refused = await signed_in(site)
        world.clock.later = timedelta(minutes=1)
        right = await signed_in(site)

    assert {each.status_code for each in wrong} == {401}
    assert (refused.status_code, refused.json()["reason"]) == (429, "sign_in_limit")
    assert refused.headers["retry-after"] == "60"
    assert right.status_code == 201


async def test_garbage_is_refused_and_never_a_fault_of_ours() -> None:
    """Bytes that are no text, names without values, and the same header again and again."""
    lines = (
        "Cookie: runrelay=\xff\xfe",
        "Cookie: =;runrelay;=;;;\xe9=\xe9",
        f"Cookie: {'runrelay=x; ' * 900}",
        "Authorization: Bearer \xff",
        "Authorization: Bearer v1.user.\xff.act.1.x",
        "Authorization: \xa0\xa0",
    )
    world = a_world()
    async with serving(world) as site:
        answers = [
            await site.raw(f"{method} {PATH} HTTP/1.1", "Host: a", "Connection: close", *twice)
            for method in ("GET", "DELETE")
            for line in lines
            for twice in ((line,), (line, line, "Origin: \xff", "Origin: null"))
        ]

    statuses = {each.split(b" ", 2)[1] for each in answers}
    assert statuses == {b"204", b"401", b"403"}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"key": 7}', b'{"key": ""}', b'{"key": "' + b"x" * 600 + b'"}']
)
async def test_what_is_no_key_is_refused_without_being_repeated(content: bytes) -> None:
    """By its name."""
    async with serving(a_world()) as site:
        json = {"Content-Type": "application/json"}
        answer = await site.client.post(PATH, content=content, headers=json)

    assert answer.status_code == 400
    assert "xxx" not in answer.text


async def test_what_was_done_bears_the_name_of_its_key() -> None:
    """One without a name is known by its digest."""
    world = World(api_keys=(a_key(API_KEY), a_key(ACTOR, "desk")))
    async with serving(world) as site:
        for headers in ({}, {"Authorization": f"Bearer {ACTOR}"}):
            await site.client.put(
                f"/api/controls/engine/{ENGINE}", json={"paused": True}, headers=headers
            )
            await site.client.put(
                f"/api/controls/engine/{ENGINE}", json={"paused": False}, headers=headers
            )

    doers = {each.by for each in world.office.deeds.done}
    assert doers == {f"api:{cookies.digest(API_KEY)[:8]}", "api:desk"}
    assert world.clock.now() == NOON
