"""What a file is, judged by its name and by what its engine calls its format."""

from collections.abc import Mapping
from typing import Final

from schemas.run import OutputKind

KINDS: Final[Mapping[OutputKind, tuple[str, ...]]] = {
    OutputKind.IMAGE: ("png", "jpg", "jpeg", "webp", "gif", "bmp", "avif"),
    OutputKind.VIDEO: ("mp4", "webm", "mov", "mkv", "avi", "m4v"),
    OutputKind.AUDIO: ("mp3", "wav", "ogg", "opus", "flac", "m4a", "aac"),
    OutputKind.TEXT: ("txt", "md", "json", "csv", "srt"),
    OutputKind.MODEL: ("glb", "gltf", "obj", "fbx", "stl", "ply", "usdz", "splat"),
}
_BY_EXTENSION: Final = {
    extension: kind for kind, extensions in KINDS.items() for extension in extensions
}
_FAMILIES: Final = {
    "image": OutputKind.IMAGE,
    "video": OutputKind.VIDEO,
    "audio": OutputKind.AUDIO,
}


def kind_of(name: str, media_format: str | None) -> OutputKind:
    """Judge a file by its extension, else by the first half of its format.

    Args:
        name: File name, or the path of a URL.
        media_format: Like a media type, ``video/h264-mp4``; what engines say there is not
            always one. None where they say nothing.
    """
    extension = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    known = _BY_EXTENSION.get(extension)
    if known is None and media_format:
        known = _FAMILIES.get(media_format.split("/")[0])
    return known or OutputKind.FILE
