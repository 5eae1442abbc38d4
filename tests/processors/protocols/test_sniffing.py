"""processors.protocols.sniffing: the bytes say what a file is, not its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.protocols import sniffing
from processors.protocols.sniffing import MediaKind, Sniffed

OGG_PAGE = b"OggS\x00\x02" + bytes(20) + b"\x01\x1e"


@pytest.mark.parametrize(
    ("head", "kind", "content_type"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image", "image/jpeg"),
        (b"GIF87a\x01", "image", "image/gif"),
        (b"GIF89a\x01", "image", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image", "image/webp"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "video", "video/mp4"),
        (b"\x00\x00\x00\x18ftypmp42", "video", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4V ", "video", "video/mp4"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video", "video/webm"),
        (b"ID3\x04\x00", "audio", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio", "audio/mpeg"),
        (b"\xff\xf3\x84\xc4", "audio", "audio/mpeg"),
        (OGG_PAGE + b"\x01vorbis", "audio", "audio/ogg"),
        (OGG_PAGE + b"OpusHead", "audio", "audio/ogg"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio", "audio/wav"),
        (b"fLaC\x00\x00\x00\x22", "audio", "audio/flac"),
        (b"\x00\x00\x00\x1cftypM4A ", "audio", "audio/mp4"),
    ],
)
def test_each_kind_is_known_by_its_first_bytes(head: bytes, kind: str, content_type: str) -> None:
    """What is recognised may also be shown in place."""
    assert sniffing.kind_of(head) == Sniffed(MediaKind(kind), content_type)
    assert sniffing.is_inline(content_type)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x89PNG",
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<!DOCTYPE html><script>",
        b"<?xml version='1.0'?>",
        b"%PDF-1.7",
        b"RIFF\x24\x00\x00\x00AVI LIST",
        b"RIFF",
        b"\x00\x00\x00\x14ftypqt  ",
        b"\x00\x00\x00\x20ftypavif",
        b"\x00\x00\x00\x20ftypheic",
        b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska",
        OGG_PAGE + b"\x80theora",
        b"\xff\xfe<\x00h\x00t\x00",  # UTF-16 text
        b"\xff\xeb\x90\x64",  # reserved version
        b"\xff\xfb\x00\x64",  # free bit rate
        b"\xff\xfb\xf0\x64",  # no bit rate
        b"\xff\xfb\x9c\x64",  # reserved sampling rate
        b"\xff\xfd\x90\x64",  # layer II
        b"\xff\xfb\x90",
        b"PK\x03\x04",
    ],
)
def test_everything_else_is_nothing_we_show(head: bytes) -> None:
    """Markup, documents, other members of a family and scraps are not recognised."""
    assert sniffing.kind_of(head) is None


@given(st.binary())
def test_markup_is_never_recognised(tail: bytes) -> None:
    """No bytes after the first tag make a page into a picture."""
    assert sniffing.kind_of(b"<svg>" + tail) is None


def test_only_the_head_is_looked_at() -> None:
    """A document type far behind the header decides nothing."""
    late = b"\x1a\x45\xdf\xa3" + bytes(sniffing.HEAD_BYTES) + b"\x42\x82\x84webm"

    assert sniffing.kind_of(late) is None


@pytest.mark.parametrize(
    ("content_type", "inline"),
    [
        ("image/png", True),
        ("IMAGE/PNG; charset=binary", True),
        ("image/svg+xml", False),
        ("text/html", False),
        ("text/html; image/png", False),
        ("application/octet-stream", False),
        ("", False),
        (None, False),
    ],
)
def test_only_media_is_shown_in_place(content_type: str | None, *, inline: bool) -> None:
    """The first part of a content type decides, whatever follows."""
    assert sniffing.is_inline(content_type) is inline
