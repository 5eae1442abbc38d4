"""processors.notifications.image_refusals: why a picture was not taken, in words."""

import pytest

from processors.errors import ImageFault, ImageRefusedError
from processors.notifications.image_refusals import FAULTS, refused
from processors.notifications.texts import Language
from tests.speech import translate

BOUNDS = {
    ImageFault.TOO_LARGE: {"maxBytes": 20 * 2**20},
    ImageFault.TOO_MANY_PIXELS: {"maxPixels": 32_000_000, "maxSide": 16_383},
}


@pytest.mark.parametrize("language", Language)
def test_every_fault_has_words_in_every_language(language: Language) -> None:
    """All of them, and no two the same."""
    said = {
        refused(language, ImageRefusedError(fault, BOUNDS.get(fault)), translate=translate)
        for fault in ImageFault
    }

    assert FAULTS.keys() == set(ImageFault)
    assert len(said) == len(ImageFault)
    assert not any("{" in each for each in said)


@pytest.mark.parametrize("language", Language)
def test_bounds_are_told(language: Language) -> None:
    """In megabytes, megapixels and pixels."""
    large = refused(
        language,
        ImageRefusedError(ImageFault.TOO_LARGE, {"maxBytes": 20 * 2**20}),
        translate=translate,
    )
    many = ImageRefusedError(ImageFault.TOO_MANY_PIXELS, BOUNDS[ImageFault.TOO_MANY_PIXELS])

    assert " 20 " in large
    assert " 32 " in refused(language, many, translate=translate)
    assert " 16383 " in refused(language, many, translate=translate)
