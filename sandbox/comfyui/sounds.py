"""Files of nodes that make no pictures: a sound, and a shape."""

import io
import json
import struct
import wave

_RATE = 8_000


def wav(seconds: float) -> bytes:
    """Return silence of so many seconds as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_RATE)
        file.writeframes(b"\x80" * int(_RATE * seconds))
    return out.getvalue()


def glb() -> bytes:
    """Return an empty scene as a binary glTF 2.0 file."""
    text = json.dumps({"asset": {"version": "2.0"}, "scenes": [{}]}).encode()
    text += b" " * (-len(text) % 4)
    chunk = struct.pack("<II", len(text), 0x4E4F534A) + text
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunk)) + chunk
