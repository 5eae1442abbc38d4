"""processors.images.preparing: what is made of what strangers send."""

import gzip
import io
import struct
import zlib
from typing import Any, Final

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from processors.errors import ImageFault, ImageRefusedError
from processors.images.preparing import LIMITS, Limits, prepare
from tests.pictures import a_picture, a_png, an_exif, opened, written

FORMS: Final = [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
HEIC: Final = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
MP4: Final = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
WEBM: Final = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"


def fault_of(content: bytes, limits: Limits = LIMITS) -> ImageFault:
    """Return why a file is refused."""
    with pytest.raises(ImageRefusedError) as caught:
        prepare(content, limits)
    return caught.value.fault


@pytest.mark.parametrize(("form", "content_type"), FORMS)
def test_a_picture_stays_of_its_kind(form: str, content_type: str) -> None:
    """JPEG stays JPEG, PNG stays PNG, WebP stays WebP; it shows the same."""
    made = prepare(a_picture(form))
    picture = opened(made.content)

    assert (made.content_type, made.width, made.height) == (content_type, 64, 48)
    assert (picture.format, picture.size, picture.mode) == (form, (64, 48), "RGB")
    shown = picture.getpixel((10, 10))
    assert isinstance(shown, tuple)
    assert all(abs(is_ - was) < 8 for is_, was in zip(shown, (200, 30, 40), strict=True))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_the_same_bytes_make_the_same(form: str) -> None:
    """However often."""
    content = a_picture(form)

    assert prepare(content) == prepare(content)


def test_a_lossless_webp_stays_lossless() -> None:
    """Each pixel of it is as it was."""
    noise = Image.effect_noise((40, 30), 80).convert("RGB")
    made = opened(prepare(written(noise, "WEBP", lossless=True)).content)

    assert made.tobytes() == noise.tobytes()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_of_a_moving_picture_it_is_the_first(form: str) -> None:
    """A GIF becomes a PNG; what is shown is where it began."""
    first, second = (Image.new("RGB", (20, 20), each) for each in ("red", "blue"))
    content = written(first, form, save_all=True, append_images=[second], duration=50)
    picture = opened(prepare(content).content)

    assert picture.format == {"GIF": "PNG"}.get(form, form)
    assert getattr(picture, "n_frames", 1) == 1
    shown = picture.convert("RGB").getpixel((5, 5))
    assert isinstance(shown, tuple)
    assert shown[0] > 240
    assert shown[2] < 15


@pytest.mark.parametrize("form", [form for form, _ in FORMS])
@pytest.mark.parametrize("orientation", range(1, 10))
def test_it_is_turned_as_it_is_looked_at(form: str, orientation: int) -> None:
    """By all eight orientations; one that there is not leaves it as it is."""
    picture = Image.new("RGB", (40, 20), "blue")
    picture.paste("red", (0, 0, 10, 10))
    content = written(picture, form, exif=an_exif(orientation))
    made = opened(prepare(content).content)

    corners = {
        name: made.getpixel(at)
        for name, at in {
            "left top": (2, 2),
            "right top": (made.width - 3, 2),
            "right bottom": (made.width - 3, made.height - 3),
            "left bottom": (2, made.height - 3),
        }.items()
    }
    (red,) = [name for name, at in corners.items() if isinstance(at, tuple) and at[0] > 128]
    assert (
        red
        == {
            1: "left top",
            2: "right top",
            3: "right bottom",
            4: "left bottom",
            5: "left top",
            6: "right top",
            7: "right bottom",
            8: "left bottom",
            9: "left top",
        }[orientation]
    )
    assert made.size == ((20, 40) if orientation in {5, 6, 7, 8} else (40, 20))


@pytest.mark.parametrize("form", [form for form, _ in FORMS])
def test_nothing_is_told_of_whoever_made_it(form: str) -> None:
    """Neither EXIF nor place, XMP, comment, text or profile; nor what hides behind its end."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - made in C
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "somebody")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>somebody</x:xmpmeta>")
    how: dict[str, Any] = {
        "JPEG": {"comment": b"somebody", "xmp": b"somebody"},
        "PNG": {"pnginfo": text},
        "WEBP": {"xmp": b"somebody"},
    }[form]
    content = a_picture(form, exif=an_exif(), icc_profile=profile, dpi=(72, 72), **how)
    made = prepare(content + b"somebody hides here").content
    picture = opened(made)

    assert b"somebody" in content
    assert b"A telephone" in content
    for each in (b"somebody", b"A telephone", b"Exif", b"ICC_PROFILE", b"iCCP", b"eXIf", b"XMP"):
        assert each not in made
    assert dict(picture.getexif()) == {}
    assert not {"icc_profile", "comment", "xmp", "exif", "dpi"} & picture.info.keys() - {"exif"}
    assert not picture.info.get("exif")


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_an_orientation_that_cannot_be_read_turns_nothing() -> None:
    """Damaged EXIF is no reason to refuse a picture."""
    head = b"Exif\0\0MM\0\x2a"
    word = head + b"\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x03up\0\0\0\0\0\0"
    for said in (head + b"\xff" * 4, b"Exif\0\0nonsense", b"Exif\0\0MM", word):
        assert prepare(a_picture("JPEG", exif=said)).width == 64
        assert prepare(a_picture("PNG", exif=said)).width == 64


@pytest.mark.parametrize(
    ("mode", "colour", "form", "becomes"),
    [
        ("1", 1, "PNG", "L"),
        ("L", 90, "PNG", "L"),
        ("LA", (90, 128), "PNG", "RGBA"),
        ("P", 3, "PNG", "RGB"),
        ("RGBA", (1, 2, 3, 128), "PNG", "RGBA"),
        ("RGBA", (1, 2, 3, 128), "WEBP", "RGBA"),
        ("L", 90, "JPEG", "L"),
        ("CMYK", (10, 20, 30, 0), "JPEG", "RGB"),
    ],
)
def test_every_mode_becomes_a_usual_one(mode: str, colour: object, form: str, becomes: str) -> None:
    """Grey, or red, green and blue, with alpha where there is any."""
    made = prepare(a_picture(form, mode=mode, colour=colour))

    assert opened(made.content).mode == becomes


def test_sixteen_bits_become_eight() -> None:
    """They are scaled, not cut off."""
    made = opened(prepare(a_picture(mode="I;16", colour=32768)).content)

    assert (made.mode, made.getpixel((0, 0))) == ("L", 128)


def test_a_palette_keeps_its_holes() -> None:
    """A transparent colour becomes transparency."""
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    made = opened(prepare(written(picture, "PNG", transparency=1)).content)

    assert made.getpixel((0, 0)) == (255, 0, 0, 0)


def test_colours_of_a_profile_are_brought_to_the_usual_ones() -> None:
    """Without its profile a picture would show others; a profile that is none is passed over."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - made in C
    for profile in (lab, b"no profile"):
        kept = opened(prepare(a_picture(icc_profile=profile)).content)
        assert kept.getpixel((0, 0)) == (200, 30, 40)
    swapped = opened(prepare(a_picture(icc_profile=_swapped())).content).getpixel((0, 0))
    assert isinstance(swapped, tuple)
    assert swapped[2] > swapped[0]


def _swapped() -> bytes:
    """Return the profile of a screen whose red is blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - made in C
    return profile.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")


def test_a_picture_of_40_megapixels_is_refused() -> None:
    """By its head, with the bounds in the refusal."""
    with pytest.raises(ImageRefusedError) as caught:
        prepare(a_picture(size=(8000, 5000), mode="1", colour=0))

    assert caught.value.fault is ImageFault.TOO_MANY_PIXELS
    assert caught.value.bounds == {"maxPixels": 32_000_000, "maxSide": 16_383}
    assert str(caught.value) == "too_many_pixels"


@pytest.mark.parametrize(
    ("width", "height"),
    [(16_384, 1), (1, 20_000), (10_000, 9_999), (12_000, 12_000), (65_000, 65_000)],
)
def test_a_bomb_is_not_opened(width: int, height: int) -> None:
    """Whatever Pillow itself would say of it: nothing of it is decoded."""
    assert fault_of(a_png(width, height)) is ImageFault.TOO_MANY_PIXELS


def test_a_webp_that_says_to_be_huge_is_not_opened() -> None:
    """Pillow would make room for all of it as it opens it."""
    content = bytearray(a_picture("WEBP", mode="RGBA", colour=(1, 2, 3, 4)))
    assert content[12:16] == b"VP8X"
    content[24:30] = b"\xff\x3f\x00" * 2

    assert fault_of(bytes(content)) is ImageFault.TOO_MANY_PIXELS


def test_a_text_that_expands_is_not_read() -> None:
    """A compressed chunk of a hundred megabytes makes the picture a damaged one."""
    packed = zlib.compress(bytes(100_000_000))
    for chunk in ((b"zTXt", b"a\0\0" + packed), (b"iCCP", b"a\0\0" + packed)):
        content = a_png(2, 2, chunk, data=b"\0" + bytes(6) + b"\0" + bytes(6))
        assert fault_of(content) is ImageFault.DAMAGED


def test_data_that_expands_beyond_the_picture_is_left_alone() -> None:
    """Of a hundred megabytes of lines only those of the picture are read."""
    made = prepare(a_png(2, 2, data=bytes(100_000_000)))

    assert (made.width, made.height) == (2, 2)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_is_cut_off_is_damaged(form: str, share: float) -> None:
    """Nothing is made up for what is missing."""
    noise = written(Image.effect_noise((120, 90), 90).convert("RGB"), form)
    cut = noise[: int(len(noise) * share)]

    assert fault_of(cut) is ImageFault.DAMAGED


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFFxxxxWEBP"]
)
def test_a_head_alone_is_damaged(head: bytes) -> None:
    """It begins like a picture, and is none."""
    assert fault_of(head) is ImageFault.DAMAGED
    assert fault_of(head + b"and then something else entirely") is ImageFault.DAMAGED


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", ImageFault.EMPTY),
        (b"only text, named .png", ImageFault.FORMAT),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ImageFault.FORMAT),
        (b"%PDF-1.7", ImageFault.FORMAT),
        (HEIC, ImageFault.FORMAT),
        (gzip.compress(b'{"tgs": 1}', mtime=0), ImageFault.MOVING),
        (WEBM, ImageFault.MOVING),
        (MP4, ImageFault.MOVING),
        (a_picture("BMP"), ImageFault.FORMAT),
        (a_picture("TIFF"), ImageFault.FORMAT),
    ],
)
def test_what_is_no_picture_of_ours_is_told_apart(content: bytes, fault: ImageFault) -> None:
    """By its content, whatever its name."""
    assert fault_of(content) is fault


def test_a_file_has_only_so_many_bytes() -> None:
    """As it is given and as it is written anew."""
    content = a_picture("JPEG")

    assert fault_of(content, LIMITS.change(size=len(content) - 1)) is ImageFault.TOO_LARGE
    assert fault_of(content, LIMITS.change(made=10)) is ImageFault.TOO_LARGE
    with pytest.raises(ImageRefusedError) as caught:
        prepare(bytes(LIMITS.size + 1))
    assert caught.value.bounds == {"maxBytes": 20 * 1024 * 1024}


def test_a_photo_of_a_telephone_with_two_pictures_is_the_first() -> None:
    """A JPEG that holds a second one (MPO) stays a JPEG."""
    first, second = (Image.new("RGB", (30, 20), each) for each in ("red", "blue"))
    out = io.BytesIO()
    first.save(out, "MPO", save_all=True, append_images=[second])
    made = prepare(out.getvalue())

    assert made.content_type == "image/jpeg"
    assert struct.unpack(">H", made.content[:2]) == (0xFFD8,)
    assert b"MPF\0" not in made.content
