"""What a prediction makes: an output of any shape, and the files behind it."""

import asyncio
import base64
import functools
import re
from collections.abc import Sequence
from typing import Final, cast

from sandbox.comfydeploy import pictures
from sandbox.comfydeploy.outputs import File, video
from sandbox.controls import ReplicateShape
from sandbox.replicate import given as inputs_given
from sandbox.replicate import painting
from sandbox.replicate.plans import PREFIX, Plan
from sandbox.replicate.predictions import Given, Json, Prediction

_MOST_FILES: Final = 100
_PAINTED: Final = frozenset[ReplicateShape]({"string", "list", "object"})
_NO_WORDS: Final = "Once upon a time"
_UNSAID: Final = frozenset({"output_format", "num_outputs", "seed"})
_WORN: Final = ("garm", "cloth", "mask", "style", "ref")
_WEARERS: Final = ("human", "person", "model")


def shape_of(plan: Plan, inputs: Json, usual: ReplicateShape | None) -> ReplicateShape:
    """Return the shape of an output: what is asked for, the usual one, or what inputs suggest."""
    suggested = "list" if "num_outputs" in inputs else "string"
    return plan.output or usual or suggested


def files_of(prediction: Prediction) -> list[File]:
    """Return the files that it makes, in order; the same ones every time."""
    shape = prediction.shape
    seed = str(prediction.inputs.get("seed", ""))
    match shape:
        case "string" | "list" | "object":
            wanted = prediction.inputs.get("num_outputs", 1) if shape != "string" else 1
            count = min(wanted, _MOST_FILES) if isinstance(wanted, int) else 1
            return [_picture(prediction, seed, index) for index in range(count)]
        case "video":
            return [File("out-0.mp4", "video/mp4", video)]
        case "huge":
            make = functools.partial(pictures.draw_large, words_of(prediction.inputs) + seed)
            return [File("out-0.png", "image/png", make)]
        case _:
            return []


async def paint(prediction: Prediction) -> None:
    """Paint its pictures: they are there when they are told of."""
    if prediction.shape not in _PAINTED:
        return
    for file in files_of(prediction):
        prediction.painted[file.name] = await asyncio.to_thread(file.make)


async def content_of(prediction: Prediction, file: File) -> bytes:
    """Return what is in one of its files."""
    painted = prediction.painted.get(file.name)
    return await asyncio.to_thread(file.make) if painted is None else painted


def output_of(prediction: Prediction) -> object:
    """Return its whole output, any JSON."""
    shape = prediction.shape
    links = [prediction.folder + file.name for file in files_of(prediction)]
    words = words_of(prediction.inputs) or _NO_WORDS
    shapes: dict[ReplicateShape, object] = {
        "list": links,
        "text": re.findall(r"\s*\S+", words),
        "words": words,
        "number": 0.8125,
        "boolean": True,
        "null": None,
    }
    if shape in shapes:
        return shapes[shape]
    if shape == "object":
        return {"image": links[0], "variants": links[1:], "mask": None, "nsfw": False}
    return _data_url(words) if shape == "data" else links[0]


def parts_of(whole: object) -> list[object]:
    """Return an output as it grows, the whole last: lists item by item."""
    if not isinstance(whole, list) or not whole:
        return [whole]
    # Made above, of text only.
    items = cast("Sequence[str]", whole)
    return [items[: index + 1] for index in range(len(items))]


def words_of(inputs: Json) -> str:
    """Return what the inputs say: the prompt, and every other text."""
    links = {link for _, link in inputs_given.links(inputs)}
    texts = {
        key: value
        for key, value in inputs.items()
        if isinstance(value, str) and value not in links and key not in _UNSAID
    }
    said = sorted(texts, key=lambda key: key != "prompt")
    return " · ".join(texts[key] for key in said if not key.startswith(PREFIX))


def _picture(prediction: Prediction, seed: str, index: int) -> File:
    suffix, content_type = painting.kind_of(prediction.inputs.get("output_format"))
    make = functools.partial(
        painting.paint,
        words_of(prediction.inputs),
        f"{seed}/{index}" if index else seed,
        [one.data for one in sorted(prediction.given, key=_rank)],
        suffix,
    )
    return File(f"out-{index}.{suffix}", content_type, make)


def _rank(file: Given) -> int:
    """Say how early a file comes: people before all else, what they are to wear after it."""
    if any(word in file.key for word in _WORN):
        return 2
    return 0 if any(word in file.key for word in _WEARERS) else 1


def _data_url(words: str) -> str:
    data = painting.paint(words, "", [], "jpg")
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
