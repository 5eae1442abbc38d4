"""One running service for all tests of commands, and one generation that it has finished."""

import logging
from collections.abc import Iterator

import pytest

from app.observability import logs
from tests import loglines
from tests.app.cli.running import Answer, Service, run, start_service


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    """Leave the log as it was: commands send it to a stream that is gone afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    loglines.plain()
    logs.forget_secrets()


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service in sandbox mode, on a data folder of its own."""
    running = start_service(tmp_path_factory.mktemp("service") / "data")
    try:
        yield running
    finally:
        assert running.stop() == 0


@pytest.fixture(scope="package")
def started(service: Service) -> Answer:
    """What `start --wait` said of a generation."""
    return run(
        *("start", "--input", "prompt=a lighthouse [red]at dusk", "--input", "steps:=20"),
        *("--input", "sandbox_seconds:=0.3", "--chat", "4711"),
        *("--rate", "0.000337/second", "--wait"),
        data_dir=service.data_dir,
    )


@pytest.fixture(scope="package")
def generation(started: Answer) -> str:
    """The id of that generation."""
    return started.out.splitlines()[0]
