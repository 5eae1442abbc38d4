"""Recorded sockets of a server 0.30.2, and a stand-in that answers as that server did.

The recordings of one scenario share a clock. A recorded socket is cut by not playing it; what
the server would have answered meanwhile follows from the recorded exchanges, else from the
socket's own messages.
"""

import base64
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from processors.errors import RefusedBodyError
from processors.protocols import comfyui
from processors.protocols.comfyui import (
    AskHistory,
    AskQueue,
    Followed,
    Follower,
    InHistory,
    NodeKind,
    Queue,
    Said,
    Told,
    messages,
)
from schemas.base import GenerationId, RunId
from schemas.run import TERMINAL, RunEvent, RunStatus
from tests.builders import NOON, later

SAMPLES: Final = Path(__file__).parents[3] / "samples" / "comfyui"
BASE: Final = "http://10.0.0.5:8188"
OURS: Final = "c14acb67-b9a4-4b75-8681-71246c82973b"
"""The client id of our socket."""
SCENARIOS: Final[Mapping[str, tuple[str, ...]]] = {
    "s03_ws_normal": ("client",),
    "s04_ws_feature_flags": ("client",),
    "s05_ws_cached": ("client",),
    "s06_ws_error": ("client",),
    "s07_ws_interrupt": ("client",),
    "s09_ws_other_clients": ("owner", "late_same_id"),
    "s12_ws_disconnected_at_end": (
        "before",
        "after_end",
        "before2",
        "reconnect_during",
        "before3",
        "never_connected_during_run",
    ),
    "s13_ws_special_nodes": ("client",),
    "s14_upload": ("client",),
}
"""By name: its sockets, one after the other."""
_FAILED: Final = RunStatus.FAILED
ENDS: Final[Mapping[str, tuple[RunStatus, ...]]] = {
    "s05_ws_cached": (RunStatus.COMPLETED,) * 3,
    "s06_ws_error": (_FAILED, _FAILED, RunStatus.COMPLETED, RunStatus.COMPLETED, _FAILED),
    "s07_ws_interrupt": (RunStatus.CANCELLED,) * 4,
    "s12_ws_disconnected_at_end": (RunStatus.COMPLETED,) * 3,
    "s13_ws_special_nodes": (RunStatus.COMPLETED,) * 6,
}
"""How the runs of a scenario ended, in their order; else one completed."""
_USUAL: Final[dict[str, Any]] = {
    "1": {"class_type": "EmptyImage", "inputs": {}, "_meta": {"title": "Empty Image"}},
    "2": {"class_type": "RefSleepProgress", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
    "5": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
}
"""The graph of the runs whose posting was not recorded."""
_PICTURE: Final = bytes.fromhex("ffd8ffe000104a464946") + bytes(64)


class Frame(NamedTuple):
    """One frame of a socket; one without data is the socket's opening."""

    at: datetime
    data: str | bytes | None


class Prompt(NamedTuple):
    """One run of a scenario: from when to when the server had it, and what became of it."""

    run_id: RunId
    graph: dict[str, Any]
    since: datetime
    until: datetime
    entry: dict[str, Any]


class Scenario(NamedTuple):
    """What was recorded at one time."""

    name: str
    frames: tuple[Frame, ...]
    prompts: tuple[Prompt, ...]

    @property
    def ends(self) -> dict[RunId, RunStatus]:
        """How each run ended."""
        ends = ENDS.get(self.name, (RunStatus.COMPLETED,))
        return dict(zip((each.run_id for each in self.prompts), ends, strict=True))


@cache
def scenario(name: str) -> Scenario:
    """Read what was recorded under a name."""
    frames = tuple(frame for socket in SCENARIOS[name] for frame in heard_by(name, socket))
    path = SAMPLES / f"{name}.http.json"
    exchanges: list[Any] = json.loads(path.read_text()) if path.exists() else []
    return Scenario(name, frames, tuple(_prompts(frames, exchanges)))


def heard_by(name: str, socket: str) -> tuple[Frame, ...]:
    """What one socket of a scenario heard."""
    return tuple(_frames(_lines(name, socket)))


def followed(prompt: Prompt, client_id: str | None = OURS) -> Followed:
    """A recorded run as it is followed."""
    raw = json.dumps(prompt.graph).encode()
    nodes = comfyui.kinds(comfyui.parse(raw))
    return Followed(generation_of(prompt.run_id), 1, prompt.run_id, client_id, nodes)


def generation_of(run_id: RunId) -> GenerationId:
    """What a recorded run serves."""
    return GenerationId(run_id.replace("-", ""))


def some_nodes(*names: str) -> Mapping[str, NodeKind]:
    """Nodes of a graph, each of a class of its own."""
    return {name: NodeKind(f"Class{name}", f"Node {name}", ()) for name in names}


class Play:
    """A follower at a server that answers at once, and all that it said."""

    def __init__(self, prompts: Iterable[Prompt], follower: Follower | None = None) -> None:
        self.prompts = tuple(prompts)
        self.follower = follower or Follower(OURS, BASE)
        self.now = NOON
        self.said: list[Said] = []

    def events(self, run_id: RunId) -> list[RunEvent]:
        """What was told of a run."""
        told = (each.event for each in self.said if isinstance(each, Told))
        return [event for event in told if event.run_id == run_id]

    def ends(self, run_id: RunId) -> list[RunStatus]:
        """The ends that were told of a run."""
        return [
            event.status
            for event in self.events(run_id)
            if event.status is not None and event.status in TERMINAL
        ]

    def hear(self, at: datetime, data: str | bytes) -> None:
        """Let a frame arrive."""
        self.wait(at)
        if isinstance(data, str):
            self.do(lambda: self.follower.text(data, self.now))
        else:
            self.do(lambda: self.follower.binary(data, self.now))

    def connect(self, at: datetime) -> None:
        """Let the socket open."""
        self.wait(at)
        self.do(lambda: self.follower.connected(self.now))

    def disconnect(self, at: datetime) -> None:
        """Let the socket be lost."""
        self.wait(at)
        self.do(lambda: self.follower.disconnected(self.now))

    def wait(self, at: datetime) -> None:
        """Let time pass: the follower has its turns."""
        while (due := self.follower.due_at) is not None and due <= at:
            self.now = max(self.now, due)
            self.do(lambda: self.follower.tick(self.now))
        self.now = max(self.now, at)

    def do(self, act: Callable[[], list[Said]]) -> None:
        """Do something, and answer what the follower asks for it."""
        waiting = deque(act())
        while waiting:
            said = waiting.popleft()
            self.said.append(said)
            match said:
                case AskQueue():
                    waiting.extend(self.follower.queue(read_queue(self.queue()), self.now))
                case AskHistory(run_id):
                    found = read_history(self.history(run_id), run_id)
                    waiting.extend(self.follower.history(run_id, found, self.now))
                case _:
                    continue

    def queue(self) -> bytes | None:
        """What the server has to do now."""
        here = [each for each in self.prompts if each.since <= self.now < each.until]
        running: list[Any] = [[1, each.run_id, each.graph, {}, []] for each in here]
        return json.dumps({"queue_running": running, "queue_pending": []}).encode()

    def history(self, run_id: RunId) -> bytes | None:
        """What the server has of a run that is over."""
        over = [each for each in self.prompts if each.until <= self.now and each.run_id == run_id]
        return json.dumps({run_id: over[0].entry} if over else {}).encode()


def read_queue(raw: bytes | None) -> Queue | None:
    """Read an answer about the queue; None where there is none, or it is none."""
    try:
        return None if raw is None else comfyui.queue(raw)
    except RefusedBodyError:
        return None


def read_history(raw: bytes | None, run_id: RunId) -> InHistory | None:
    """Read an answer about a run's history; None where there is none, or it is none."""
    try:
        return None if raw is None else InHistory(comfyui.report(raw, run_id, BASE))
    except RefusedBodyError:
        return None


def _lines(name: str, socket: str) -> list[dict[str, Any]]:
    path = SAMPLES / f"{name}.{socket}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def _frames(lines: Iterable[dict[str, Any]]) -> Iterator[Frame]:
    for line in lines:
        at = later(line["t"])
        match line["kind"]:
            case "open":
                yield Frame(at, None)
            case "text":
                yield Frame(at, json.dumps(line["data"]) if "data" in line else _long(line))
            case "binary":
                yield Frame(at, _binary(line))
            case _:
                continue


def _long(line: dict[str, Any]) -> str:
    """Write the message of 1.5 MB, of which only the beginning was recorded."""
    end = '"]}, "prompt_id": "678992d9-e443-4cf0-96bb-f45218afc58d"}}'
    begin = line["data_prefix"]
    return begin + "x" * (line["size"] - len(begin) - len(end)) + end


def _binary(line: dict[str, Any]) -> bytes:
    """Write a frame of which only the beginning, and what it says of itself, was recorded."""
    kind: int = line["event_type"]
    if kind == messages.PREVIEW:
        told = json.dumps(line["decoded"]["metadata"]).encode()
        head = kind.to_bytes(4, "big") + len(told).to_bytes(4, "big") + told
        return (head + _PICTURE).ljust(line["size"], b"\0")
    return base64.b64decode(line["base64_prefix"]).ljust(line["size"], b"\0")


def _prompts(frames: Iterable[Frame], exchanges: list[dict[str, Any]]) -> Iterator[Prompt]:
    heard = _told(frames)
    graphs = {
        each["response_json"]["prompt_id"]: each["request_json"]["prompt"]
        for each in exchanges
        if each.get("path") == "/prompt" and each.get("method") == "POST"
    }
    entries: dict[str, Any] = {}
    for each in exchanges:
        if each.get("path", "").startswith("/history/"):
            entries.update(each["response_json"])
    for run_id in dict.fromkeys([*graphs, *heard]):
        told = heard.get(run_id, [])
        graph = graphs.get(run_id) or _USUAL
        entry = entries.get(run_id) or _implied(told, graph, run_id)
        since = told[0][0] if told else _posted(exchanges, run_id)
        yield Prompt(RunId(run_id), graph, since, _until(told, entry, since), entry)


def _told(frames: Iterable[Frame]) -> dict[str, list[tuple[datetime, str, dict[str, Any]]]]:
    """What the sockets told of each run."""
    told: dict[str, list[tuple[datetime, str, dict[str, Any]]]] = {}
    for frame in frames:
        message: dict[str, Any] = json.loads(frame.data) if isinstance(frame.data, str) else {}
        body: dict[str, Any] = message.get("data", {})
        if "prompt_id" in body:
            told.setdefault(body["prompt_id"], []).append((frame.at, message["type"], body))
    return told


def _implied(
    told: Iterable[tuple[datetime, str, dict[str, Any]]], graph: dict[str, Any], run_id: str
) -> dict[str, Any]:
    """The entry of a history that was not recorded."""
    status = [
        [kind, body]
        for _, kind, body in told
        if kind.startswith("execution_") and "timestamp" in body
    ]
    success = status[-1][0] == "execution_success"
    return {
        "prompt": [1, run_id, graph, {}, []],
        "outputs": {
            body["node"]: body["output"]
            for _, kind, body in told
            if kind == "executed" and body["output"]
        },
        "status": {
            "status_str": "success" if success else "error",
            "completed": success,
            "messages": status,
        },
    }


def _posted(exchanges: Iterable[dict[str, Any]], run_id: str) -> datetime:
    return next(
        later(each["t_done"])
        for each in exchanges
        if each.get("path") == "/prompt" and each["response_json"]["prompt_id"] == run_id
    )


def _until(
    told: Iterable[tuple[datetime, str, dict[str, Any]]],
    entry: dict[str, Any],
    since: datetime,
) -> datetime:
    """When a run was over, by its last message, else by the stamps of its history."""
    for at, kind, body in told:
        if kind == "executing" and body["node"] is None:
            return at
    stamps = [body["timestamp"] for _, body in entry["status"]["messages"]]
    return since + timedelta(milliseconds=stamps[-1] - stamps[0])
