"""A client of the sandbox's ComfyUI servers, and the recordings that they are compared with."""

import json
import secrets
import struct
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.peers import Json, Peers

_SAMPLES: Final = Path(__file__).parents[2] / "samples" / "comfyui"
_NAMES: Final = {
    "RefSleepProgress": "SleepProgress",
    "RefAsyncSleep": "AsyncSleep",
    "RefExpand": "ExpandGraph",
    "RefBlock": "BlockExecution",
    "RefTextOut": "PreviewAny",
    "RefFileOut": "SaveGLB",
}
"""The nodes that were written for the recordings, and those here that do the same."""


@dataclass(frozen=True)
class Said:
    """One message of a socket: `frame 1` and so on are binary."""

    kind: str
    data: Json
    image: bytes = b""

    @property
    def ends(self) -> bool:
        """Whether it is the last of a run."""
        return self.kind == "executing" and self.data.get("node", "") is None

    @property
    def shape(self) -> object:
        """What it has in common with others of its place: kind, keys, and the states of nodes."""
        if self.kind == "progress_state":
            states = [
                (one["state"], type(one["value"]).__name__, one["parent_node_id"] is None)
                for one in self.data["nodes"].values()
            ]
            return self.kind, states
        return self.kind, sorted(self.data)


@dataclass
class Listener:
    """One open socket and everything that it heard."""

    socket: ClientConnection
    heard: list[Said] = field(default_factory=list[Said])

    async def until(self, good: Callable[[Said], object]) -> list[Said]:
        """Listen until a message is good; return all that came since the last call."""
        since: list[Said] = []
        while not since or not good(since[-1]):
            since.append(_said(await self.socket.recv()))
            self.heard.append(since[-1])
        return since

    async def run(self) -> list[Said]:
        """Listen until a run ends."""
        return await self.until(lambda said: said.ends)

    async def hello(self) -> list[Said]:
        """Listen for the first `status`."""
        return await self.until(lambda said: "sid" in said.data)


@asynccontextmanager
async def a_socket(url: str, client_id: str = "me", **more: Any) -> AsyncGenerator[Listener]:  # noqa: ANN401 - options of the library
    """Open a socket to a server, and be greeted."""
    address = f"{url.replace('http', 'ws', 1)}/ws?clientId={client_id}"
    async with connect(address, max_size=None, proxy=None, **more) as socket:
        listener = Listener(socket)
        await listener.hello()
        yield listener


def an_id() -> str:
    """Return a new prompt id."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def sampling(seed: int = 1, steps: int = 3, text: str = "a sea") -> Json:
    """Return a workflow that samples and saves a picture."""
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node("CLIPTextEncode", text=text, clip=["4", 1]),
        "7": node("CLIPTextEncode", text="", clip=["4", 1]),
        "3": node(
            "KSampler",
            seed=seed,
            steps=steps,
            cfg=8.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="sea", images=["8", 0]),
    }


def texting(text: str = "hello") -> Json:
    """Return the smallest workflow: it shows a text."""
    return {"1": node("PreviewAny", source=text)}


def sleeping(steps: int = 2, seconds: float = 0.01, **more: object) -> Json:
    """Return a workflow that makes so many steps."""
    inputs: Json = {"preview": True, "text": False, "fail_at_step": -1, "seed": 1} | more
    return {
        "1": node("SleepProgress", steps=steps, step_seconds=seconds, **inputs),
        "2": node("PreviewImage", images=["1", 0]),
    }


def node(kind: str, **inputs: object) -> Json:
    """Return a node of a workflow."""
    return {"class_type": kind, "inputs": inputs}


async def post(peers: Peers, url: str, prompt: Json, **more: object) -> httpx.Response:
    """Post a prompt for the client `me`, unless another is named."""
    body: Json = {"client_id": "me", "prompt": prompt} | more
    return await peers.client.post(f"{url}/prompt", json=body)


async def posted(peers: Peers, url: str, prompt: Json, **more: object) -> str:
    """Post a prompt and return its id."""
    answer = await post(peers, url, prompt, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["prompt_id"]


async def history(peers: Peers, url: str, prompt_id: str) -> Json | None:
    """Return the history of a prompt; None where there is none."""
    answer = await peers.client.get(f"{url}/history/{prompt_id}")
    return answer.raise_for_status().json().get(prompt_id)


def exchanges(name: str) -> list[Json]:
    """Return the HTTP exchanges of a recording."""
    return json.loads((_SAMPLES / f"{name}.http.json").read_bytes())


def prompts(name: str) -> list[Json]:
    """Return the prompts of a recording that were taken, as nodes that there are here."""
    return [
        {key: _known(each) for key, each in exchange["request_json"]["prompt"].items()}
        for exchange in exchanges(name)
        if exchange.get("path") == "/prompt"
        and exchange["method"] == "POST"
        and exchange["status"] == 200
    ]


def runs(name: str) -> list[list[Said]]:
    """Return the messages of a recorded socket after its greeting, run by run."""
    lines = (_SAMPLES / f"{name}.jsonl").read_text().splitlines()
    found: list[list[Said]] = [[]]
    for line in map(json.loads, lines):
        said = _recorded(line)
        if said is None or "sid" in said.data or said.kind == "feature_flags":
            continue
        found[-1].append(said)
        if said.ends:
            found.append([])
    return [run for run in found if run]


def _recorded(line: Json) -> Said | None:
    if line["kind"] == "binary":
        return Said(f"frame {line['event_type']}", line["decoded"].get("metadata", {}))
    if line["kind"] == "text" and "data" in line:
        return Said(line["data"]["type"], line["data"]["data"])
    # A message of 1.5 MB was recorded by its beginning.
    return Said("executed", dict.fromkeys(_EXECUTED)) if line["kind"] == "text" else None


_EXECUTED: Final = ("node", "display_node", "output", "prompt_id")


def _known(told: Json) -> Json:
    kind, inputs = _NAMES.get(told["class_type"], told["class_type"]), dict(told["inputs"])
    if "step_seconds" in inputs:
        inputs["step_seconds"] = inputs["step_seconds"] / 20
    match kind:
        case "PreviewAny":
            inputs = {"source": inputs["text"]}
        case "SaveGLB":
            inputs = {"filename_prefix": "ref/clip"}
        case _:
            pass
    return {"class_type": kind, "inputs": inputs}


def _said(message: str | bytes) -> Said:
    if isinstance(message, str):
        told = json.loads(message)
        return Said(told["type"], told["data"])
    (event,) = struct.unpack(">I", message[:4])
    if event == 4:
        (length,) = struct.unpack(">I", message[4:8])
        return Said("frame 4", json.loads(message[8 : 8 + length]), message[8 + length :])
    return Said(f"frame {event}", {}, message[8:])
