"""Says loudly which tests were left out, so that a missing tool never passes for a green run.

A pytest plugin: `pytest_plugins = ["tests.shout"]` in `tests/conftest.py`. Each reason is shown
once, in a box just before pytest's closing line. Where the environment says `CI=true`, the run
fails.
"""

import os
from collections.abc import Iterable

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run into a failed one in CI, if any test was left out."""
    if session.exitstatus == pytest.ExitCode.OK and _in_ci() and _reasons(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the box."""
    reasons = _reasons(config)
    if not reasons:
        return
    terminalreporter.write_line("")
    for line in _box(_sentences(reasons)):
        terminalreporter.write_line(line, red=True, bold=True)


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _reasons(config: pytest.Config) -> list[str]:
    """Return why tests were skipped, one entry a test, in the order they ran."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not isinstance(reporter, pytest.TerminalReporter):
        return []
    return [_reason(report) for report in reporter.stats.get("skipped", ())]


def _reason(report: object) -> str:
    """Return a skip's reason: pytest keeps it as the third part of `longrepr`."""
    match getattr(report, "longrepr", None):
        case (_, _, str(reason)):
            return reason.removeprefix("Skipped: ")
        case other:
            return str(other)


def _sentences(reasons: list[str]) -> list[str]:
    lines = [f"LEFT OUT: {len(reasons)} of the tests did not run"]
    lines += [f"{reasons.count(reason)} x {reason}" for reason in dict.fromkeys(reasons)]
    if _in_ci():
        lines.append("In CI this is a failure.")
    return lines


def _box(lines: Iterable[str]) -> list[str]:
    texts = [line for text in lines for line in text.splitlines()]
    width = max(map(len, texts))
    border = "#" * (width + 4)
    return [border, *(f"# {text:<{width}} #" for text in texts), border]
