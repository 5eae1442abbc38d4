"""What a record keeps of the outputs of a run: each as it arrived last, as far as there is room.

A record is read and written with every change of its run, and anybody who knows a webhook URL
may tell it outputs. So their texts and addresses have room for so many bytes, and what does
not fit is cut where it can be seen.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final

from schemas.generation import OUTPUTS_KEPT
from schemas.run import Output, OutputKind

MARK: Final = "…"
"""Stands at the end of a text that was cut, and in place of an address that did not fit."""
ROOM: Final = 100_000
"""Bytes of all texts and addresses that an end is written with."""
DATA_ROOM: Final = 4 * 2**20
"""Bytes of the addresses that an end is written with and that are files themselves: all of them,
until they are copied."""
LARGE: Final = 8
"""So many of the outputs that were heard, the first by their ids, may be large."""
LARGE_KEPT: Final = 8_000
"""Bytes of text or address that are kept of each of those."""
SMALL_KEPT: Final = 500
"""Bytes of text or address that are kept of every other one."""
TOLD_APART: Final = 480
"""Bytes by which two texts of one output, heard at the same moment, are told apart: no more
than a cut leaves."""


def latest(known: tuple[Output, ...], told: Iterable[Output]) -> tuple[Output, ...]:
    """Join outputs by id, each as it arrived last, in the order of their ids.

    The room for each goes by its place in that order. Places only move back as more is heard,
    so that what is cut is the same in whatever order it came.
    """
    joined = {output.id: output for output in known}
    for output in told:
        rival = joined.get(output.id)
        if rival is output:
            continue
        if rival is None or _arrival(rival) < _arrival(output):
            joined[output.id] = output
    kept = sorted(joined.values(), key=lambda output: output.id)[:OUTPUTS_KEPT]
    return tuple(
        _cut(output, LARGE_KEPT if place < LARGE else SMALL_KEPT)
        for place, output in enumerate(kept)
    )


def fitted(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Return the outputs that an end is written with: texts have the room that addresses leave.

    Addresses that are files themselves have room of their own.
    """
    left, kept = ROOM, dict[int, Output]()
    some = _fitted_data(outputs[:OUTPUTS_KEPT])
    for place in sorted(range(len(some)), key=lambda each: some[each].url is None):
        inline = some[place].inline
        kept[place] = some[place] if inline else _cut(some[place], left)
        left = left if inline else max(0, left - _size(kept[place]))
    return tuple(kept[place] for place in range(len(some)))


def _fitted_data(outputs: Sequence[Output]) -> list[Output]:
    """Note those files within addresses as too large that there is no room for."""
    left, fitting = DATA_ROOM, list[Output]()
    for output in outputs:
        size = _size(output) if output.inline else 0
        fits = size <= left
        left -= size if fits else 0
        fitting.append(output if fits else output.change(url=None, not_kept="too_large"))
    return fitting


def _cut(output: Output, room: int) -> Output:
    if _size(output) <= room:
        return output
    if output.url is not None:
        return Output(id=output.id, kind=OutputKind.TEXT, text=MARK, received_at=output.received_at)
    begun = (output.text or "").encode()[:room].decode(errors="ignore")
    return output.change(text=begun + MARK)


def _size(output: Output) -> int:
    return len((output.url or output.text or "").encode())


def _arrival(output: Output) -> tuple[str, float, str, float]:
    """Return what orders two versions of an output, the same before and after a cut.

    Of those that arrived at the same moment an address that did not fit, or else the longest
    one, comes before texts; of texts that begin in the same way the longest is kept.
    """
    at, text = output.received_at, output.text or ""
    address = inf if text == MARK else float(len(output.url or ""))
    brief = output.change(text=text.encode()[:TOLD_APART].decode(errors="ignore"))
    return (
        at.isoformat() if at else "",
        address,
        brief.model_dump_json(),
        inf if text.endswith(MARK) else float(len(text.encode())),
    )
