"""`runrelay pause`, `resume`, `cap`, `spend`: an operator's switches."""

from pathlib import Path

import pytest

from tests.app.cli.accounts import a_filled_database
from tests.app.cli.running import run


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database."""
    return a_filled_database(mongo_uri, f"cli_{abs(hash(request.node.name))}")


ENGINE = ("engine", "comfydeploy")


def test_an_engine_is_paused_capped_and_resumed(tmp_path: Path, database: dict[str, str]) -> None:
    """Each time it is said how it stands; the table shows it all."""
    nothing = run("spend", data_dir=tmp_path, **database)
    capped = run("cap", *ENGINE, "2.5", data_dir=tmp_path, **database)
    paused = run("pause", *ENGINE, "--reason", "ill", "--by", "eve", data_dir=tmp_path, **database)
    table = run("spend", data_dir=tmp_path, **database)
    resumed = run("resume", *ENGINE, data_dir=tmp_path, **database)
    free = run("cap", *ENGINE, "none", data_dir=tmp_path, **database)
    again = run("resume", *ENGINE, data_dir=tmp_path, **database)

    assert nothing.out.strip() == "today has cost nothing yet, and nothing is paused or capped"
    assert "may cost 2.5 USD a day; today it has cost 0.000000 USD" in capped.out
    assert "takes no new orders; what runs goes on" in paused.out
    for words in ("comfydeploy", "2.5", "paused", "ill", "cli:eve"):
        assert words in table.out
    assert resumed.out.strip() == "engine comfydeploy takes orders, up to 2.5 USD a day"
    assert "is not capped" in free.out
    assert again.out.strip() == "engine comfydeploy takes orders"


def test_a_cap_of_nothing_is_shown_as_reached(tmp_path: Path, database: dict[str, str]) -> None:
    """Until midnight."""
    run("cap", *ENGINE, "0", data_dir=tmp_path, **database)

    assert "refused until midnight" in run("spend", data_dir=tmp_path, **database).out


@pytest.mark.parametrize("usd", ["much", "NaN", "1e30", "0.0000001"])
def test_a_cap_that_is_no_amount_is_refused(
    usd: str, tmp_path: Path, database: dict[str, str]
) -> None:
    """In a sentence."""
    answer = run("cap", *ENGINE, usd, data_dir=tmp_path, **database)

    assert (answer.code, answer.err.startswith(f"USD: {usd} is not")) == (2, True)


def test_nothing_unknown_is_paused(tmp_path: Path, database: dict[str, str]) -> None:
    """Neither an engine nor a preset, nor anything else."""
    engine = run("pause", "engine", "x", data_dir=tmp_path, **database)
    preset = run("pause", "preset", "x", data_dir=tmp_path, **database)
    other = run("pause", "bot", "x", data_dir=tmp_path, **database)

    assert (engine.code, engine.err.strip()) == (2, "no such engine")
    assert (preset.code, preset.err.strip()) == (2, "no such preset")
    assert other.code == 2
