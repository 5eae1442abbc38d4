"""processors.protocols.comfyui.uploading."""

import re

import pytest

from processors.errors import RefusedBodyError
from processors.protocols.comfyui import uploading


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.png", ".png"),
        ("../a/b.WEBP", ".webp"),
        ("x" * 300, ""),
        ("a.tar.gz", ".gz"),
        ("a.", ""),
        ("a.no extension", ""),
        ("a.123456789", ""),
        ("\ud83d.png", ".png"),
    ],
)
def test_a_name_at_a_server_is_plain(name: str, ending: str) -> None:
    """The same for the same name, another for another; with the extension, which says the kind."""
    called = uploading.name_of(name)

    assert re.fullmatch(r"[0-9a-f]{32}" + re.escape(ending), called)
    assert called == uploading.name_of(name) != uploading.name_of(f"b{name}")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"name": "a (1).png", "subfolder": "runrelay", "type": "input"}', "runrelay/a (1).png"),
        (b'{"name": "a.png", "subfolder": "", "asset": {}}', "a.png"),
        (b'{"name": "a.png"}', "a.png"),
    ],
)
def test_a_workflow_names_a_file_as_the_server_does(raw: bytes, value: str) -> None:
    """By its folder, where it lies in one."""
    assert uploading.uploaded(raw) == value


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"name": ""}', b'{"name": 5}'])
def test_what_names_no_file_is_refused(raw: bytes) -> None:
    """It says nothing about where the file is."""
    with pytest.raises(RefusedBodyError):
        uploading.uploaded(raw)
