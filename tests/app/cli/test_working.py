"""`runrelay worker`, as somebody sees it who starts it."""

import io
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from app.bootstrap import Peers
from app.cli.working import announce
from app.observability.terminal import Terminal
from app.settings import Settings
from schemas.base import InstanceName
from tests.app.cli.running import run

NAME = InstanceName("worker-0123456789ab")
PEERS = Peers(
    webhook_base="https://relay.example.com",
    comfydeploy_url=None,
    telegram_url=None,
    allow_private=True,
)


LIVE = {
    "MODE": "live",
    "WEBHOOK_URL": "https://relay.example.com",
    "WEBHOOK_SECRET": "a-secret-of-sixteen-or-more",
    "INTERNAL_API_KEY": "a-key-of-sixteen-or-more",
    "COMFYDEPLOY_API_KEY": "no-such-key",
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "DATA_DIR: no service runs on"),
        ({"MONGODB_URI": "mongodb://127.0.0.1:1"}, "DATA_DIR: no service runs on"),
        (LIVE, "MONGODB_URI: is empty, and no service runs on"),
    ],
)
def test_a_worker_alone_says_what_to_do(
    tmp_path: Path, settings: dict[str, str], expected: str
) -> None:
    """In one sentence; the exit code says that it may work later."""
    answer = run("worker", data_dir=tmp_path, **settings)

    assert answer.code == 1
    assert answer.err.startswith(expected)
    assert "start `runrelay serve` there first" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_it_says_who_it_is_and_what_it_works_on(tmp_path: Path) -> None:
    """Whose database, what wakes it, what engines are given; and no secret."""
    out = io.StringIO()
    announce(Settings(data_dir=tmp_path), PEERS, NAME, Terminal(out))
    secret = SecretStr("redis://:a-password@redis.example.com")
    own = Settings(mongodb_uri=SecretStr("mongodb://a-user:a-word@db"), redis_url=secret)
    announce(own, PEERS, NAME, Terminal(out))
    said = out.getvalue()

    for words in (
        f"Runrelay works as {NAME} (sandbox)",
        f"that of the service on {tmp_path}",
        "off: it looks each second",
        "yours (MONGODB_URI)",
        "wakes it",
        "https://relay.example.com",
    ):
        assert words in said
    assert "a-word" not in said
    assert "a-password" not in said


def test_a_machine_reads_it_in_the_log() -> None:
    """As one line."""
    with capture_logs() as entries:
        announce(Settings(log_format="json"), PEERS, NAME, Terminal(io.StringIO()))

    assert [(each["event"], each["name"]) for each in entries] == [("working", NAME)]
