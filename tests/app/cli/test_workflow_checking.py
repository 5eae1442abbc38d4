"""`runrelay presets load` asks the ComfyUI servers whether they have what workflows need."""

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.app.cli.running import Answer, Service, run

ROOT = Path(__file__).parents[3]
COMMAND = ("presets", "load", str(ROOT / "examples/comfyui.yaml"), "--yes")
INVERTING: dict[str, Any] = {"LoadImage": {}, "ImageInvert": {}, "SaveImage": {}}
CHECKPOINT: dict[str, Any] = {"input": {"required": {"ckpt_name": [["other.safetensors"], {}]}}}
SAMPLING: dict[str, Any] = {
    "KSampler": {},
    "EmptyLatentImage": {},
    "CLIPTextEncode": {},
    "VAEDecode": {},
    "CheckpointLoaderSimple": CHECKPOINT,
}
ALL: dict[str, Any] = INVERTING | SAMPLING | {"CheckpointLoaderSimple": {}}


@contextmanager
def a_server(has: dict[str, Any]) -> Generator[str]:
    """A ComfyUI server with these node classes: its address."""

    class _Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(has).encode()
            self.send_response(200 if self.path == "/object_info" else 404)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own word
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def database(mongo_uri: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings that name a database of the test's own, empty."""
    return {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"cli_{abs(hash(request.node.name))}"}


def loaded(
    folder: Path, database: dict[str, str], *servers: str, options: tuple[str, ...] = ()
) -> Answer:
    """What is said to loading the example with these servers set."""
    named = {"COMFYUI_SERVERS": ",".join(servers)} if servers else {}
    return run(*COMMAND, *options, data_dir=folder, **database, **named)


def test_what_one_server_can_run_is_loaded(tmp_path: Path, database: dict[str, str]) -> None:
    """Another may lack what it needs, or be away: that is said."""
    with a_server(INVERTING) as less, a_server(ALL) as enough:
        answer = loaded(tmp_path, database, less, enough, "http://127.0.0.1:9")

    assert answer.code == 0, answer.err
    assert "Not compared with every server: comfyui:127.0.0.1:9: " in answer.out
    assert "Loaded: 2 new, 0 changed." in answer.out


def test_what_no_server_can_run_is_not_loaded(tmp_path: Path, database: dict[str, str]) -> None:
    """Everything that each of them lacks is named, and nothing is stored."""
    with a_server(INVERTING) as one, a_server(INVERTING | SAMPLING) as other:
        answer = loaded(tmp_path, database, one, other, "http://127.0.0.1:9")
        servers = [each.removeprefix("http://") for each in (one, other)]
    listed = run("presets", "list", data_dir=tmp_path, **database)
    again = loaded(tmp_path, database, "http://127.0.0.1:9", options=("--no-check",))

    assert answer.code == 2
    said = [line.partition("presets.lighthouse.target.workflow: ")[2] for line in _lines(answer)]
    assert f"{servers[0]} cannot run it: Sampler (node 3): the server has no node KSampler" in said
    assert (
        f"{servers[1]} cannot run it: Load checkpoint (node 4): "
        "model v1-5-pruned-emaonly.safetensors is not on the server"
    ) in said
    assert sum(servers[1] in each for each in said) == 1
    assert "comfyui:127.0.0.1:9: " in answer.err
    assert _lines(answer)[-1] == "--no-check loads it without asking them"
    assert listed.out.startswith("no presets")
    assert "Loaded: 2 new" in again.out


def test_where_nobody_can_be_asked_it_is_said(tmp_path: Path, database: dict[str, str]) -> None:
    """It is loaded all the same; where nothing changes nobody is asked."""
    nobody = loaded(tmp_path, database)
    file = ROOT / "examples/presets.yaml"
    other = run("presets", "load", str(file), "--yes", data_dir=tmp_path, **database)
    pruned = loaded(tmp_path, database, "http://127.0.0.1:9", options=("--prune",))
    again = loaded(tmp_path, database, "http://127.0.0.1:9")

    assert "The workflows were not checked: no ComfyUI is set up (COMFYUI_SERVERS)." in nobody.out
    assert "Loaded: 2 new" in nobody.out
    for each in (other, pruned, again):
        assert each.code == 0
        assert "checked" not in each.out


def test_a_server_that_does_not_answer_stops_nothing(
    tmp_path: Path, database: dict[str, str]
) -> None:
    """It may answer by the time that somebody orders."""
    answer = loaded(tmp_path, database, "http://127.0.0.1:9")

    assert "The workflows were not checked: comfyui:127.0.0.1:9: " in answer.out
    assert "Loaded: 2 new" in answer.out


def test_the_sandbox_s_servers_run_the_example(service: Service) -> None:
    """They are asked without being named, and what they do not have is found."""
    beside = {"MONGODB_DATABASE": "cli_examples"}  # the service's own has other presets
    good = run(*COMMAND, data_dir=service.data_dir, **beside)
    examples = service.data_dir / "examples"
    shutil.copytree(ROOT / "examples", examples)
    graph = examples / "workflows/t2i.json"
    graph.write_text(graph.read_text().replace("emaonly", "another"))
    command = ("presets", "load", str(examples / "comfyui.yaml"), "--yes")
    bad = run(*command, data_dir=service.data_dir, **beside)

    assert good.code == 0, good.err
    assert "checked" not in good.out
    assert "compared" not in good.out
    assert bad.code == 2
    for server in ("sandbox-1", "sandbox-2"):
        assert f"{server} cannot run it: Load checkpoint (node 4): model v1-5-pruned" in bad.err


def _lines(answer: Answer) -> list[str]:
    return answer.err.strip().splitlines()
