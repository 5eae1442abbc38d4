"""`runrelay serve`, as somebody sees it who starts it."""

import json
import re
import select
import shlex
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.app.cli.running import Service, begin_service, run, start_service
from tests.app.store.embedded.scripts import a_script

KEY = "a-key-of-sixteen-or-more"
LIVE = {
    "MODE": "live",
    "WEBHOOK_URL": "https://relay.example.com",
    "WEBHOOK_SECRET": "a-secret-of-sixteen-or-more",
    "INTERNAL_API_KEY": KEY,
    "COMFYDEPLOY_API_KEY": "no-such-key",
    "COMFYDEPLOY_API_URL": "http://127.0.0.1:9/api",
    "REPLICATE_API_TOKEN": "no-such-token",
    "REPLICATE_API_URL": "http://127.0.0.1:9/v1",
}


def test_the_banner_has_a_line_to_paste(service: Service) -> None:
    """It names the bound port and the key, and asks for a whole life: a chat and a rate."""
    line = next(each for each in service.said.splitlines() if each.startswith("curl "))

    assert "ComfyDeploy, ComfyUI, Replicate and Telegram are stand-ins" in service.said
    words = shlex.split(line)
    order = json.loads(words[-1])
    assert words[1] == f"{service.url}/api/generations"
    assert order["metadata"]["telegramChatId"] == 4711
    assert order["metadata"]["costRate"]["amount"] == "0.000337"


def test_the_pasted_line_starts_a_generation(service: Service) -> None:
    """The key that is shown opens the API, and the body is an order."""
    line = next(each for each in service.said.splitlines() if each.startswith("curl "))
    words = shlex.split(line)
    headers = dict(each.split(": ", 1) for each in words if re.match(r"[A-Z][a-zA-Z-]+: ", each))

    answer = httpx.post(words[1], headers=headers, content=words[-1], trust_env=False)

    assert answer.status_code == 201


def test_settings_that_will_not_do_are_named_all_at_once(tmp_path: Path) -> None:
    """Everything is said by name on stderr, with exit code 2, and nothing is started."""
    answer = run("serve", data_dir=tmp_path, MODE="live", PORT="99999", WEBHOOK_URL="example.com")

    assert answer.code == 2
    assert answer.out == ""
    for name in ("PORT", "WEBHOOK_URL", "WEBHOOK_SECRET", "INTERNAL_API_KEY"):
        assert f"  {name}: " in answer.err
    assert not (tmp_path / "mongo").exists()


def test_a_second_service_on_a_folder_is_refused(service: Service) -> None:
    """One sentence names the first one."""
    answer = run("serve", "--port", "0", data_dir=service.data_dir)

    assert answer.code == 2
    assert f"pid {service.process.pid}" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_a_port_that_is_taken_is_said_in_one_sentence(tmp_path: Path) -> None:
    """The sentence names the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        answer = run("serve", "--port", str(port), data_dir=tmp_path)

    assert answer.code == 2
    assert answer.err.startswith(f"PORT: 127.0.0.1:{port} cannot be listened on")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_start(tmp_path: Path, by: signal.Signals) -> None:
    """At once and cleanly: nothing is said, and no database is left."""
    hangs = f"echo $$ > {tmp_path}/begun; exec sleep 600"
    service = begin_service(tmp_path, MONGOD_BINARY=str(a_script(tmp_path, hangs)))
    try:
        while not (tmp_path / "begun").exists():
            select.select([], [], [], 0.05)
        service.send_signal(by)
        code = service.wait(30)
    finally:
        service.kill()
    said = (tmp_path / "service.log").read_text()

    assert (code, said) == (0, "")
    assert not Path(f"/proc/{(tmp_path / 'begun').read_text().strip()}").exists()


def test_no_mongod_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Errors that come out of a group of tasks are laid flat."""
    answer = run("serve", "--port", "0", data_dir=tmp_path, MONGOD_BINARY="/nowhere/mongod")

    assert answer.code == 2
    assert "/nowhere/mongod" in answer.err
    assert "Traceback" not in answer.err


def test_live_mode_says_what_is_on_and_prints_no_key(tmp_path: Path) -> None:
    """Whoever starts it for real sees engines, Telegram, database, webhooks and warnings."""
    service = start_service(tmp_path, **LIVE, RUN_BACKGROUND="off")
    try:
        said = service.said
    finally:
        code = service.stop()

    assert code == 0
    assert KEY not in service.log.read_text()
    assert "Engines    ComfyDeploy, Replicate\n" in said
    assert "Telegram   off" in said
    assert "MongoDB    embedded" in said
    assert "Work       is left to others" in said
    assert "Webhooks   https://relay.example.com" in said
    assert "Warning: MONGODB_URI: is empty" in said
    assert not (tmp_path / "address").exists()
