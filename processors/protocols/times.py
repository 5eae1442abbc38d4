"""Times of peers, as records keep them."""

from datetime import UTC, datetime

from processors.errors import RefusedBodyError


def in_utc(at: datetime) -> datetime:
    """Return a time in UTC, cut to whole milliseconds.

    Raises:
        RefusedBodyError: It lies outside of the years that there are.
    """
    try:
        moment = at.astimezone(UTC)
    except OverflowError as error:
        raise RefusedBodyError("schema", "not a time in UTC") from error
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def utc(at: datetime | None) -> datetime | None:
    """Return a time in UTC; None where none is known.

    Raises:
        RefusedBodyError: As for `in_utc`.
    """
    return None if at is None else in_utc(at)
