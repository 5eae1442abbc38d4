"""`runrelay doctor`: what is wrong, and what to do about it."""

import asyncio
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.main import sandboxed
from app.main.listening import noted
from tests.app.cli.running import Answer, Service, run
from tests.app.cli.test_serving import LIVE
from tests.app.store.guarded import a_guarded_mongod
from tests.redis import SharedRedis


def test_a_running_service_is_well(service: Service) -> None:
    """Beside the service everything is looked into, its own webhook address included."""
    answer = run("doctor", data_dir=service.data_dir, WEBHOOK_URL=service.url)

    assert answer.code == 0, answer.out
    assert f"runs and is ready at {service.url}" in answer.out
    assert f"{service.url}/livez reaches this service" in answer.out
    assert f"{service.url}/api/webhook/comfydeploy reaches this service" in answer.out
    assert f"{service.data_dir / 'media'} can be written and read" in answer.out
    assert "All is well." in answer.out


def test_without_a_service_the_database_is_started_for_a_look(tmp_path: Path) -> None:
    """A folder that nobody has used yet is looked into as well."""
    answer = run("doctor", data_dir=tmp_path)

    assert answer.code == 0
    assert "does not run on this DATA_DIR" in answer.out
    assert "embedded, started for this look" in answer.out


def test_settings_are_judged_as_serve_does(tmp_path: Path) -> None:
    """Each problem is a line by name, and the exit code says that something failed."""
    answer = run("doctor", data_dir=tmp_path, MODE="live", PORT="99999")

    assert answer.code == 1
    for name in ("PORT", "WEBHOOK_URL", "INTERNAL_API_KEY", "COMFYDEPLOY_API_KEY"):
        assert f"failed   {name} " in answer.out


def test_peers_and_a_database_that_do_not_answer_are_named(tmp_path: Path) -> None:
    """Every failure comes with what to do, and no secret."""
    answer = run(
        "doctor",
        data_dir=tmp_path,
        **LIVE,
        MONGODB_URI="mongodb://somebody:a-password@127.0.0.1:9/?replicaSet=x",
        TELEGRAM_BOT_TOKEN="4711:" + "x" * 35,
        TELEGRAM_WEBHOOK_SECRET="t" * 32,
        TELEGRAM_API_URL="http://127.0.0.1:9",
    )

    assert answer.code == 1
    for name in ("MongoDB", "ComfyDeploy", "Telegram"):
        assert f"failed   {name} " in answer.out
    assert "look at COMFYDEPLOY_API_KEY" in answer.out
    for name in ("TERMS_TEXT", "PAYSUPPORT_TEXT"):
        assert f"warning  {name} " in answer.out
    assert "a-password" not in answer.out + answer.err


def test_every_comfyui_server_is_looked_at(service: Service, tmp_path: Path) -> None:
    """How each stands, or what is wrong with it; and no credential."""
    there = sandboxed.noted(service.data_dir)
    assert there is not None
    (tmp_path / "servers.yaml").write_text(
        f"servers: [{{name: one, url: {there.comfyui[0]}}},"
        " {name: two, url: 'http://127.0.0.1:9', bearer: nobody-reads-this}]"
    )
    answer = run("doctor", data_dir=tmp_path, COMFYUI_SERVERS=str(tmp_path / "servers.yaml"))

    assert answer.code == 1
    assert "ok       ComfyUI              one: ComfyUI 0.30.2 on " in answer.out
    assert "failed   ComfyUI              two: cannot be reached (ConnectError)" in answer.out
    assert "look at COMFYUI_SERVERS" in answer.out
    assert "nobody-reads-this" not in answer.out + answer.err


def test_replicates_secret_is_compared(service: Service) -> None:
    """A wrong one is named, and where to have the right one; and a way that is not https."""
    there = sandboxed.noted(service.data_dir)
    assert there is not None
    given = {"REPLICATE_API_URL": there.replicate, "REPLICATE_API_TOKEN": "r8_x"}
    right = run(
        "doctor",
        data_dir=service.data_dir,
        REPLICATE_WEBHOOK_SECRET=there.replicate_secret,
        **given,
    )
    wrong = run(
        "doctor",
        data_dir=service.data_dir,
        REPLICATE_WEBHOOK_SECRET="whsec_" + "QUJD" * 8,
        **given,
    )

    assert "ok       Replicate            answers; the token is accepted" in right.out
    assert "failed   Replicate            replicate: signs webhooks with another" in wrong.out
    assert "/v1/webhooks/default/secret" in wrong.out


def test_an_engine_that_is_off_is_said_to_be(tmp_path: Path) -> None:
    """Where another is on, that is no failure."""
    given = LIVE | {"COMFYDEPLOY_API_KEY": "", "COMFYUI_SERVERS": "http://127.0.0.1:9"}
    off = run("doctor", data_dir=tmp_path, **given)
    on = run("doctor", data_dir=tmp_path, **LIVE)

    assert "skipped  ComfyDeploy          is off: COMFYDEPLOY_API_KEY is not set" in off.out
    assert "skipped  ComfyUI              is off: COMFYUI_SERVERS is not set" in on.out


def test_a_storage_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """It fails with what to look at."""
    (tmp_path / "a-file").touch()
    answer = run("doctor", data_dir=tmp_path, STORAGE_URL=f"file://{tmp_path}/a-file/media")

    assert answer.code == 1
    assert "failed   storage " in answer.out
    assert "look at STORAGE_URL" in answer.out


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "engines do not follow redirects"),
        (404, "a proxy cuts the path"),
        (401, "asks for a password"),
        (405, "only some methods"),
        (502, "the proxy does not reach this service"),
        (200, "it is not this service that answers"),
    ],
)
def test_a_public_address_that_is_not_ours_is_explained(
    status: int, words: str, tmp_path: Path, mongo_uri: str
) -> None:
    """What answers in our place says by its status what is wrong."""
    with _somebody(status) as url, noted(tmp_path, url):
        answer = run("doctor", data_dir=tmp_path, WEBHOOK_URL=url, MONGODB_URI=mongo_uri)

    assert answer.code == 1
    assert words in answer.out


@contextmanager
def _somebody(status: int) -> Generator[str]:
    """A server that answers everything with one status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "https://elsewhere.example.com/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the standard library's own name

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_cannot_be_looked_into_is_a_warning(tmp_path: Path) -> None:
    """It names the role that the database's user lacks, and nothing has failed for it."""

    async def examined() -> Answer:
        async with a_guarded_mongod(tmp_path / "guarded") as uri:
            return await asyncio.to_thread(run, "doctor", data_dir=tmp_path, MONGODB_URI=uri)

    answer = asyncio.run(examined())

    assert answer.code == 0, answer.out
    assert "warning  durability" in answer.out
    assert "clusterMonitor" in answer.out


@pytest.mark.parametrize(
    ("way", "hook", "line"),
    [
        ("webhook", "http://127.0.0.1/webhook", "ok       Telegram updates"),
        ("webhook", "", "warning  Telegram updates"),
        ("polling", "", "ok       Telegram updates"),
        ("polling", "https://elsewhere.test/webhook", "warning  Telegram updates"),
        ("off", "", "skipped  Telegram updates"),
    ],
)
def test_how_updates_come_in_is_compared(way: str, hook: str, line: str, tmp_path: Path) -> None:
    """What Telegram has, with what it should have."""
    with _a_telegram(hook) as url:
        answer = run(
            "doctor",
            data_dir=tmp_path,
            TELEGRAM_API_URL=url,
            TELEGRAM_BOT_TOKEN="4711:" + "x" * 35,
            TELEGRAM_UPDATES=way,
        )

    assert line in answer.out


@contextmanager
def _a_telegram(hook: str) -> Generator[str]:
    """A Bot API that knows who the bot is, and its webhook."""
    told = {"getMe": {"username": "a_bot"}, "getWebhookInfo": {"url": hook}}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps({"ok": True, "result": told[self.path.rpartition("/")[2]]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_redis_is_asked_where_there_is_one(tmp_path: Path, shared_redis: SharedRedis) -> None:
    """Its version is shown; of one that is not wanted nothing is said."""
    answer = run("doctor", data_dir=tmp_path, REDIS_URL=shared_redis.url)

    assert answer.code == 0, answer.out
    assert re.search(r"ok +Redis +answers; Redis [0-9.]+", answer.out)
    assert re.search(r"REDIS_URL +set +environment", answer.out)
    assert " Redis " not in run("doctor", data_dir=tmp_path).out


def test_a_redis_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """With what to do, with what goes on without it, and without its password."""
    gone = "redis://:a-password-of-redis@127.0.0.1:9"
    answer = run("doctor", data_dir=tmp_path, REDIS_URL=gone)

    assert answer.code == 1
    assert "failed   Redis " in answer.out
    assert "look at REDIS_URL" in answer.out
    assert "a-password-of-redis" not in answer.out + answer.err
