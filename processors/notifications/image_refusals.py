"""Why a picture was not taken, in the person's language, with its bounds."""

from collections.abc import Mapping
from typing import Final

from processors.errors import ImageFault, ImageRefusedError
from processors.notifications.texts import Language, Translate, Voice, message

FAULTS: Final[Mapping[ImageFault, str]] = {
    ImageFault.EMPTY: message("The file is empty."),
    ImageFault.TOO_LARGE: message("The picture is too large; the limit is {megabytes} MB."),
    ImageFault.TOO_MANY_PIXELS: message(
        "The picture is too large; the limit is {megapixels} megapixels"
        " and {maxSide} pixels for the longer side."
    ),
    ImageFault.FORMAT: message("Only PNG, JPEG, WebP and GIF pictures can be used."),
    ImageFault.MOVING: message("Videos and animated stickers cannot be used; send a picture."),
    ImageFault.DAMAGED: message("The picture is damaged or not complete."),
}


def refused(language: Language, error: ImageRefusedError, *, translate: Translate) -> str:
    """Say in one sentence why a picture was not taken, its bounds in it."""
    bounds = error.bounds
    return Voice(language, translate).say(
        FAULTS[error.fault],
        megabytes=bounds.get("maxBytes", 0) // 2**20,
        megapixels=bounds.get("maxPixels", 0) // 10**6,
        maxSide=bounds.get("maxSide", 0),
    )
