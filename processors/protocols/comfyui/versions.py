"""What a server can do, by the version it names."""

import re
from typing import Final, NamedTuple

OUR_IDS_SINCE: Final = (0, 3, 45)
"""``POST /prompt`` takes the prompt's id from the client; an older server makes its own."""
BY_ID_SINCE: Final = (0, 3, 57)
"""``POST /interrupt`` with a ``prompt_id``; an older server passes it over, and stops what runs."""
JOBS_SINCE: Final = (0, 26, 0)
"""``POST /api/jobs/{id}/cancel``: stops a prompt that runs, and takes out one that waits."""
OLDEST: Final = ".".join(map(str, OUR_IDS_SINCE))
"""The oldest version that runs can be given to."""


class Ways(NamedTuple):
    """How one prompt can be cancelled, and no other."""

    by_job: bool
    """It may know jobs; one that does not answers 404 or 405, and has done nothing."""
    by_id: bool
    """It surely heeds a prompt's id in an interrupt."""


def ways(version: str) -> Ways:
    """Return how a server cancels one prompt.

    One whose version cannot be read is asked for the job first, and then treated as an old one.
    """
    number = _number(version)
    if number is None:
        return Ways(by_job=True, by_id=False)
    return Ways(by_job=number >= JOBS_SINCE, by_id=number >= BY_ID_SINCE)


def is_too_old(version: str) -> bool:
    """Return whether a server would give our prompts ids of its own: they could not be found."""
    number = _number(version)
    return number is not None and number < OUR_IDS_SINCE


def _number(version: str) -> tuple[int, ...] | None:
    match = re.match(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version)
    return tuple(int(part or 0) for part in match.groups()) if match else None
