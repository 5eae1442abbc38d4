"""Pictures to send."""

import io

from PIL import Image


def a_picture(width: int = 64, height: int = 48, kind: str = "PNG") -> bytes:
    """Return a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 100, 50)).save(out, kind)
    return out.getvalue()
