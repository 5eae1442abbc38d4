"""The sandbox as a child process: what it shows, and that its end is told."""

import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE

import pytest
from structlog.testing import capture_logs

from app.main.sandboxed import LONGEST_LINE, SandboxPeers

pytestmark = pytest.mark.anyio


async def a_sandbox_that(program: str) -> SandboxPeers:
    """Start a program in the sandbox's place."""
    return SandboxPeers(
        await create_subprocess_exec(
            sys.executable, "-c", program, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE
        )
    )


async def test_a_line_too_long_is_left_out() -> None:
    """The lines around it are shown, and nothing else stops."""
    sandbox = await a_sandbox_that(f"print('a'); print('b' * {3 * LONGEST_LINE}); print('c')")
    shown = list[str]()
    await sandbox.relay(shown.append)
    await sandbox.stop()

    assert (shown[0], shown[-1]) == ("a\n", "c\n")
    assert "too long" in "".join(shown)
    assert sum(map(len, shown)) < 3 * LONGEST_LINE


async def test_a_sandbox_that_dies_is_told() -> None:
    """With its exit code; whoever waits for its lines goes on."""
    sandbox = await a_sandbox_that("raise SystemExit(3)")
    with capture_logs() as logged:
        await sandbox.relay(print)

    assert [(each["log_level"], each["code"]) for each in logged] == [("error", 3)]


async def test_a_sandbox_that_is_stopped_is_not() -> None:
    """It ended as it should."""
    sandbox = await a_sandbox_that("import sys; sys.stdin.read()")
    await sandbox.stop()
    with capture_logs() as logged:
        await sandbox.relay(print)

    assert logged == []
