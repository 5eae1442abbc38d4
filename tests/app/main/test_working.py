"""Workers on one data folder, each with a place and a name of its own."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from app.errors import SetupError
from app.main.instance import name_of
from app.main.working import MOST, a_place


def test_workers_on_one_folder_have_names_of_their_own(tmp_path: Path) -> None:
    """Whoever starts again takes the place, and the name, that has become free."""
    with a_place(tmp_path) as first:
        kept = name_of(first, "worker")
        with a_place(tmp_path) as second:
            other = name_of(second, "worker")
    with a_place(tmp_path) as again:
        assert name_of(again, "worker") == kept

    assert [each.name for each in (first, second)] == ["worker-1", "worker-2"]
    assert kept != other
    assert kept.startswith("worker-")


def test_there_are_not_too_many(tmp_path: Path) -> None:
    """One that starts again and again, and does not end, is noticed before the disk is full."""
    with ExitStack() as stack:
        for _ in range(MOST):
            stack.enter_context(a_place(tmp_path))
        with pytest.raises(SetupError, match="use another folder"), a_place(tmp_path):
            pass
