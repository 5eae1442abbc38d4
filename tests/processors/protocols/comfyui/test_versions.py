"""processors.protocols.comfyui.versions."""

import pytest

from processors.protocols.comfyui import versions
from processors.protocols.comfyui.versions import Ways


@pytest.mark.parametrize(
    ("version", "by_job", "by_id", "too_old"),
    [
        ("0.38.0", True, True, False),
        ("0.26", True, True, False),
        ("v0.26.0+local", True, True, False),
        ("1.0", True, True, False),
        ("0.25.9", False, True, False),
        ("0.3.64", False, True, False),
        ("0.3.57", False, True, False),
        ("0.3.56", False, False, False),
        ("0.3.45", False, False, False),
        ("0.3.44", False, False, True),
        ("0.2", False, False, True),
        ("unknown", True, False, False),
        ("", True, False, False),
    ],
)
def test_a_version_says_what_can_be_done(
    version: str, *, by_job: bool, by_id: bool, too_old: bool
) -> None:
    """Numbers are compared as numbers; one that cannot be read is taken for new and for odd."""
    assert versions.ways(version) == Ways(by_job=by_job, by_id=by_id)
    assert versions.is_too_old(version) == too_old
