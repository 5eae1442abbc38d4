"""app.cli.chat.chatting: the command finds the sandbox of its settings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.chat.chatting import sandbox_of
from app.errors import SetupError
from app.settings import load
from tests.app.cli.running import Service, run


def test_the_running_service_s_sandbox_is_found(service: Service) -> None:
    """By its data folder; what is written there reaches it."""
    done = subprocess.run(  # noqa: S603 - our own command
        [
            *(sys.executable, "-c", "from app.cli import main; main()"),
            *("chat", "--name", "Chatty", "--patience", "0.1", "--pause", "0"),
        ],
        cwd=service.data_dir,
        env={"DATA_DIR": str(service.data_dir), "PYTHONPATH": str(Path.cwd()), "PATH": ""},
        input="hello from the chat\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Chatty hello from the chat\n")


def test_no_sandbox_is_said_so(tmp_path: Path) -> None:
    """Whoever forgot to start the service is told, also where one has died."""
    answer = run("chat", data_dir=tmp_path)
    assert answer.code == 2
    assert "is `runrelay serve` running?" in answer.err

    peers: list[str] = []
    address = {"url": "http://127.0.0.1:9", "keeper": 9, "pid": 1, "comfyui": peers, "token": "x"}
    others = dict.fromkeys(("comfydeploy", "telegram", "outputs_host"), "x")
    (tmp_path / "sandbox.json").write_text(json.dumps(address | others))
    answer = run("chat", data_dir=tmp_path)
    assert answer.code == 2
    assert "no sandbox answers at http://127.0.0.1:9" in answer.err


def test_what_is_no_sandbox_is_said_so(service: Service, tmp_path: Path) -> None:
    """Another service may listen there."""
    answer = run("chat", data_dir=tmp_path, TELEGRAM_API_URL=f"{service.url}/telegram")

    assert answer.code == 2
    assert "is not a sandbox" in answer.err


def test_live_mode_has_telegram_itself(tmp_path: Path) -> None:
    """There is nobody to play."""
    live = {
        "MODE": "live",
        "DATA_DIR": str(tmp_path),
        "WEBHOOK_URL": "https://relay.example.com",
        "WEBHOOK_SECRET": "a-secret-of-sixteen-or-more",
        "INTERNAL_API_KEY": "a-key-of-sixteen-or-more",
        "COMFYDEPLOY_API_KEY": "no-such-key",
    }
    with pytest.raises(SetupError, match="in Telegram itself"):
        sandbox_of(load(live, tmp_path / ".env"))
