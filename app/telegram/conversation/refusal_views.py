"""Why something cannot be done, in friendly words, and what helps."""

from typing import Final, NamedTuple

from app.errors import (
    AppError,
    ConflictError,
    DiskFullError,
    EngineOffError,
    LimitReachedError,
    NotAllowedError,
    NotFoundError,
    OverloadedError,
    PausedError,
    RefusedError,
    UserBlockedError,
)
from app.telegram.conversation.layout import top_up, written
from processors.errors import (
    ImageRefusedError,
    InputRefusedError,
    InsufficientCreditsError,
    ProcessorError,
)
from processors.notifications import image_refusals, refusals
from processors.notifications.buttons import Rows
from processors.notifications.texts import Voice, duration, in_credits

REFUSALS: Final = (
    RefusedError,
    DiskFullError,
    OverloadedError,
    InputRefusedError,
    ImageRefusedError,
    InsufficientCreditsError,
)
"""What is told to the person; whatever else is raised is tried again."""


class Refusal(NamedTuple):
    """A message: HTML, and buttons."""

    text: str
    rows: Rows = ()


def refusal(voice: Voice, error: AppError | ProcessorError) -> Refusal:
    """Return what a person is told of an error, one of `REFUSALS`."""
    if isinstance(error, InsufficientCreditsError):
        said = voice.say(
            "That is not enough: {missing} are missing. Your balance: {balance}.",
            missing=in_credits(voice, error.missing),
            balance=in_credits(voice, error.balance),
        )
        return Refusal(written(said), (top_up(voice),))
    return Refusal(written(_said(voice, error)))


def _said(voice: Voice, error: AppError | ProcessorError) -> str:
    match error:
        case InputRefusedError():
            return refusals.refused(voice.language, error, translate=voice.translate)
        case ImageRefusedError():
            return image_refusals.refused(voice.language, error, translate=voice.translate)
        case LimitReachedError():
            return _limit(voice, error)
        case PausedError():
            return _paused(voice, error)
        case _:
            return _other(voice, error)


def _limit(voice: Voice, error: LimitReachedError) -> str:
    match error.limit:
        case "at_once":
            return voice.plural(
                "You can have {n} order under way at a time. Please wait until it is done.",
                "You can have {n} orders under way at a time. Please wait until one is done.",
                error.most,
            )
        case "per_minute":
            said = voice.plural(
                "You can order {n} time a minute.", "You can order {n} times a minute.", error.most
            )
        case _:
            said = voice.plural(
                "You can order {n} time a day.", "You can order {n} times a day.", error.most
            )
    if error.retry_after is None:
        return said
    wait = duration(voice, max(round(error.retry_after.total_seconds()), 1))
    return said + " " + voice.say("Please try again in {time}.", time=wait)


def _paused(voice: Voice, error: PausedError) -> str:
    if error.what == "spend":
        return voice.say("That is all for today here. Please come back tomorrow.")
    said = voice.say("This takes no orders for now. Please try again later.")
    return f"{said}\n{error.why}" if error.why else said


def _other(voice: Voice, error: AppError | ProcessorError) -> str:
    match error:
        case UserBlockedError():
            return voice.say("Sorry, you cannot use this bot any more.")
        case NotAllowedError() | NotFoundError():
            return voice.say("There is no such thing here, or it is not for you. See /presets.")
        case EngineOffError():
            return voice.say("This does not work here at the moment. Please try something else.")
        case ConflictError():
            return voice.say("That cannot be done now.")
        case DiskFullError() | OverloadedError():
            return voice.say("There is too much to do here just now. Please try again in a while.")
        case _:
            return voice.say("That cannot be done.")
