"""How commands end that cannot go on."""

from pathlib import Path

import pytest

from app.cli.settling import LATER, REFUSED, refusing
from app.errors import NotFoundError, SetupError, StoreDownError, StoreFaultError
from app.store.embedded.errors import DataDirInUseError, MongodNotFoundError, MongodStartError

AWAY = StoreDownError("MONGODB_URI: MongoDB does not answer; is it running?")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AWAY, LATER),
        (StoreFaultError("MongoDB refuses what was asked of it"), LATER),
        (MongodStartError("not writable after 120 s", Path("mongo.log"), ""), LATER),
        (ExceptionGroup("", [ExceptionGroup("", [AWAY])]), LATER),
        (SetupError(["PORT: is taken"]), REFUSED),
        (MongodNotFoundError("no mongod"), REFUSED),
        (DataDirInUseError(Path("data"), "pid 1"), REFUSED),
        (NotFoundError("generation"), REFUSED),
        (ExceptionGroup("", [AWAY, SetupError(["PORT: is taken"])]), REFUSED),
    ],
)
def test_what_passes_is_told_by_the_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever restarts services does so where time helps, and not where a person must."""
    with pytest.raises(SystemExit) as ended, refusing():
        raise error

    assert ended.value.code == code
    assert capsys.readouterr().err


def test_what_nobody_foresaw_comes_out_as_it_is() -> None:
    """A mistake of ours needs its traceback."""
    with pytest.raises(ExceptionGroup), refusing():
        raise ExceptionGroup("", [AWAY, KeyError("odd")])
