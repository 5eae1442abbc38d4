"""`runrelay servers`: how the ComfyUI servers stand, and who waits for them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.text import Text

from app.bootstrap.tools import make_oversee
from app.cli import opening, speaking
from app.cli.settling import refusing
from app.cli.workflow_checking import servers_of
from app.clock import Clock
from app.usecases import oversee
from app.usecases.oversee import Overview, Station
from schemas.server import ServerSeen
from schemas.timing import Timing

_HEADINGS: Final = ("server", "", "ComfyUI", "memory", "", "slots", "queue", "runs", "seen")
_BAR: Final = 10
"""Cells of a bar that is all of a server's memory."""
_GIGABYTE: Final = 10**9


async def servers(*, as_json: bool) -> int:
    """Print the servers and the line; the exit code is 1 where none of those set takes runs."""
    clock = Clock()
    with refusing():
        settings = opening.quietly_settled()
        peers = servers_of(settings)
        async with opening.opened(settings, clock) as store:
            found = await make_oversee(store, peers, clock, Timing())()
    if as_json:
        speaking.say(oversee.shown(found).model_dump_json(by_alias=True))
    else:
        _show(found, clock.now())
    return int(not any(each.healthy for each in found.servers))


def _show(found: Overview, now: datetime) -> None:
    if found.servers:
        speaking.show(_HEADINGS, (_row(each, now) for each in found.servers))
        for said in _troubles(found):
            speaking.say(said, "yellow")
    else:
        speaking.say("no ComfyUI server is set up (COMFYUI_SERVERS), and none was seen")
    if found.since is None:
        speaking.say("nobody waits for a server")
    else:
        runs = "1 run waits" if found.waiting == 1 else f"{found.waiting} runs wait"
        oldest = speaking.span(now - found.since)
        speaking.say(f"{runs} for a server; the oldest was ordered {oldest} ago")


def _troubles(found: Overview) -> Iterator[str]:
    for each in found.servers:
        if each.trouble is not None:
            yield f"{each.name}: {each.trouble}"


def _row(station: Station, now: datetime) -> tuple[str | Text, ...]:
    seen = station.seen
    well = Text("takes runs", "green") if station.healthy else Text("takes no runs", "red")
    runs = (each.generation for each in station.slots if each.generation is not None)
    return (
        station.name,
        well,
        "" if seen is None else " on ".join(filter(None, (seen.version, seen.device))),
        *_memory(seen),
        f"{station.taken} of {len(station.slots)}",
        "" if seen is None else str(seen.load),
        " ".join(runs),
        "never" if seen is None else f"{speaking.span(now - seen.at)} ago by {seen.by}",
    )


def _memory(seen: ServerSeen | None) -> tuple[Text, str]:
    """Draw how much of a device's memory is taken, and say how much is free."""
    if seen is None or seen.memory_free is None or not seen.memory_total:
        return Text(""), ""
    free, total = seen.memory_free, seen.memory_total
    cells = round(max(0.0, 1 - free / total) * _BAR)
    drawn = Text("█" * cells + "░" * (_BAR - cells), "cyan")
    return drawn, f"{free / _GIGABYTE:.1f} of {total / _GIGABYTE:.1f} GB free"
