"""`runrelay start`: an order from the command line."""

from pathlib import Path

import httpx
import pytest
from PIL import Image

from app.cli import ordering
from app.engines.replicate import DATA_URL_MOST
from app.main import sandboxed
from processors.protocols import comfyui
from tests.app.cli.running import Answer, Service, answering, run
from tests.builders import NOON
from tests.graphs import RAW
from tests.pictures import written

ROOT = Path(__file__).parents[3]


def test_an_order_is_watched_to_its_end(started: Answer) -> None:
    """With --wait its statuses go by, and the address of what it made is printed."""
    lines = started.out.splitlines()

    assert started.code == 0, started.err
    assert lines[1].startswith("completed, in ")
    assert "cost 0.000" in lines[1]
    assert lines[2].endswith(".png")
    assert "pending" in started.err


def test_an_end_that_is_no_success_is_an_exit_code(service: Service) -> None:
    """A script can tell how it went."""
    answer = run(
        *("start", "--input", "sandbox_end=failed", "--input", "sandbox_seconds:=0.1", "--wait"),
        data_dir=service.data_dir,
    )

    assert answer.code == 1
    assert "failed" in answer.out


@pytest.mark.parametrize(
    ("option", "value"), [("--rate", "much"), ("--input", "prompt"), ("--input", "steps:=many")]
)
def test_an_order_that_makes_no_sense_is_refused(option: str, value: str, tmp_path: Path) -> None:
    """The option is named before anybody is asked."""
    answer = run("start", option, value, data_dir=tmp_path)

    assert answer.code == 2
    assert answer.err.startswith(f"{option}: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "comfyui"), "--workflow: is missing"),
        (("--workflow", "sea.json"), "--workflow: is for comfyui; comfydeploy runs"),
        (("--engine", "comfyui", "--deployment", "x"), "--deployment: is for others"),
        (
            ("--engine", "comfyui", "--workflow", "gone.json"),
            "--workflow: gone.json: cannot be read: No such file",
        ),
        (("--engine", "comfyui", "--workflow", "text.json"), "--workflow: text.json: is not JSON"),
        (("--model", "a/b"), "--model, --version: are for replicate, not for comfydeploy"),
        (("--engine", "replicate"), "--model, --version, --deployment: replicate is given one"),
        (("--engine", "replicate", "--workflow", "sea.json"), "--workflow: is for comfyui, not"),
    ],
)
def test_each_engine_runs_its_own_kind(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """A deployment is ComfyDeploy's, a workflow ComfyUI's, a model Replicate's."""
    (tmp_path / "sea.json").write_bytes(RAW)
    (tmp_path / "text.json").write_text("a lighthouse")
    answer = run("start", *options, data_dir=tmp_path)

    assert answer.code == 2
    assert answer.err.startswith(said)


def test_a_model_is_run_at_replicate(service: Service) -> None:
    """To its end: its file is kept, it costs what it computed, and its page says what was run."""
    options = ("--engine", "replicate", "--model", "acme/sea", "--rate", "0.000225/second")
    inputs = ("--input", "prompt=the sea", "--input", "sandbox_seconds:=0.2")
    answer = run("start", *options, *inputs, "--wait", data_dir=service.data_dir)
    explained = run("explain", answer.out.split()[0], data_dir=service.data_dir)

    assert answer.code == 0, answer.err
    assert "completed, in " in answer.out
    assert "cost 0.000" in answer.out
    assert answer.out.splitlines()[-1].endswith(".png")
    assert "replicate, model acme/sea" in explained.out


def test_a_large_picture_is_fetched_by_replicate(service: Service) -> None:
    """By a link to our copy: the run fails where nothing can be fetched there."""
    noise = Image.effect_noise((700, 700), 200)
    with answering(service) as client:
        headers = {"Content-Type": "image/png"}
        picture = client.post("/api/images", content=written(noise), headers=headers).json()
    options = ("--engine", "replicate", "--deployment", "acme/sea", "--wait")
    inputs = ("--input", f"image={picture['id']}", "--input", "sandbox_seconds:=0.2")
    answer = run("start", *options, *inputs, data_dir=service.data_dir)
    there = sandboxed.noted(service.data_dir)
    assert there is not None
    made = httpx.get(f"{there.url}/control/replicate/predictions").json()[-1]

    assert picture["size"] > DATA_URL_MOST
    assert answer.code == 0, answer.out + answer.err
    assert made["input"]["image"].startswith(f"{service.url}/media/inputs/")


def test_a_workflow_is_ordered_and_kept(service: Service) -> None:
    """With the inputs that lead into it; both are shown as they came."""
    file = ROOT / "examples/workflows/t2i.json"
    options = ("--engine", "comfyui", "--workflow", str(file), "--input", "6/text=the sea")
    answer = run("start", *options, data_dir=service.data_dir)
    digest, raw = comfyui.stored(file.read_bytes())
    with answering(service) as client:
        record = client.get(f"/api/generations/{answer.out.strip()}").json()
        kept = client.get(f"/api/workflows/{digest}")

    assert answer.code == 0, answer.err
    assert record["requestPayload"]["workflow"] == digest
    assert record["requestPayload"]["inputs"] == {"6/text": "the sea"}
    assert (record["maxAttempts"], record["priority"]) == (3, 0)
    assert kept.content == raw


@pytest.mark.parametrize(
    ("workflow", "given", "said"),
    [
        ('{"nodes": []}', "6/text=x", "workflow: this is a file of ComfyUI's editor"),
        (RAW.decode(), "6/text=x", "inputs.6/text: the workflow has no such node"),
    ],
)
def test_a_workflow_that_cannot_be_run_is_refused(
    service: Service, tmp_path: Path, workflow: str, given: str, said: str
) -> None:
    """In the service's words, by its place."""
    (tmp_path / "it.json").write_text(workflow)
    options = ("--engine", "comfyui", "--workflow", str(tmp_path / "it.json"), "--input", given)
    answer = run("start", *options, data_dir=service.data_dir)

    assert answer.code == 2
    assert answer.err.startswith(f"the service refuses: {said}")


def test_the_service_s_own_words_are_shown(service: Service) -> None:
    """What the API refuses is said the way it says it."""
    answer = run("start", "--engine", "nobody", data_dir=service.data_dir)

    assert answer.code == 2
    assert "nobody is not set up here" in answer.err


def test_no_service_is_said_so(tmp_path: Path) -> None:
    """Whoever forgot to start it is told."""
    answer = run("start", data_dir=tmp_path, PORT="9")

    assert answer.code == 2
    assert "is `runrelay serve` running?" in answer.err


def test_live_mode_wants_a_deployment(tmp_path: Path) -> None:
    """Only the sandbox takes any."""
    answer = run(
        "start",
        data_dir=tmp_path,
        MODE="live",
        WEBHOOK_URL="https://relay.example.com",
        WEBHOOK_SECRET="a-secret-of-sixteen-or-more",
        INTERNAL_API_KEY="a-key-of-sixteen-or-more",
        COMFYDEPLOY_API_KEY="no-such-key",
    )

    assert answer.code == 2
    assert answer.err.startswith("--deployment: ")


def a_record(**fields: object) -> dict[str, object]:
    """What the API says of an order that waits, as far as it is read here."""
    known = {"status": "pending", "attempt": 1, "maxAttempts": 3, "queuePosition": None}
    return {**known, "expectedStartAt": None, **fields}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ()),
        ({"queuePosition": 3}, ("place 3 in the queue",)),
        (
            {"queuePosition": 3, "expectedStartAt": "2026-01-01T12:02:00Z"},
            ("place 3 in the queue", "about 2 min"),
        ),
        (
            {"queuePosition": 3, "expectedStartAt": "2026-01-01T11:59:00Z"},
            ("place 3 in the queue",),
        ),
        ({"attempt": 2, "status": "running"}, ("attempt 2 of 3",)),
        ({"attempt": 2, "status": "failed"}, ()),
    ],
)
def test_who_waits_sees_where_they_stand(fields: dict[str, object], said: tuple[str, ...]) -> None:
    """The place in the line, how long it may take, and which try it is."""
    assert ordering.standing(a_record(**fields), NOON) == said
