"""The help: the first thing that somebody sees who types the name."""

from pathlib import Path

import pytest

from tests.app.cli.running import run

COMMANDS = (
    *(
        "serve",
        "worker",
        "doctor",
        "start",
        "chat",
        "explain",
        "events",
        "debts",
        "grant",
        "ledger",
    ),
    *("jobs", "servers", "usage", "indexes", "migrate", "backup", "restore"),
)


def test_the_help_names_every_command(tmp_path: Path) -> None:
    """What can be done is told without reading any page."""
    answer = run("--help", data_dir=tmp_path)

    assert answer.code == 0
    assert [each for each in COMMANDS if f" {each} " not in answer.out] == []


@pytest.mark.parametrize(
    ("command", "example"),
    [
        (("serve",), "runrelay serve --port 8080"),
        (("worker",), "RUN_BACKGROUND=off runrelay serve"),
        (("start",), "--rate 0.000337/second --wait"),
        (("chat",), "'@wait Done' | runrelay chat"),
        (("debts", "replay"), "runrelay debts replay --all-dead"),
        (("jobs", "list"), "runrelay jobs list --stuck"),
        (("grant",), "runrelay grant 4711 100 --key prize-2026-01"),
        (("ledger", "export"), "runrelay ledger export ada.csv --user 4711"),
    ],
)
def test_the_help_of_a_command_has_an_example(
    command: tuple[str, ...], example: str, tmp_path: Path
) -> None:
    """A line to copy says more than a list of options."""
    assert example in run(*command, "--help", data_dir=tmp_path).out


def test_help_reads_no_settings(tmp_path: Path) -> None:
    """Somebody with broken settings can still read how to mend them."""
    assert run("doctor", "--help", data_dir=tmp_path, PORT="no").code == 0
