"""Which mongod is run, and what is said when it cannot be."""

from datetime import timedelta
from pathlib import Path

import pytest

from app.store.embedded.binary import check_mongod, find_mongod
from app.store.embedded.errors import MongodNotFoundError, MongodUnusableError
from tests.app.store.embedded.scripts import a_script

_LOADER = "echo 'mongod: error while loading shared libraries:"


def test_the_chosen_binary_goes_before_the_one_on_path(tmp_path: Path) -> None:
    """$MONGOD_BINARY is the first place to look, PATH the second."""
    for name in ("chosen", "path"):
        (tmp_path / name).mkdir()
    chosen = a_script(tmp_path / "chosen", "exit 0")
    on_path = a_script(tmp_path / "path", "exit 0")
    environ = {"PATH": str(tmp_path / "path")}

    assert find_mongod({**environ, "MONGOD_BINARY": str(chosen)}) == chosen
    assert find_mongod(environ) == on_path


def test_a_chosen_binary_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A wrong $MONGOD_BINARY is an error, not a reason to run another mongod."""
    a_script(tmp_path, "exit 0")
    missing = tmp_path / "nothing"

    with pytest.raises(MongodNotFoundError, match=f"MONGOD_BINARY is {missing}"):
        find_mongod({"PATH": str(tmp_path), "MONGOD_BINARY": str(missing)})


def test_the_packaged_one_is_last_and_works() -> None:
    """With nothing chosen and nothing on PATH, the extra's is found, and says its version."""
    try:
        found = find_mongod({})
    except MongodNotFoundError as error:
        assert "runrelay[embedded]" in str(error)  # noqa: PT017 - what a machine without it is told
    else:
        assert check_mongod(found).count(".") == 2


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (f"{_LOADER} libcurl.so.4: cannot open' >&2; exit 127", "apt-get install -y libcurl4"),
        (f"{_LOADER} libcrypto.so.3: cannot open' >&2; exit 127", "libcrypto.so.3 .* libssl3"),
        (f"{_LOADER} libodd.so.9: cannot open' >&2; exit 127", "install the package that brings"),
        ('echo "version \\`GLIBC_2.34\' not found" >&2; exit 1', "too old .* wants GLIBC_2.34"),
        ("kill -ILL $$", "no AVX"),
        ("exit 132", "no AVX"),
        ("echo I am not a database", "I am not a database"),
        ("exit 3", "ended with code 3 \\(it said nothing\\)"),
    ],
)
def test_a_mongod_that_fails_is_explained(tmp_path: Path, body: str, sentence: str) -> None:
    """Each way to fail has one sentence with what to do."""
    with pytest.raises(MongodUnusableError, match=sentence):
        check_mongod(a_script(tmp_path, body))


def test_a_mongod_that_hangs_is_given_up(tmp_path: Path) -> None:
    """One that says nothing is not waited for longer than the limit."""
    with pytest.raises(MongodUnusableError, match=r"said nothing for 0\.05 s"):
        check_mongod(a_script(tmp_path, "exec sleep 30"), limit=timedelta(milliseconds=50))


def test_a_file_that_is_no_program_is_explained(tmp_path: Path) -> None:
    """Not executable, not for this processor, without its loader, not there: each is said."""
    script = a_script(tmp_path, "", interpreter="/no/such/loader")
    with pytest.raises(MongodUnusableError, match="loader is missing"):
        check_mongod(script)
    script.write_bytes(b"\x7fELFnot")
    with pytest.raises(MongodUnusableError, match="not a program for this processor"):
        check_mongod(script)
    script.chmod(0o644)
    with pytest.raises(MongodUnusableError, match="chmod \\+x"):
        check_mongod(script)
    script.unlink()
    with pytest.raises(MongodUnusableError, match="No such file"):
        check_mongod(script)
