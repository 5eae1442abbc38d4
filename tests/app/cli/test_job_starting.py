"""`runrelay jobs start`: one command, several steps, on the stand-ins of all engines."""

import asyncio
import io
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
import typer
from PIL import Image, ImageChops

from app.cli import job_starting, jobs
from tests.app.cli.running import Answer, Service, answering, run

EXAMPLES = Path(__file__).parents[3] / "examples"
QUICK = "constants: {sandbox_seconds: 0.2}"
"""What makes the stand-ins quick."""


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, in which a run takes less than a second."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    for name in ("presets.yaml", "replicate.yaml"):
        text = (folder / name).read_text("utf-8")
        slow = re.sub(r"\n    constants:\n(      .*\n)+", "\n", text)
        quick = re.sub(r"\n    price:", f"\n    {QUICK}\n    price:", slow)
        (folder / name).write_text(quick, "utf-8")
    return folder


def start(service: Service, *options: str | Path) -> Answer:
    """What `jobs start` says."""
    return run("jobs", "start", *map(str, options), data_dir=service.data_dir)


def pictures(service: Service, said: str) -> Sequence[Image.Image]:
    """The pictures whose addresses were printed."""
    with httpx.Client(trust_env=False) as client:
        found = [
            client.get(each.strip()) for each in re.findall(r"^ +(http\S+)", said, re.MULTILINE)
        ]
    assert all(each.url.host in service.url for each in found)
    return [Image.open(io.BytesIO(each.raise_for_status().content)) for each in found]


def test_three_garments_are_put_on_by_one_command(service: Service, examples: Path) -> None:
    """Presets, pictures and somebody who can pay come with it; each step is seen to go by."""
    answer = start(service, examples / "three_garments.yaml", "--wait")
    lines = answer.out.splitlines()

    assert answer.code == 0, answer.err
    assert lines[0].endswith("flux, dress, portrait")
    for number in (1, 2, 3):
        done = f"step {number} of 3  dress  completed, in "
        (line,) = [each for each in lines if each.startswith(done)]
        assert re.search(r"cost 0\.000\d* USD, 1 credit$", line)
    assert "step 3 of 3  dress  waiting" in lines
    assert re.fullmatch(r"completed, cost 0\.00\d* USD, 3 credits", lines[-1])
    assert len(pictures(service, answer.out)) == 3


def test_a_chain_goes_through_three_engines(service: Service, examples: Path) -> None:
    """ComfyDeploy, then Replicate, then ComfyUI, which is given what Replicate has made."""
    answer = start(service, examples / "mixed_engines.yaml", "--wait")
    assert answer.code == 0, answer.out + answer.err
    _, dressed, negative = pictures(service, answer.out)
    (job_id,) = re.findall(r"^[0-9a-f]{32}$", answer.out, re.MULTILINE)
    with answering(service) as client:
        job = client.get(f"/api/jobs/{job_id}").json()

    assert [each["engine"] for each in job["generations"]] == [
        "comfydeploy",
        "replicate",
        "comfyui",
    ]
    assert (job["status"], job["price"], job["step"], job["of"]) == ("completed", "7.000000", 3, 3)
    taken = job["steps"][2]["sources"]["1/image"]
    assert taken["generation"] == job["generations"][1]["id"]
    inverted = ImageChops.invert(dressed.convert("RGB"))
    assert ImageChops.difference(inverted, negative.convert("RGB")).getbbox() is None


def test_a_manual_job_waits_for_a_word_and_a_step_is_ordered_again(
    service: Service, examples: Path
) -> None:
    """Each is a command; the job that goes on counts its steps on."""
    begun = start(service, examples / "three_garments.yaml", "--manual", "--wait", "--chat", "4711")
    (job_id,) = re.findall(r"^[0-9a-f]{32}$", begun.out, re.MULTILINE)
    again = run("jobs", "continue", job_id, "--wait", data_dir=service.data_dir)
    retried = run("jobs", "retry", job_id, "2", data_dir=service.data_dir)
    stopped = run("jobs", "continue", job_id, data_dir=service.data_dir)
    new = retried.out.strip()
    with answering(service) as client:
        old, job = (client.get(f"/api/jobs/{each}").json() for each in (job_id, new))

    assert (begun.code, again.code) == (3, 3), begun.out + again.out
    assert begun.out.endswith(
        f"step 1 is done; it waits for your word: runrelay jobs continue {job_id}\n"
    )
    assert "step 2 of 3  dress  completed" in again.out
    assert (old["status"], old["statusReason"]) == ("cancelled", "stopped")
    assert (retried.code, job["goesOn"], job["first"], job["of"]) == (0, job_id, 2, 3)
    assert stopped.code == 2
    assert "does not wait for a word" in stopped.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [{preset: gone}]", "preset: no such preset"),
        ("preset: a\ninputs: {x: {file: none.png}}", "none.png: cannot be read: No such file"),
        ("preset: a\npresets: [none.yaml]", "none.yaml: cannot be read: No such file"),
    ],
)
def test_what_cannot_be_ordered_is_refused(
    service: Service, tmp_path: Path, text: str, said: str
) -> None:
    """In a sentence, by the service or before."""
    (tmp_path / "order.yaml").write_text(text)
    answer = start(service, tmp_path / "order.yaml", "--user", "1001")

    assert answer.code == 2
    assert said in answer.err


async def goes_away() -> int:
    """Watch a job, and be interrupted: what Ctrl-C comes to under `asyncio.run`."""

    def interrupts(_: httpx.Request) -> httpx.Response:
        raise asyncio.CancelledError

    async with httpx.AsyncClient(
        transport=httpx.MockTransport(interrupts), base_url="http://relay.test"
    ) as client:
        try:
            return await job_starting.left(client, {"id": "7"}, wait=True)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


def test_who_goes_away_is_told_how_to_look_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The job goes on; a shell sees that it was interrupted."""
    with pytest.raises(typer.Exit) as caught:
        jobs.exit_after(goes_away())

    assert caught.value.exit_code == 130
    assert "look again: runrelay jobs show 7" in capsys.readouterr().out


def test_who_is_nobody_cannot_pay(service: Service, tmp_path: Path) -> None:
    """Known by a Telegram id, or by our own."""
    (tmp_path / "order.yaml").write_text("preset: a")
    answers = [start(service, tmp_path / "order.yaml", "--user", each) for each in ("99", "0" * 32)]

    assert [each.code for each in answers] == [2, 2]
    assert all("no such user" in each.err for each in answers)


def test_a_live_service_wants_to_know_who_pays(tmp_path: Path) -> None:
    """And loads nothing by itself."""
    (tmp_path / "order.yaml").write_text("preset: a")
    answer = run(
        *("jobs", "start", str(tmp_path / "order.yaml")),
        data_dir=tmp_path,
        MODE="live",
        WEBHOOK_URL="https://relay.example.com",
        WEBHOOK_SECRET="a-secret-of-sixteen-or-more",
        INTERNAL_API_KEY="a-key-of-sixteen-or-more",
        COMFYDEPLOY_API_KEY="no-such-key",
    )

    assert answer.code == 2
    assert "--user: is missing" in answer.err
