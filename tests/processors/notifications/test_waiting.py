"""notifications.waiting: whoever has to wait is told why, and until when."""

from datetime import timedelta
from typing import Literal

import pytest

from processors.notifications import waiting
from schemas.quota import LimitName
from tests.speech import ENGLISH, PORTUGUESE, RUSSIAN

SOON = timedelta(seconds=12.4)


@pytest.mark.parametrize(
    ("limit", "most", "wait", "said"),
    [
        (
            "at_once",
            3,
            None,
            "No more than 3 orders may run at a time. Wait until one has ended, or cancel one.",
        ),
        ("at_once", 0, None, "No more than 0 orders may run at a time."),
        ("per_minute", 1, SOON, "No more than 1 order a minute is taken. Try again in 12 s."),
        (
            "per_day",
            200,
            timedelta(hours=3, minutes=5),
            "No more than 200 orders in 24 hours are taken. Try again in 3 h 5 min.",
        ),
        ("per_day", 0, None, "No more than 0 orders in 24 hours are taken."),
    ],
)
def test_a_limit_is_told(limit: LimitName, most: int, wait: timedelta | None, said: str) -> None:
    """With how much it allows, and when there is room again if that is known."""
    assert waiting.limited(ENGLISH, limit, most, wait) == said


def test_no_wait_is_shorter_than_a_second() -> None:
    """Nobody is told to wait for nothing."""
    assert "in 1 s." in waiting.limited(ENGLISH, "per_minute", 10, timedelta(0))


@pytest.mark.parametrize(
    ("what", "why", "wait", "said"),
    [
        ("engine", None, None, "Picture cannot be ordered at the moment."),
        ("preset", "It is ill.", None, "Picture cannot be ordered at the moment. It is ill."),
        (
            "spend",
            None,
            timedelta(hours=2),
            "Picture: no more can be ordered today. Try again in 2 h.",
        ),
    ],
)
def test_a_pause_is_told(
    what: Literal["engine", "preset", "spend"], why: str | None, wait: timedelta | None, said: str
) -> None:
    """By what they wanted, with the words of whoever paused it."""
    assert waiting.paused(ENGLISH, what, "Picture", why, wait) == said


def test_it_is_told_in_every_language() -> None:
    """With the plurals that it has."""
    assert "2 заказов" in waiting.limited(RUSSIAN, "at_once", 2, None)
    assert "2 pedidos" in waiting.limited(PORTUGUESE, "at_once", 2, None)
    for voice in (RUSSIAN, PORTUGUESE):
        assert waiting.paused(voice, "spend", "X", None, SOON) != waiting.paused(
            ENGLISH, "spend", "X", None, SOON
        )
