"""app.web.engines: what a page can offer to order from."""

import pytest

from app.settings import EXAMPLE
from schemas.wire.api import NewGeneration
from tests.app.web.fakes import World
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio


async def test_the_engines_that_are_on_are_listed_with_an_order_to_try() -> None:
    """The order is taken as it stands."""
    async with serving(World()) as site:
        told = (await site.client.get("/api/engines")).json()
        refused = await site.client.get("/api/engines", headers={"Authorization": "Bearer no"})

    assert [each["name"] for each in told["items"]] == ["comfydeploy", "replicate"]
    assert NewGeneration.model_validate(told["example"], strict=False)
    assert NewGeneration.model_validate_json(EXAMPLE)
    assert refused.status_code == 401


async def test_a_service_for_real_has_no_example() -> None:
    """Nobody knows what its owner has deployed."""
    async with serving(World(example=None)) as site:
        told = (await site.client.get("/api/engines")).json()

    assert told["example"] is None
