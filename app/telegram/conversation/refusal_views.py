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
    ChainRefusedError,
    ImageRefusedError,
    InputRefusedError,
    InsufficientCreditsError,
    ProcessorError,
)
from processors.notifications import image_refusals, refusals, waiting
from processors.notifications.buttons import Rows
from processors.notifications.texts import Voice, in_credits

REFUSALS: Final = (
    RefusedError,
    DiskFullError,
    OverloadedError,
    ChainRefusedError,
    InputRefusedError,
    ImageRefusedError,
    InsufficientCreditsError,
)
"""What is told to the person; whatever else is raised is tried again."""


class Refusal(NamedTuple):
    """A message: HTML, and buttons."""

    text: str
    rows: Rows = ()


def refusal(voice: Voice, error: AppError | ProcessorError, title: str = "") -> Refusal:
    """Return what a person is told of an error, one of `REFUSALS`.

    Args:
        voice: Theirs.
        error: What is in the way.
        title: What they wanted, as they know it.
    """
    if isinstance(error, InsufficientCreditsError):
        said = voice.say(
            "That is not enough: {missing} are missing. Your balance: {balance}.",
            missing=in_credits(voice, error.missing),
            balance=in_credits(voice, error.balance),
        )
        return Refusal(written(said), (top_up(voice),))
    return Refusal(written(_said(voice, error, title)))


def _said(voice: Voice, error: AppError | ProcessorError, title: str) -> str:
    match error:
        case InputRefusedError():
            return refusals.refused(voice.language, error, translate=voice.translate)
        case ImageRefusedError():
            return image_refusals.refused(voice.language, error, translate=voice.translate)
        case ChainRefusedError():
            return voice.say("What this needs does not fit, or is not there any more.")
        case LimitReachedError():
            return waiting.limited(voice, error.limit, error.most, error.retry_after)
        case PausedError():
            return waiting.paused(voice, error.what, title, error.why, error.retry_after)
        case _:
            return _other(voice, error)


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
