"""Pictures that people send: by themselves, with a caption, or for what was asked.

Loaded with aiogram.
"""

from typing import Any, Final

from aiogram import F, Router
from aiogram.types import Message

from app.telegram.conversation.layout import page
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.preset_views import buttons_of
from app.telegram.conversation.refusal_views import REFUSALS, refusal
from app.telegram.conversation.turns import Turn
from app.telegram.errors import TooLargeError
from app.usecases.take_image import TakeImage
from processors.errors import ImageFault, ImageRefusedError
from processors.notifications.buttons import Rows
from processors.presets import writing
from processors.protocols import telegram_images
from processors.protocols.telegram_images import DOWNLOAD_MOST
from schemas.preset import ImageInput

PICTURE: Final = "picture"
"""What is kept of a picture until its preset is chosen: the `image`, and the `text` with it."""

_FILES: Final = frozenset({"photo", "document", "sticker", "animation", "video", "video_note"})


class Pictures:
    """Takes pictures in."""

    def __init__(self, take_image: TakeImage) -> None:
        self._take = take_image

    def brings(self, message: Message) -> bool:
        """Return whether a message brings a file that may be a picture."""
        return message.content_type in _FILES

    async def take(self, message: Message, turn: Turn) -> str | None:
        """Return the input's value for the picture in a message; None where none was taken.

        Then the person was told why, and nothing was kept.
        """
        try:
            return await self._taken(message, turn)
        except REFUSALS as error:
            await turn.tell(*refusal(turn.voice, error))
            return None

    async def _taken(self, message: Message, turn: Turn) -> str:
        sent = message.model_dump(mode="json", exclude_none=True, include=set(_FILES))
        found = telegram_images.picture_in(sent)
        if found is None:
            raise ImageRefusedError(ImageFault.FORMAT)
        try:
            content = await turn.talk.file(found.file_id, limit_bytes=DOWNLOAD_MOST)
        except TooLargeError:
            bounds = {"maxBytes": DOWNLOAD_MOST}
            raise ImageRefusedError(ImageFault.TOO_LARGE, bounds) from None
        image = await self._take(content, owner=turn.user.id)
        return image.value


def make_router() -> Router:
    """Return the router of files that come without a command."""
    router = Router(name="pictures")
    router.message.register(take_picture, F.content_type.in_(_FILES))
    return router


async def take_picture(message: Message, turn: Turn, shop: Shop, pictures: Pictures) -> None:
    """Take a picture for what was asked, else have its preset chosen."""
    found = await shop.asked(turn)
    if found is None and not turn.private:
        return
    image = await pictures.take(message, turn)
    if image is None:
        return
    text = (message.caption or "").strip()
    if found is not None:
        preset, asked, given = found
        into = asked if isinstance(asked, ImageInput) else writing.picture(preset)
        if into is not None:
            await _go_on(turn, shop, text, found, {**given, into.name: image})
            return
    await turn.keep(PICTURE, image=image, text=text)
    await turn.tell(*await _choices(turn, shop))


async def _go_on(
    turn: Turn, shop: Shop, text: str, found: tuple[Any, Any, Any], given: dict[str, Any]
) -> None:
    """Order with what there is now, or ask for what is missing yet."""
    preset, _, _ = found
    if text:
        await shop.take(turn, preset, text, given)
        return
    text_wanted = writing.main(preset)
    if writing.missing(preset, given) is None and text_wanted and text_wanted.name not in given:
        await shop.ask(turn, preset, given, text_wanted)
        return
    await shop.go_on(turn, preset, given)


async def _choices(turn: Turn, shop: Shop) -> tuple[str, Rows]:
    offers = [each for each in await shop.offers(turn) if writing.picture(each.preset)]
    if not offers:
        return page(turn.voice.say("Nothing here takes a picture. See /presets.")), ()
    said = turn.voice.say("A good picture. What shall be made of it?")
    return page(said), buttons_of(turn.voice, offers, None)
