"""app.web.prefixed: everything answers under the path that WEBHOOK_URL has before ours."""

import pytest

from tests.app.web.fakes import World
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio


async def test_everything_answers_under_the_prefix_and_at_the_root() -> None:
    """The page as well, at its folder: what it names lies beside it."""
    async with serving(World(prefix="/relay")) as site:
        answers = [
            await site.client.get(path)
            for path in ("/relay/", "/relay/assets/main.js", "/relay/api/engines", "/api/engines")
        ]
        bare = await site.client.get("/relay")
        other = await site.client.get("/relayed/")

    assert [each.status_code for each in answers] == [200, 200, 200, 200]
    assert (bare.status_code, bare.headers["location"]) == (307, "/relay/")
    assert other.status_code == 404


async def test_without_a_prefix_nothing_is_taken_off() -> None:
    """A path is what it says."""
    async with serving(World()) as site:
        assert (await site.client.get("/relay/api/engines")).status_code == 404
