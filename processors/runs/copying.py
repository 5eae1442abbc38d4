"""Which outputs of an end are copied into our storage, under which keys, and what came of it.

A key follows from what it is a copy of: whoever copies the same output, however often, writes
the same object, and a copy of an output that an end has replaced meanwhile is no other's.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote

from processors.images.keys import COPIES, COPY
from schemas.base import GenerationId, Value
from schemas.generation import Generation
from schemas.run import Output, RunStatus

NAME_KEPT: Final = 80
"""Characters of a file's name that a key holds."""

_DIGEST: Final = re.compile(r"/[0-9]{1,3}-([0-9a-f]{8})-[^/]+")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Wanted(NamedTuple):
    """An output that has to be copied, and where to."""

    key: str
    output: Output


class Copy(Value):
    """What came of copying an output."""

    content_type: str | None = None
    """What its content was seen to be."""
    not_kept: Literal["gone", "too_large", "forbidden"] | None = None
    """Why there is no copy and will be none."""


def copies_wanted(generation: Generation) -> tuple[Wanted, ...]:
    """Return the outputs that lie only with the engine."""
    return tuple(
        Wanted(key_of(generation.id, place, output), output)
        for place, output in _places(generation)
        if _is_wanted(output)
    )


def copied(generation: Generation, copies: Mapping[str, Copy]) -> Generation:
    """Note what came of copying; what is no longer an output of the generation is left out.

    Args:
        generation: The record as it is now.
        copies: By the key that the copy was wanted under.
    """

    def noted(place: int, output: Output) -> Output:
        key = key_of(generation.id, place, output)
        copy = copies.get(key)
        if copy is None or output.url is None or output.key is not None:
            return output
        if copy.not_kept is not None:
            return output.change(not_kept=copy.not_kept)
        return _copied(output, key, copy.content_type)

    return _with(generation, tuple(noted(*each) for each in _places(generation)))


def surely_made(generation: Generation) -> bool:
    """Return whether what a run made can be gone on with, though some of it is still being copied.

    Until some of it is surely here, all of it may turn out to be lost, and be made again.
    """
    outputs = generation.response_payload.outputs
    here = any(not _is_wanted(each) and not _is_gone(each) for each in outputs)
    return here or not any(map(_is_wanted, outputs))


def lost(generation: Generation) -> bool:
    """Return whether all that a run made is gone for good: nobody has any of it.

    What came within its address and was too large to be noted is with no engine either.
    """
    outputs = generation.response_payload.outputs
    completed = generation.status is RunStatus.COMPLETED
    return completed and bool(outputs) and all(map(_is_gone, outputs))


def expired(generation: Generation, keys: Collection[str]) -> Generation:
    """Note that these copies are kept no longer."""
    outputs = generation.response_payload.outputs
    return _with(
        generation,
        tuple(
            output.change(key=None, not_kept="expired") if output.key in keys else output
            for output in outputs
        ),
    )


def carried(known: tuple[Output, ...], outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """Return the outputs of a new end, with the copies that there are of them already."""
    kept = {identity(each): each for each in known if each.key is not None}
    return tuple(
        _copied(output, same.key, same.content_type)
        if (same := kept.get(identity(output)))
        else output
        for output in outputs
    )


def identity(output: Output) -> tuple[object, ...]:
    """Return what tells outputs apart.

    Of data that came within an address and was copied, what is left of it is in the copy's key.
    """
    if not output.inline:
        return (output.id, output.kind, _address(output), output.text)
    of_copy = _DIGEST.search(output.key or "")
    return (output.id, output.kind, of_copy[1] if of_copy else _digest(output), output.text)


def key_of(generation_id: GenerationId, place: int, output: Output) -> str:
    """Return the key of an output's copy: ``outputs/{generation}/{place}-{digest}-{name}``.

    Args:
        generation_id: Whose output.
        place: Its place among the outputs, from 1.
        output: What is copied.
    """
    return f"{COPIES}{generation_id}/{place}-{_digest(output)}-{_safe_name(output)}"


def owner_of(key: str) -> GenerationId | None:
    """Return whose output a key is of; None where it is none that `key_of` makes."""
    match = COPY.fullmatch(key)
    return GenerationId(match["owner"]) if match else None


def name_in(key: str) -> str:
    """Return the file's name that a key ends with."""
    match = COPY.fullmatch(key)
    return match["name"] if match else key.rpartition("/")[2]


def _is_gone(output: Output) -> bool:
    return output.not_kept == "gone" or (output.not_kept == "too_large" and output.url is None)


def _is_wanted(output: Output) -> bool:
    return output.url is not None and output.key is None and output.not_kept is None


def _copied(output: Output, key: str | None, content_type: str | None) -> Output:
    """Note a copy; an address that is the file itself is kept without the file from then on."""
    noted = output.change(key=key, content_type=content_type)
    return noted.change(url=f"{(output.url or '').partition(',')[0]},") if output.inline else noted


def _with(generation: Generation, outputs: tuple[Output, ...]) -> Generation:
    response = generation.response_payload
    if outputs == response.outputs:
        return generation
    return generation.change(response_payload=response.change(outputs=outputs))


def _places(generation: Generation) -> enumerate[Output]:
    return enumerate(generation.response_payload.outputs, 1)


def _address(output: Output) -> str:
    """Return what of an address stays as it is: of its query, which may be signed anew, the file.

    Every file of a ComfyUI server has one path, and its name in the query.
    """
    url = output.url or ""
    if output.inline:
        return url
    path, _, query = url.partition("?")
    named = [value for name, value in parse_qsl(query) if name == "filename"]
    return "?".join([path, *named])


def _digest(output: Output) -> str:
    return hashlib.sha256(repr((output.id, _address(output))).encode()).hexdigest()[:8]


def _safe_name(output: Output) -> str:
    """A file's name as every storage and header takes it; its extension survives a cut."""
    given = output.filename or ("" if output.inline else unquote(_address(output)))
    name = _UNSAFE.sub("_", given.rpartition("/")[2])[-NAME_KEPT:]
    return name.lstrip("._-") or "output"
