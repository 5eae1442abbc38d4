"""What a ComfyUI server of some version can do: the first versions with each ability.

The numbers are those of the tags in ComfyUI's history up to v0.30.2 (2026-08-05).
"""

import re
from typing import Final, NamedTuple


class Version(NamedTuple):
    """A version, to be compared."""

    major: int
    minor: int
    patch: int


PROMPT_IDS: Final = Version(0, 3, 45)
"""A client may choose the id of its prompt; progress_state, feature flags and frame 4 are there."""
INTERRUPT_BY_ID: Final = Version(0, 3, 57)
LINUX: Final = Version(0, 3, 65)
"""`os` is the platform's name; before, Python's `os.name`."""
CREATE_TIME: Final = Version(0, 3, 69)
JOBS: Final = Version(0, 6, 0)
CANCELLED: Final = Version(0, 9, 0)
"""The job of an interrupted run is `cancelled`; before, `failed`."""
THROTTLED: Final = Version(0, 9, 2)
MISSING_NODE: Final = Version(0, 12, 0)
ASSETS: Final = Version(0, 17, 0)
CROSS_SITE: Final = Version(0, 19, 0)
CYCLES: Final = Version(0, 20, 0)
"""A cycle is told as an error of a node."""
STRICT_IDS: Final = Version(0, 25, 0)
ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What an id must look like from then on."""
JOB_CANCEL: Final = Version(0, 26, 0)


def parse(text: str) -> Version:
    """Return the version of a text of three numbers with dots."""
    major, minor, patch = text.split(".")
    return Version(int(major), int(minor), int(patch))
