"""The newest preview of each generation, in MongoDB."""

from datetime import datetime

from pymongo import WriteConcern
from pymongo.errors import DuplicateKeyError

from app.store.answering import answered
from app.store.connection import Connection
from schemas.base import GenerationId
from schemas.preview import PREVIEW_MOST, Preview


class MongoPreviews:
    """See app.ports.Previews."""

    def __init__(self, connection: Connection) -> None:
        # One that is lost is followed by another.
        self._all = connection.collection("previews").with_options(  # pyright: ignore[reportUnknownMemberType] - motor leaves an argument's type open
            write_concern=WriteConcern(1, j=False)
        )

    async def put(
        self, generation: GenerationId, image: bytes, content_type: str, now: datetime
    ) -> None:
        """See app.ports.Previews."""
        if len(image) > PREVIEW_MOST:
            return
        older = {"_id": {"$eq": generation}, "at": {"$lte": now}}
        shown = {"image": image, "contentType": content_type, "at": now}
        try:
            async with answered():
                await self._all.update_one(older, {"$set": shown}, upsert=True)
        except DuplicateKeyError:
            # There is one, and it is newer.
            return

    async def get(self, generation: GenerationId) -> Preview | None:
        """See app.ports.Previews."""
        async with answered():
            found = await self._all.find_one({"_id": {"$eq": generation}})
        if found is None:
            return None
        return Preview(bytes(found["image"]), found["contentType"], found["at"])
