"""compose.yaml, read as a container engine would read it; none is at hand to start it."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from app.cli.commands import app
from app.settings import NAMES, load
from tests.app.cli.running import run

ROOT: Final = Path(__file__).parent.parent.parent
OURS: Final = ("runrelay", "worker")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """The services, by name."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def test_one_answers_and_two_work(services: dict[str, dict[str, Any]]) -> None:
    """On one database, one Redis, one folder and one network."""
    serve, worker = (services[each] for each in OURS)

    assert serve["environment"]["RUN_BACKGROUND"] == "off"
    assert worker["command"] == ["runrelay", "worker"]
    assert worker["deploy"]["replicas"] == 2
    assert "RUN_BACKGROUND" not in worker["environment"]
    assert serve["environment"] == worker["environment"] | {"RUN_BACKGROUND": "off"}
    assert serve["volumes"] == worker["volumes"]
    assert serve["network_mode"] == worker["network_mode"] == "service:network"


def test_what_is_set_are_settings(services: dict[str, dict[str, Any]]) -> None:
    """Each has the name of one, and a value that will do."""
    for name in OURS:
        given: dict[str, str] = services[name]["environment"]

        assert set(given) <= set(NAMES)
        loaded = load(given, None)
        assert loaded.mongodb_uri is not None
        assert loaded.redis_url is not None


def test_each_has_time_to_finish_what_is_under_way(services: dict[str, dict[str, Any]]) -> None:
    """More than the 5 s for open requests and the 20 s for what is being sent."""
    assert {services[name]["stop_grace_period"] for name in OURS} == {"30s"}


def test_redis_keeps_nothing_and_says_whether_it_is_well(
    services: dict[str, dict[str, Any]],
) -> None:
    """It has no volume, writes no file, and nobody waits for it to be well."""
    redis = services["redis"]

    assert "volumes" not in redis
    assert redis["command"] == ["redis-server", "--save", "", "--appendonly", "no"]
    assert redis["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]
    assert services["runrelay"]["depends_on"]["redis"]["condition"] == "service_started"


def test_the_commands_are_there(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """What a container is told to run is a command of ours."""
    _, command = services["worker"]["command"]

    assert app.info.name == "runrelay"
    assert run(command, "--help", data_dir=tmp_path).code == 0
