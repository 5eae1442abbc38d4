"""app.web.guesses: how often wrong keys may be tried."""

from datetime import timedelta

import pytest

from app.web.guesses import MOST, PLACES_MOST, WINDOW, Guesses
from app.web.refusals import GuessedError
from tests.builders import NOON


def tried(guesses: Guesses, address: str, times: int = MOST) -> None:
    """Try wrong keys from somewhere."""
    for _ in range(times):
        guesses.check(address, NOON)
        guesses.wrong(address, NOON)


@pytest.mark.parametrize(
    ("one", "near", "far"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("", "", "192.0.2.1"),
    ],
)
def test_who_guesses_waits(one: str, near: str, far: str) -> None:
    """All of one subscriber's addresses together, and nobody else; until the window is over."""
    guesses = Guesses()
    tried(guesses, one)
    with pytest.raises(GuessedError) as caught:
        guesses.check(near, NOON + timedelta(seconds=20))
    guesses.check(far, NOON)

    assert caught.value.retry_after == WINDOW - timedelta(seconds=20)
    guesses.check(near, NOON + WINDOW)
    guesses.wrong(near, NOON + WINDOW)
    guesses.check(near, NOON + WINDOW)


def test_what_is_remembered_is_bounded() -> None:
    """Whoever has not tried for longest is forgotten first."""
    guesses = Guesses()
    tried(guesses, "first")
    for number in range(PLACES_MOST - 1):
        guesses.wrong(f"{number}", NOON)
    with pytest.raises(GuessedError):
        guesses.check("first", NOON)
    guesses.wrong("one more", NOON)
    guesses.check("first", NOON)
