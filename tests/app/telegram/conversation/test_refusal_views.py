"""app.telegram.conversation.refusal_views: why not, in words."""

# A minus is no hyphen.
# ruff: noqa: RUF001

from datetime import timedelta
from decimal import Decimal

import pytest

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
from app.telegram.conversation.refusal_views import refusal
from processors.errors import (
    ChainRefusedError,
    ImageFault,
    ImageRefusedError,
    InputFault,
    InputRefusedError,
    InsufficientCreditsError,
    ProcessorError,
)
from tests.speech import ENGLISH, RUSSIAN

AGAIN = "Please try again in a while."


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputRefusedError("<b>", InputFault.UNKNOWN), "&lt;b&gt;: there is no such input."),
        (ChainRefusedError("step", "gone"), "What this needs does not fit, or is not there"),
        (ImageRefusedError(ImageFault.EMPTY), "The file is empty."),
        (LimitReachedError("at_once", 1), "No more than 1 order may run at a time."),
        (
            LimitReachedError("per_minute", 1, timedelta(seconds=20.4)),
            "No more than 1 order a minute is taken. Try again in 20 s.",
        ),
        (PausedError("spend", "t2i"), "Picture cannot be ordered at the moment."),
        (
            PausedError("preset", "t2i", "we <clean>"),
            "Picture cannot be ordered at the moment. we &lt;clean&gt;",
        ),
        (UserBlockedError(), "Sorry, you cannot use this bot any more."),
        (NotAllowedError("t2i"), "There is no such thing here, or it is not for you."),
        (NotFoundError("preset"), "There is no such thing here, or it is not for you."),
        (EngineOffError("preset", "off"), "This does not work here at the moment."),
        (ConflictError("no"), "That cannot be done now."),
        (DiskFullError("full"), AGAIN),
        (OverloadedError("busy"), AGAIN),
        (RefusedError("no"), "That cannot be done."),
    ],
)
def test_each_reason_has_its_words(error: AppError | ProcessorError, said: str) -> None:
    """Friendly ones, and what an operator or a person wrote is no markup."""
    text, rows = refusal(ENGLISH, error, "Picture")

    assert said in text
    assert rows == ()


def test_missing_credits_can_be_bought() -> None:
    """What is missing is said, and a button leads to more."""
    text, rows = refusal(RUSSIAN, InsufficientCreditsError(Decimal("1.5"), Decimal(2)))

    assert text == "Не хватает: 2 кредита. Ваш баланс: 1,5 кредита."
    assert [each.data for row in rows for each in row] == ["b:"]
