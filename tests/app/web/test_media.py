"""app.web.media: files under signed links, in parts, and never as pages of ours."""

from datetime import timedelta
from typing import Final

import pytest

from app.web.ranges import RangeError, part_of
from processors.protocols import links
from processors.protocols.links import Disposition
from schemas.generation import Response
from tests.app.web.fakes import ID, MEDIA_KEY, NOON, World, a_generation
from tests.app.web.serving import serving
from tests.builders import an_output
from tests.fakes.storage import PICTURE

pytestmark = pytest.mark.anyio

KEY: Final = f"outputs/{ID}/1-0a1b2c3d-light house.png"
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML: Final = b"<!doctype html><script>alert(1)</script>"


def a_world(content: bytes = PICTURE, prefix: str = "") -> World:
    """A web layer with one file in storage."""
    world = World(prefix=prefix)
    world.storage.files[KEY] = content
    return world


def a_link(disposition: Disposition = "inline", *, days: int = 0, stored: str = KEY) -> str:
    """A link of ours that was minted so many days ago, without the host."""
    minted = (NOON - timedelta(days=days)).date()
    return links.media_link(MEDIA_KEY, "", stored, disposition, minted)


async def test_a_picture_is_shown_in_place() -> None:
    """It comes whole, as what it is, with nothing allowed to it."""
    async with serving(a_world()) as site:
        answer = await site.client.get(a_link(), headers={"Authorization": ""})

    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'inline; filename="light house.png"'
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(PICTURE))
    assert answer.headers["etag"] == '"a-tag"'


@pytest.mark.parametrize("content", [SVG, HTML, b"only text, named .png", b""])
async def test_what_is_no_picture_is_a_download(content: bytes) -> None:
    """Whatever it is called, nothing that a browser would run is of a type that it runs."""
    async with serving(a_world(content)) as site:
        answer = await site.client.get(a_link())

    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"] == "sandbox"


async def test_a_download_stays_one() -> None:
    """A picture under a link to be downloaded is not shown in place."""
    async with serving(a_world()) as site:
        answer = await site.client.get(a_link("attachment"))

    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "image/png"


async def test_only_our_links_lead_to_files() -> None:
    """Neither key, nor disposition, nor day can be changed; after a week the link runs out."""
    async with serving(a_world()) as site:
        for changed in (
            a_link().replace("inline", "attachment"),
            a_link().replace("2026-01-08", "2026-01-09"),
            a_link(stored="outputs/other.png").replace("other.png", "another.png"),
            a_link(days=8),
            a_link()[:-1] + ("A" if a_link()[-1] != "A" else "B"),
        ):
            assert (await site.client.get(changed)).status_code == 401
        assert (await site.client.get(a_link(days=7))).status_code == 200
        assert (await site.client.get(a_link().partition("?")[0])).status_code == 400
        assert (await site.client.get(a_link(stored="a" * 600))).status_code == 401


async def test_a_file_that_is_gone_is_not_found() -> None:
    """A right link to what was deleted is a 404."""
    async with serving(a_world()) as site:
        answer = await site.client.get(a_link(stored=f"outputs/{ID}/2-0a1b2c3d-b.png"))

    assert answer.status_code == 404


async def test_files_are_served_under_the_path_of_our_links() -> None:
    """Behind a proxy that keeps the path of WEBHOOK_URL the links lead here, too."""
    async with serving(a_world(prefix="/relay")) as site:
        assert (await site.client.get(f"/relay{a_link()}")).content == PICTURE
        assert (await site.client.get(a_link())).content == PICTURE


@pytest.mark.parametrize(
    ("asked", "part", "said"),
    [
        ("bytes=0-7", PICTURE[:8], "bytes 0-7/1008"),
        ("bytes=1000-", PICTURE[1000:], "bytes 1000-1007/1008"),
        ("bytes=-8", PICTURE[-8:], "bytes 1000-1007/1008"),
        ("bytes=-5000", PICTURE, "bytes 0-1007/1008"),
        ("bytes=0-99999", PICTURE, "bytes 0-1007/1008"),
    ],
)
async def test_a_part_is_sent_alone(asked: str, part: bytes, said: str) -> None:
    """A single range is a 206 with just those bytes."""
    async with serving(a_world()) as site:
        answer = await site.client.get(a_link(), headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == said
    assert answer.headers["content-length"] == str(len(part))


@pytest.mark.parametrize("asked", ["bytes=1008-", "bytes=-0", "bytes=2000-3000"])
async def test_a_part_that_is_not_there_is_refused(asked: str) -> None:
    """It says how long the file is."""
    async with serving(a_world()) as site:
        answer = await site.client.get(a_link(), headers={"Range": asked})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */1008"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=9-3", "bytes=-", "lines=0-1", "bytes=a-b", "bytes"]
)
async def test_what_is_no_single_range_is_passed_over(asked: str) -> None:
    """The whole file is sent."""
    async with serving(a_world()) as site:
        answer = await site.client.get(a_link(), headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, PICTURE)


async def test_a_part_is_sent_only_of_the_file_the_client_knows() -> None:
    """With another ETag, a weak one or a date it is sent whole."""
    async with serving(a_world()) as site:
        for known, status in (
            ('"a-tag"', 206),
            ('"another"', 200),
            ('W/"a-tag"', 200),
            ("Thu, 01 Jan 2026 12:00:00 GMT", 200),
        ):
            headers = {"Range": "bytes=0-7", "If-Range": known}
            assert (await site.client.get(a_link(), headers=headers)).status_code == status


async def test_a_client_that_has_the_file_is_told_so() -> None:
    """A right If-None-Match is a 304 without a body."""
    async with serving(a_world()) as site:
        for known, status in (('"a-tag"', 304), ('"x", W/"a-tag"', 304), ("*", 304), ('"x"', 200)):
            answer = await site.client.get(a_link(), headers={"If-None-Match": known})
            assert answer.status_code == status


async def test_a_head_has_no_body() -> None:
    """It says what a GET of the whole file would, whatever part is asked for."""
    async with serving(a_world()) as site:
        answer = await site.client.head(a_link(), headers={"Range": "bytes=0-7"})

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "1008"


async def test_a_record_shows_the_link_of_a_copy() -> None:
    """Beside the engine's own address; null where there is no copy."""
    world = a_world()
    outputs = (an_output(key=KEY), an_output("2"))
    kept = a_generation().change(response_payload=Response(outputs=outputs))
    world.generations.records[ID] = kept
    async with serving(world) as site:
        one = (await site.client.get(f"/api/generations/{ID}")).json()
        (other,) = (await site.client.get("/api/generations")).json()["items"]
        first, second = one["responsePayload"]["outputs"]
        shown = await site.client.get(first["mediaUrl"])

    assert one == other
    assert (first["url"], second["mediaUrl"]) == (outputs[0].url, None)
    assert shown.content == PICTURE


def test_a_file_of_no_bytes_has_no_parts() -> None:
    """Not even its beginning."""
    with pytest.raises(RangeError):
        part_of("bytes=0-", 0)
