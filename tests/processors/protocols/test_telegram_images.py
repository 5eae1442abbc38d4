"""processors.protocols.telegram_images: which file of a message is a picture."""

from typing import Any

import pytest

from processors.errors import ImageFault, ImageRefusedError, RefusedBodyError
from processors.protocols.telegram_images import DOWNLOAD_MOST, Found, picture_in

TOO_MUCH = DOWNLOAD_MOST + 1


def a_size(file_id: str, side: int, file_size: int | None = 1000) -> dict[str, Any]:
    """Return one size of a photo."""
    return {
        "file_id": file_id,
        "file_unique_id": f"u{file_id}",
        "width": side,
        "height": side,
        "file_size": file_size,
    }


def a_document(mime_type: str | None, file_size: int = 1000) -> dict[str, Any]:
    """Return a file that was sent as such."""
    return {"document": {"file_id": "d", "mime_type": mime_type, "file_size": file_size}}


def test_of_a_photo_it_is_the_largest_size() -> None:
    """Of those that can be downloaded, in whatever order they come."""
    sizes = [a_size("m", 320), a_size("l", 1280, 90_000), a_size("s", 90)]

    assert picture_in({"photo": sizes}) == Found(file_id="l", file_size=90_000)
    huge = [*sizes, a_size("xl", 2560, TOO_MUCH)]
    assert picture_in({"photo": huge}) == Found(file_id="l", file_size=90_000)
    assert picture_in({"photo": [a_size("?", 9, None)]}) == Found(file_id="?")


@pytest.mark.parametrize(
    "mime_type", ["image/png", "IMAGE/JPEG", "image/webp", "image/gif", "", None]
)
def test_a_picture_sent_as_a_file_is_taken(mime_type: str | None) -> None:
    """One without a type is judged when it is there."""
    assert picture_in(a_document(mime_type)) == Found(file_id="d", file_size=1000)


def test_a_sticker_that_does_not_move_is_a_picture() -> None:
    """It is a WebP."""
    sticker = {"file_id": "s", "is_animated": False, "is_video": False}

    assert picture_in({"sticker": sticker}) == Found(file_id="s")


@pytest.mark.parametrize(
    "message",
    [
        {"sticker": {"file_id": "s", "is_animated": True, "is_video": False}},
        {"sticker": {"file_id": "s", "is_animated": False, "is_video": True}},
        {"video": {"file_id": "v"}},
        {"video_note": {"file_id": "v"}},
        {"animation": {"file_id": "a"}, **a_document("video/mp4")},
        a_document("video/webm"),
        a_document("application/x-tgsticker"),
    ],
)
def test_what_moves_is_refused(message: dict[str, Any]) -> None:
    """Films and stickers, however they are sent."""
    with pytest.raises(ImageRefusedError) as caught:
        picture_in(message)

    assert caught.value.fault is ImageFault.MOVING


@pytest.mark.parametrize("mime_type", ["text/plain", "application/pdf", "image/heic"])
def test_a_file_of_another_kind_is_refused(mime_type: str) -> None:
    """Before it is downloaded."""
    with pytest.raises(ImageRefusedError) as caught:
        picture_in(a_document(mime_type))

    assert caught.value.fault is ImageFault.FORMAT


@pytest.mark.parametrize(
    "message", [a_document("image/png", TOO_MUCH), {"photo": [a_size("x", 9, TOO_MUCH)]}]
)
def test_what_a_bot_cannot_download_is_refused(message: dict[str, Any]) -> None:
    """With the bound."""
    with pytest.raises(ImageRefusedError) as caught:
        picture_in(message)

    assert caught.value.fault is ImageFault.TOO_LARGE
    assert caught.value.bounds == {"maxBytes": DOWNLOAD_MOST}


def test_a_message_without_a_file_brings_no_picture() -> None:
    """A text, or a voice."""
    assert picture_in({"text": "/start"}) is None
    assert picture_in({"voice": {"file_id": "v"}}) is None


def test_what_is_no_message_is_refused() -> None:
    """By the name of the field."""
    with pytest.raises(RefusedBodyError) as caught:
        picture_in({"photo": [{"file_id": 7}]})

    assert (caught.value.reason, caught.value.field) == ("schema", "photo.0.file_id")
