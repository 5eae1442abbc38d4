"""What the nursery bears is a process like any other."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nursery import Born, Nursery

pytestmark = pytest.mark.anyio

ENVIRON = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """One of these tests."""
    nursery = Nursery()
    yield nursery
    nursery.end()


async def test_its_environment_words_and_exit_code_are_its_own(
    nursery: Nursery, tmp_path: Path
) -> None:
    """One cannot start as it is set up: it says so where it was told to, and ends with 2."""
    wrong = {"TIMING": "{}", "DATA_DIR": str(tmp_path), "PORT": "none"}
    assert await born(nursery, tmp_path / "first", **wrong).wait() == 2
    assert "PORT" in (tmp_path / "first").read_text()
    assert await born(nursery, tmp_path / "second").wait() == 1
    assert "KeyError: 'TIMING'" in (tmp_path / "second").read_text()


async def test_it_can_be_killed(nursery: Nursery, tmp_path: Path) -> None:
    """It leads a session of its own, runs until then, and is gone after that."""
    process = born(nursery, tmp_path / "printed", TIMING="{}", DATA_DIR=str(tmp_path))
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    assert process.returncode is None
    process.kill()
    assert await process.wait() == process.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    process.kill()


def born(nursery: Nursery, printed: Path, **environ: str) -> Born:
    """Have a service born with these settings."""
    with printed.open("wb") as words:
        return nursery.bear(["serve"], ENVIRON | environ, words)
