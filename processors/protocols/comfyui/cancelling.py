"""How one prompt is cancelled, and no other: what a server of a version can do."""

import re
from typing import Final, NamedTuple

JOBS_SINCE: Final = (0, 26, 0)
"""``POST /api/jobs/{id}/cancel``: stops a prompt that runs, and takes out one that waits."""
BY_ID_SINCE: Final = (0, 3, 57)
"""``POST /interrupt`` with a ``prompt_id``; an older server passes it over, and stops what runs."""


class Ways(NamedTuple):
    """What a server can do to one prompt."""

    by_job: bool
    """It may know jobs; one that does not answers 404 or 405, and has done nothing."""
    by_id: bool
    """It surely heeds a prompt's id in an interrupt."""


def ways(version: str) -> Ways:
    """Return what a server can do, by the version it names.

    One that cannot be read is asked for the job first, and then treated as an old one.
    """
    match = re.match(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version)
    if match is None:
        return Ways(by_job=True, by_id=False)
    number = tuple(int(part or 0) for part in match.groups())
    return Ways(by_job=number >= JOBS_SINCE, by_id=number >= BY_ID_SINCE)
