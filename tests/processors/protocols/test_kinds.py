"""processors.protocols.kinds: a file is what its name says, else what its format does."""

import pytest

from processors.protocols.kinds import KINDS, kind_of
from schemas.run import OutputKind


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_extension_tells(kind: OutputKind) -> None:
    """In any case, and against the format."""
    for extension in KINDS[kind]:
        assert kind_of(f"a.b.{extension.upper()}", "odd/format") is kind


@pytest.mark.parametrize(
    ("name", "media_format", "kind"),
    [
        ("a.bin", "image/png", OutputKind.IMAGE),
        ("a", "video/h264-mp4", OutputKind.VIDEO),
        ("a.", "audio/odd", OutputKind.AUDIO),
        ("png", None, OutputKind.FILE),
        ("a.bin", "application/zip", OutputKind.FILE),
        ("", "", OutputKind.FILE),
    ],
)
def test_else_the_format_tells(name: str, media_format: str | None, kind: OutputKind) -> None:
    """And what neither tells is a file."""
    assert kind_of(name, media_format) is kind
