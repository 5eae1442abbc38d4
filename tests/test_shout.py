"""The shouting about tests left out, seen in runs of pytest in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

A_SKIP = """
import pytest

@pytest.mark.skip(reason="no mongod on this machine")
def test_with_mongod() -> None:
    pass

def test_without() -> None:
    pass
"""

NO_SKIP = """
def test_without() -> None:
    pass
"""

A_MODULE_LEFT_OUT = """
import pytest

pytest.skip("no wrk on this machine", allow_module_level=True)
"""


def run_pytest(folder: Path, *, test: str, ci: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin on one test module, in an empty folder."""
    (folder / "test_it.py").write_text(test)
    return subprocess.run(  # noqa: S603 - our own interpreter, on a file just written
        [sys.executable, "-m", "pytest", "-p", "tests.shout", "-p", "no:cacheprovider", folder],
        cwd=folder,
        # The plugins that are installed would take longer to load than everything else.
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CI": ci,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("test", "reason"),
    [(A_SKIP, "no mongod on this machine"), (A_MODULE_LEFT_OUT, "no wrk on this machine")],
    ids=["test", "module"],
)
def test_a_skip_is_shouted_with_its_reason(tmp_path: Path, test: str, reason: str) -> None:
    """A test or a whole module left out is named in a box above the closing line."""
    run = run_pytest(tmp_path, test=test, ci="")

    *_, before_last, last = run.stdout.strip().splitlines()
    assert f"# 1 x {reason}" in run.stdout
    assert set(before_last) == {"#"}
    assert "1 skipped" in last
    assert "failure" not in run.stdout


def test_a_skip_is_a_failure_in_ci(tmp_path: Path) -> None:
    """A person may go on without the missing tool; with CI=true the same run fails."""
    at_home = run_pytest(tmp_path, test=A_SKIP, ci="")
    run = run_pytest(tmp_path, test=A_SKIP, ci="true")

    assert at_home.returncode == 0
    assert run.returncode == 1
    assert "In CI this is a failure." in run.stdout


def test_a_run_without_skips_is_left_alone(tmp_path: Path) -> None:
    """Nothing left out: no box, and a green run stays green in CI."""
    run = run_pytest(tmp_path, test=NO_SKIP, ci="true")

    assert run.returncode == 0
    assert "LEFT OUT" not in run.stdout
