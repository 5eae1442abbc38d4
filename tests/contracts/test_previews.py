"""What every keeper of previews does."""

import pytest

from app.ports import Previews
from schemas.preview import PREVIEW_MOST, Preview
from tests.builders import ID, NOON, later
from tests.contracts.conftest import Ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def previews(ports: Ports) -> Previews:
    """The port under test."""
    return ports.previews


async def test_the_newest_preview_is_had(previews: Previews) -> None:
    """Whichever came last to us; of a generation without any it is None."""
    assert await previews.get(ID) is None
    for image, at in ((b"first", NOON), (b"second", later(2)), (b"late", later(1))):
        await previews.put(ID, image, "image/jpeg", at)

    assert await previews.get(ID) == Preview(b"second", "image/jpeg", later(2))
    await previews.put(ID, b"third", "image/png", later(2))
    assert await previews.get(ID) == Preview(b"third", "image/png", later(2))


async def test_what_is_too_large_is_not_kept(previews: Previews) -> None:
    """What there was stays."""
    largest = b"x" * PREVIEW_MOST
    await previews.put(ID, largest, "image/jpeg", NOON)
    await previews.put(ID, largest + b"x", "image/jpeg", later(1))

    assert await previews.get(ID) == Preview(largest, "image/jpeg", NOON)
