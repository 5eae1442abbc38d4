"""Previews in memory."""

from collections.abc import MutableMapping
from datetime import datetime

from schemas.base import GenerationId
from schemas.preview import PREVIEW_MOST, Preview
from tests.fakes.gates import Gate, ajar


class FakePreviews:
    """See app.ports.Previews.

    Attributes:
        kept: By generation.
    """

    def __init__(self, gate: Gate = ajar, kept: MutableMapping[str, Preview] | None = None) -> None:
        self.kept: MutableMapping[str, Preview] = {} if kept is None else kept
        self.gate = gate

    async def put(
        self, generation: GenerationId, image: bytes, content_type: str, now: datetime
    ) -> None:
        """See app.ports.Previews."""
        await self.gate()
        before = self.kept.get(generation)
        if len(image) <= PREVIEW_MOST and (before is None or before.at <= now):
            self.kept[generation] = Preview(image, content_type, now)

    async def get(self, generation: GenerationId) -> Preview | None:
        """See app.ports.Previews."""
        await self.gate()
        return self.kept.get(generation)
