"""What a button carries, and what stands under a message."""

import pytest

from processors.notifications import buttons
from processors.notifications.buttons import Press
from tests.speech import ENGLISH, PORTUGUESE

JOB = "0" * 32


@pytest.mark.parametrize("press", Press)
def test_what_a_button_carries_is_read_again(press: Press) -> None:
    """Its press and its argument, colons in it and all."""
    assert buttons.parse(buttons.data(press, JOB)) == (press, JOB)
    assert buttons.parse(buttons.data(press)) == (press, "")
    assert buttons.parse(buttons.data(press, "a:b")) == (press, "a:b")


@pytest.mark.parametrize("carried", ["", "c", "x:1", "cc:1", ":1", "C:1"])
def test_what_is_no_button_of_ours_is_nothing(carried: str) -> None:
    """Anybody can send anything."""
    assert buttons.parse(carried) is None


def test_a_button_carries_64_bytes_at_most() -> None:
    """Telegram takes no more, and counts bytes."""
    assert len(buttons.data(Press.CHOOSE, "x" * 62)) == 64
    with pytest.raises(ValueError, match="64"):
        buttons.data(Press.CHOOSE, "я" * 32)


def test_a_job_that_runs_can_be_cancelled() -> None:
    """One button, with the job's id."""
    assert [[each.data for each in row] for row in buttons.running(ENGLISH, JOB)] == [[f"c:{JOB}"]]
    assert buttons.running(ENGLISH, JOB)[0][0].text == "✖️ Cancel"


@pytest.mark.parametrize("original", [True, False])
def test_under_an_end_stands_what_can_be_done_with_it(*, original: bool) -> None:
    """The file only where there is one."""
    (row,) = buttons.ended(PORTUGUESE, JOB, original=original)

    assert [each.data[0] for each in row] == (["a", "o", "i"] if original else ["a", "i"])
    assert row[0].text == "🔁 De novo"


@pytest.mark.parametrize("argument", ["", JOB, f"{JOB}:", f"{JOB}:0", f"{JOB}:x", "x:1"])
def test_what_names_no_step_is_none(argument: str) -> None:
    """Anybody can send anything."""
    assert buttons.step_of(argument) is None
    assert buttons.step_of(buttons.stepped(JOB, 12)) == (JOB, 12)
