"""app.web.previews: how a picture looks while it is being made."""

import pytest

from tests.app.web.fakes import ID, World
from tests.app.web.serving import serving
from tests.builders import NOON, later
from tests.fakes.storage import PICTURE

pytestmark = pytest.mark.anyio

PATH = f"/api/generations/{ID}/preview"
JPEG = b"\xff\xd8\xff\xe0" + b"j" * 100


async def a_world(image: bytes = PICTURE) -> World:
    """One preview, of which its engine says that it is a page."""
    world = World()
    await world.previews.put(ID, image, "text/html", NOON)
    return world


async def test_a_preview_is_sent_as_what_it_is() -> None:
    """Whatever its engine calls it, with nothing allowed to it."""
    async with serving(await a_world()) as site:
        answer = await site.client.get(PATH)
        head = await site.client.head(PATH)

    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (head.status_code, head.content) == (200, b"")


async def test_who_has_a_preview_is_sent_none() -> None:
    """Until there is a newer one."""
    world = await a_world()
    async with serving(world) as site:
        first = await site.client.get(PATH)
        known = {"If-None-Match": first.headers["etag"]}
        again = await site.client.get(PATH, headers=known)
        await world.previews.put(ID, JPEG, "image/jpeg", later(1))
        newer = await site.client.get(PATH, headers=known)

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert (newer.status_code, newer.content) == (200, JPEG)
    assert newer.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("image", [b"", b"<script>", b"ID3 a song", b"RIFF\x00\x00\x00\x00WAVE"])
async def test_what_is_no_picture_is_no_preview(image: bytes) -> None:
    """It is not shown, and not sent."""
    async with serving(await a_world(image)) as site:
        assert (await site.client.get(PATH)).status_code == 404


async def test_where_there_is_none_there_is_none() -> None:
    """Of a generation without one, of none, and of what can be none; a key is needed to know."""
    async with serving(World()) as site:
        none = await site.client.get(PATH)
        odd = await site.client.get("/api/generations/$where/preview")
        closed = await site.client.get(PATH, headers={"Authorization": ""})

    assert (none.status_code, none.json()["detail"]) == (404, odd.json()["detail"])
    assert closed.status_code == 401
