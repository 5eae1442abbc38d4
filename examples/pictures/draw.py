# ruff: noqa: INP001 - a script, in no package
"""Draw the pictures of the examples: a person, and three garments. Run it to have them anew."""

from pathlib import Path

from PIL import Image, ImageDraw

_SIZE = (384, 512)
_SKY = (226, 232, 236)
_SKIN = (214, 168, 138)
_HAIR = (74, 52, 44)
_GREY = (150, 156, 164)


def main() -> None:
    """Write them beside this file."""
    folder = Path(__file__).parent
    _person().save(folder / "person.png", optimize=True)
    for name, draw in (("coat", _coat), ("hat", _hat), ("scarf", _scarf)):
        picture = Image.new("RGB", _SIZE, (255, 255, 255))
        draw(ImageDraw.Draw(picture))
        picture.save(folder / f"{name}.png", optimize=True)


def _person() -> Image.Image:
    picture = Image.new("RGB", _SIZE, _SKY)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((132, 60, 252, 200), fill=_HAIR)
    pen.ellipse((146, 78, 238, 198), fill=_SKIN)
    pen.rectangle((176, 190, 208, 230), fill=_SKIN)
    pen.rounded_rectangle((92, 222, 292, 540), 56, fill=_GREY)
    pen.ellipse((168, 124, 178, 134), fill=_HAIR)
    pen.ellipse((206, 124, 216, 134), fill=_HAIR)
    pen.arc((172, 140, 212, 172), 20, 160, fill=_HAIR, width=4)
    return picture


def _coat(pen: ImageDraw.ImageDraw) -> None:
    pen.polygon(((120, 90), (264, 90), (330, 260), (286, 280), (300, 470)), fill=(178, 58, 52))
    pen.polygon(((120, 90), (300, 470), (84, 470), (98, 280), (54, 260)), fill=(178, 58, 52))
    pen.line((192, 96, 192, 468), fill=(120, 34, 30), width=5)
    for y in (170, 230, 290, 350):
        pen.ellipse((202, y, 216, y + 14), fill=(240, 214, 150))


def _hat(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse((40, 270, 344, 360), fill=(44, 84, 132))
    pen.rounded_rectangle((112, 150, 272, 320), 40, fill=(58, 104, 160))
    pen.rectangle((112, 270, 272, 298), fill=(236, 196, 84))


def _scarf(pen: ImageDraw.ImageDraw) -> None:
    pen.rounded_rectangle((70, 150, 314, 220), 34, fill=(66, 140, 96))
    pen.rounded_rectangle((206, 180, 272, 430), 16, fill=(82, 160, 112))
    for x in range(210, 272, 12):
        pen.line((x, 428, x, 456), fill=(66, 140, 96), width=4)


if __name__ == "__main__":
    main()
