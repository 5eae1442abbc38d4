"""app.web.images: pictures come as they are, in forms and in JSON, and can be ordered with."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.errors import OverloadedError, PeerDownError, UnavailableError
from app.store.objects import ObjectStorage
from app.web.forms import file_in
from app.web.images import PATH
from processors.images import keys
from processors.images.preparing import LIMITS
from schemas.base import UserId
from schemas.user import User
from tests.app.web.fakes import World
from tests.app.web.serving import Site, serving
from tests.builders import NOON, a_user
from tests.fakes.gates import Turnstile
from tests.fakes.storage import FakeStorage
from tests.pictures import a_picture, an_exif, opened

pytestmark = pytest.mark.anyio

ADA: Final = "a" * 32
PHOTO: Final = a_picture("JPEG", size=(300, 200), exif=an_exif(6))
BOUNDARY: Final = "a-boundary"


async def sent(site: Site, **how: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes it
    """Give a picture."""
    return await site.client.post(PATH, **how)


async def as_it_is(site: Site, content: bytes, kind: str = "image/png") -> httpx.Response:
    """Give a picture as the body itself."""
    return await sent(site, content=content, headers={"Content-Type": kind})


async def as_form(site: Site, content: bytes) -> httpx.Response:
    """Give a picture as a form's file."""
    return await sent(site, files={"file": ("holiday.png", content, "image/png")})


async def as_json(site: Site, content: bytes) -> httpx.Response:
    """Give a picture in base64."""
    return await sent(site, json={"data": b64encode(content).decode()})


WAYS: Final = {"as it is": as_it_is, "form": as_form, "json": as_json}


@pytest.mark.parametrize("way", WAYS)
async def test_a_picture_is_taken(way: str, tmp_path: Path) -> None:
    """It is kept in a real folder, plain, and its link shows it."""
    storage: Any = ObjectStorage.under(tmp_path)
    async with serving(World(storage=storage)) as site:
        answer = await WAYS[way](site, PHOTO)
        told = answer.json()
        shown = await site.client.get(told["url"], headers={"Authorization": ""})

    assert answer.status_code == 201
    key = keys.key_in(told["id"])
    assert key is not None
    assert told == {
        "id": f"media:{key}",
        "url": told["url"],
        "contentType": "image/jpeg",
        "width": 200,
        "height": 300,
        "size": len(shown.content),
    }
    assert (tmp_path / key).read_bytes() == shown.content
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["content-security-policy"] == "sandbox"
    assert opened(shown.content).size == (200, 300)
    assert b"A telephone" not in shown.content


async def test_the_same_again_is_the_same() -> None:
    """In whatever way it comes; a person's own is another."""
    world = World()
    world.people.records[UserId(ADA)] = a_user(id=UserId(ADA))
    async with serving(world) as site:
        first = (await as_form(site, PHOTO)).json()
        assert (await as_json(site, PHOTO)).json() == first
        headers = {"Content-Type": "image/jpeg"}
        answer = await sent(site, content=PHOTO, params={"user": ADA}, headers=headers)

    assert answer.json()["id"] != first["id"]
    assert answer.json()["id"].removeprefix("media:").startswith(keys.owned(UserId(ADA)))


async def test_twenty_at_once_are_all_taken() -> None:
    """Those that find no room wait for it."""
    async with serving(World()) as site, asyncio.TaskGroup() as tasks:
        ways = list(WAYS.values()) * 7
        told = [tasks.create_task(way(site, PHOTO)) for way in ways]

    assert {each.result().status_code for each in told} == {201}
    assert len({each.result().json()["id"] for each in told}) == 1


@pytest.mark.parametrize(
    ("way", "field"), [("as it is", "body"), ("form", "file"), ("json", "data")]
)
async def test_a_picture_of_40_megapixels_is_refused(way: str, field: str) -> None:
    """With the field and the bounds."""
    async with serving(World()) as site:
        answer = await WAYS[way](site, a_picture(size=(8000, 5000), mode="1", colour=0))
    problem = answer.json()

    assert (answer.status_code, problem["reason"], problem["field"]) == (422, "picture", field)
    assert problem["bounds"] == {"maxPixels": 32_000_000, "maxSide": 16_383}
    assert "32 megapixels" in problem["detail"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", [b"only text, named .png", b"\x1f\x8b\x08 an animated sticker"])
async def test_what_is_no_picture_is_refused(way: str, content: bytes) -> None:
    """Whatever it says to be."""
    async with serving(World()) as site:
        answer = await WAYS[way](site, content)

    assert (answer.status_code, answer.json()["reason"]) == (415, "media_type")


@pytest.mark.parametrize("way", WAYS)
async def test_a_damaged_picture_is_refused(way: str) -> None:
    """It is of the right kind, and cannot be taken."""
    async with serving(World()) as site:
        answer = await WAYS[way](site, PHOTO[:300])

    assert (answer.status_code, answer.json()["reason"]) == (422, "picture")
    assert "damaged" in answer.json()["detail"]


@pytest.mark.parametrize("way", WAYS)
async def test_too_large_a_file_is_refused(way: str) -> None:
    """By its own word, or once there is too much of it."""
    async with serving(World()) as site:
        answer = await WAYS[way](site, bytes(LIMITS.size + 100_000))
        just = await WAYS[way](site, b"\xff\xd8\xff" + bytes(LIMITS.size - 2))

    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
    assert just.status_code == 413


async def test_a_body_without_a_length_is_counted() -> None:
    """It is read no further than the limit."""
    chunk = b"10000\r\n" + bytes(65_536) + b"\r\n"
    async with serving(World()) as site:
        answer = await site.raw(
            f"POST {PATH} HTTP/1.1",
            "Host: relay.test",
            "Transfer-Encoding: chunked",
            "Content-Type: image/png",
            f"Authorization: {site.client.headers['authorization']}",
            "Connection: close",
            body=chunk * (LIMITS.size // 65_536 + 2) + b"0\r\n\r\n",
        )

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_does_not_come_is_given_up() -> None:
    """By the deadline, even if a part of it came."""
    async with serving(World(body_deadline=timedelta(milliseconds=100))) as site:
        answer = await site.raw(
            f"POST {PATH} HTTP/1.1",
            "Host: relay.test",
            "Content-Length: 5000",
            "Content-Type: image/png",
            f"Authorization: {site.client.headers['authorization']}",
            body=PHOTO[:100],
        )

    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "image/heic"}, 415),
        ({}, 415),
        ({"Content-Type": "image/png", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "multipart/form-data"}, 400),
        ({"Content-Type": f"multipart/form-data; boundary={'x' * 300}"}, 400),
        ({"Content-Type": "image/png", "Authorization": ""}, 401),
    ],
)
async def test_what_is_not_read_is_refused(headers: dict[str, str], status: int) -> None:
    """By its type, and without a key."""
    async with serving(World()) as site:
        answer = await sent(site, content=PHOTO, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"data": "not base64!"}, "data"),
        ({"data": "привет"}, "data"),
        ({"data": ""}, "data"),
        ({"data": 5}, "data"),
        ({}, "data"),
        ({"data": "aaaa", "name": "x"}, "name"),
    ],
)
async def test_json_that_is_wrong_is_refused_by_name(body: object, field: str) -> None:
    """As everywhere."""
    async with serving(World()) as site:
        answer = await sent(site, json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_user_who_cannot_be_is_refused() -> None:
    """Only an id of ours names a person."""
    async with serving(World()) as site:
        answer = await sent(site, content=PHOTO, params={"user": "ada"})

    assert (answer.status_code, answer.json()["field"]) == (400, "user")


@pytest.mark.parametrize(
    ("people", "status", "reason"),
    [
        ((), 404, "not_found"),
        ((a_user(id=UserId(ADA), forget_wanted_at=NOON),), 409, "conflict"),
        ((a_user(id=UserId(ADA), forgotten_at=NOON),), 409, "conflict"),
    ],
)
async def test_nothing_is_kept_for_whoever_is_not_there(
    people: tuple[User, ...], status: int, reason: str
) -> None:
    """Who is forgotten would leave it behind."""
    world = World()
    world.people.records |= {each.id: each for each in people}
    async with serving(world) as site:
        headers = {"Content-Type": "image/jpeg"}
        answer = await sent(site, content=PHOTO, params={"user": ADA}, headers=headers)

    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert world.storage.files == {}


def a_form(*parts: tuple[str, bytes], end: bytes = b"--") -> bytes:
    """Return the body of a form of these dispositions and contents."""
    made = b"".join(
        f"--{BOUNDARY}\r\nX-Odd: 1\r\nContent-Disposition: {said}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for said, content in parts
    )
    return made + f"--{BOUNDARY}".encode() + end + b"\r\n"


PART: Final = 'form-data; name="file"; filename="a.jpg"'


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
async def test_a_form_is_read_however_it_is_cut(size: int) -> None:
    """Other fields are passed over."""
    form = a_form(('form-data; name="caption"', b"a sea"), (PART, PHOTO), ("form-data", b"x"))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(form), size):
            yield form[at : at + size]

    found = [part async for part in file_in(pieces(), BOUNDARY.encode(), "file")]
    assert b"".join(found) == PHOTO


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (a_form(), "file"),
        (a_form(('form-data; name="photo"', PHOTO)), "file"),
        (a_form((PART, PHOTO), (PART, PHOTO)), "file"),
        (a_form((PART, PHOTO), end=b""), "body"),
        (a_form((PART, PHOTO))[: len(PHOTO) // 2], "body"),
        (b"no form at all", "body"),
        (b"", "body"),
    ],
)
async def test_a_form_that_is_wrong_is_refused_by_name(form: bytes, field: str) -> None:
    """One file, in a form that ends."""
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    async with serving(World()) as site:
        answer = await sent(site, content=form, headers=kind)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


class Busy:
    """Takes nothing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(self, content: object, *, owner: UserId | None) -> Any:  # noqa: ANN401 - nothing
        """Fail as told."""
        del content, owner
        raise self._error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OverloadedError("too many"), 503),
        (UnavailableError("no"), 503),
        (PeerDownError("storage", "away"), 502),
    ],
)
async def test_what_cannot_be_taken_now_is_told(error: Exception, status: int) -> None:
    """It may be later."""
    async with serving(World(images=Busy(error))) as site:
        answer = await as_it_is(site, PHOTO)

    assert answer.status_code == status


async def test_a_storage_that_fails_is_no_picture() -> None:
    """Nothing is answered that is not kept."""
    storage = FakeStorage(gate=Turnstile([PeerDownError("storage", "away")]))
    async with serving(World(storage=storage)) as site:
        assert (await as_it_is(site, PHOTO)).status_code == 502
        assert (await as_it_is(site, PHOTO)).status_code == 201


async def test_the_document_shows_every_way() -> None:
    """A form, files as they are, and JSON."""
    async with serving(World()) as site:
        api = (await site.client.get("/api/openapi.json")).json()
    content = api["paths"][PATH]["post"]["requestBody"]["content"]

    assert content.keys() == {
        "application/json",
        "multipart/form-data",
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/gif",
    }
    assert content["multipart/form-data"]["schema"]["required"] == ["file"]
