"""Why somebody has to wait before they order again, in their own language."""

from datetime import timedelta
from typing import Literal, assert_never

from processors.notifications.texts import Voice, duration
from schemas.quota import LimitName


def limited(voice: Voice, limit: LimitName, most: int, retry_after: timedelta | None) -> str:
    """Say that somebody has ordered as much as one may for now, and until when.

    Args:
        voice: Their language.
        limit: Which limit it is.
        most: How much it allows.
        retry_after: When there is room again; None where it is once something has ended.
    """
    said = _reached(voice, limit, most)
    if retry_after is not None:
        return f"{said} {_again(voice, retry_after)}"
    if limit == "at_once" and most:
        wait = voice.say("Wait until one has ended, or cancel one.")
        return f"{said} {wait}"
    return said


def paused(
    voice: Voice,
    what: Literal["engine", "preset", "spend"],
    title: str,
    why: str | None,
    retry_after: timedelta | None,
) -> str:
    """Say that nothing can be ordered there for now, and until when if that is known.

    Args:
        voice: The person's language.
        what: What stands in the way.
        title: What they wanted, as they know it: a preset's title. It is not escaped.
        why: The words of whoever paused it, which are not escaped either.
        retry_after: When that ends; None where nobody knows, which of what may be spent depends
            on what runs.
    """
    if what == "spend" and retry_after is not None:
        said = voice.say("{title}: no more can be ordered today.", title=title)
    else:
        said = voice.say("{title} cannot be ordered at the moment.", title=title)
    parts = [said, why or "", "" if retry_after is None else _again(voice, retry_after)]
    return " ".join(filter(None, parts))


def _reached(voice: Voice, limit: LimitName, most: int) -> str:
    match limit:
        case "at_once":
            return voice.plural(
                "No more than {n} order may run at a time.",
                "No more than {n} orders may run at a time.",
                most,
            )
        case "per_minute":
            return voice.plural(
                "No more than {n} order a minute is taken.",
                "No more than {n} orders a minute are taken.",
                most,
            )
        case "per_day":
            return voice.plural(
                "No more than {n} order in 24 hours is taken.",
                "No more than {n} orders in 24 hours are taken.",
                most,
            )
        case _:
            assert_never(limit)


def _again(voice: Voice, wait: timedelta) -> str:
    seconds = max(1, round(wait.total_seconds()))
    return voice.say("Try again in {time}.", time=duration(voice, seconds))
