"""What a run makes: output records in the shape of the contract, and the bytes behind them."""

import functools
import io
import struct
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox.comfydeploy import pictures
from sandbox.comfydeploy.faults import Plan

_SCRIPT = "<script>document.title = 'a script of an output ran'</script>"


@dataclass(frozen=True)
class Output:
    """One stored output of a run, `data` as the nodes gave it."""

    id: str
    data: dict[str, list[object]]
    node_meta: dict[str, str]
    created_at: datetime
    output_id: str | None = None


@dataclass(frozen=True)
class File:
    """One file of a run, its bytes made when asked for."""

    name: str
    content_type: str
    make: Callable[[], bytes]


def files_of(plan: Plan, inputs: dict[str, object], given: bytes | None = None) -> list[File]:
    """Return the files that a run of this plan makes, in order; the same ones every time.

    Args:
        plan: What the run was asked for.
        inputs: The inputs of the run.
        given: The picture among them, to be seen in those that are made.
    """
    prompt, seed = prompt_of(inputs), str(inputs.get("seed", ""))
    single = {
        "large": File("large_00001_.png", "image/png", lambda: pictures.draw_large(prompt + seed)),
        "video": File("clip_00001.mp4", "video/mp4", video),
        "files": File("model_00001.zip", "application/zip", lambda: _archive(prompt)),
        "svg": File("drawing_00001.svg", "image/svg+xml", _drawing),
        "html": File("page_00001.html", "text/html", _page),
    }
    found: list[File] = []
    for kind in plan.outputs:
        if kind == "image":
            found += [_picture(prompt, seed, index, given) for index in range(1, plan.images + 1)]
        elif kind in single:
            found.append(single[kind])
    return found


def outputs_of(
    plan: Plan, inputs: dict[str, object], *, url: str, name: Callable[[str], str], now: datetime
) -> list[Output]:
    """Return the records of everything a run of this plan makes.

    Args:
        plan: What the run was asked for.
        inputs: The inputs of the run; `prompt` and `seed` colour what is made.
        url: Address of the folder of the run's files, with a slash at its end.
        name: Makes the stable id of an output from a word.
        now: When the outputs are stored.
    """
    found: list[Output] = []
    if "text" in plan.outputs:
        meta = {"node_id": "12", "node_class": "ShowText|pysssss"}
        found.append(Output(name("text"), {"text": [prompt_of(inputs)]}, meta, now))
    for key in ("images", "files"):
        items: list[object] = [
            _item(file, url) for file in files_of(plan, inputs) if _key_of(file) == key
        ]
        if items:
            # Only ComfyDeploy's own output nodes give an output_id; here those are the pictures.
            node, output_id = ("9", "final_result") if key == "images" else ("15", None)
            meta = {"node_id": node}
            found.append(Output(name(key), {key: items}, meta, now, output_id=output_id))
    return found


def prompt_of(inputs: dict[str, object]) -> str:
    """Return the text that the inputs ask a picture of: `prompt`, or the first text among them."""
    texts = [
        value
        for key, value in inputs.items()
        if isinstance(value, str)
        and not key.startswith("sandbox_")
        and not value.startswith(("http://", "https://"))
    ]
    prompt = inputs.get("prompt")
    return prompt if isinstance(prompt, str) else next(iter(texts), "")


def output_name(run_id: str, word: str) -> str:
    """Return the id of an output: the same for the same run and word."""
    return str(uuid.uuid5(uuid.UUID(run_id), word))


def _picture(prompt: str, seed: str, index: int, given: bytes | None) -> File:
    seeded = seed if index == 1 else f"{seed}/{index}"
    make = functools.partial(pictures.draw, prompt, seeded, given)
    return File(f"hero_{index:05}_.png", "image/png", make)


def _key_of(file: File) -> str:
    # Uploads are regrouped by kind of file: an SVG is none of the pictures the node pack knows.
    return "images" if file.content_type == "image/png" else "files"


def _item(file: File, url: str) -> dict[str, object]:
    item: dict[str, object] = {"filename": file.name, "subfolder": "", "type": "output"}
    if _key_of(file) == "images":
        item["output_id"] = "final_result"
    elif file.content_type == "video/mp4":
        item |= {"format": "video/h264-mp4", "frame_rate": 8.0}
    return item | {"url": url + file.name, "upload_duration": 0.4127, "is_public": True}


def _archive(prompt: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        # A fixed date keeps the bytes the same from one asking to the next.
        archive.writestr(zipfile.ZipInfo("prompt.txt", (2025, 1, 1, 0, 0, 0)), prompt)
    return out.getvalue()


def _drawing() -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg">{_SCRIPT}</svg>'.encode()


def _page() -> bytes:
    return f"<!doctype html><p>an output</p>{_SCRIPT}".encode()


def video() -> bytes:
    """Return an MP4 without tracks: a brand and a header of one second (ISO 14496-12)."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = struct.pack(">IIIIIIH10x", 0, 0, 0, 1_000, 1_000, 0x10000, 0x100)
    mvhd = _box(b"mvhd", header + matrix + bytes(24) + struct.pack(">I", 1))
    brand = b"isom" + struct.pack(">I", 0x200) + b"isomiso2mp41"
    return _box(b"ftyp", brand) + _box(b"moov", mvhd) + _box(b"mdat", b"")


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content
