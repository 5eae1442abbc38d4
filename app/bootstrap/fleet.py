"""What gives runs their places at ComfyUI servers, and follows them there."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from app.bootstrap.tools import Tools, make_seen
from app.engines.comfyui import ComfyServer, ComfyUI, Socket
from app.engines.comfyui.fleet import ComfyFleet
from app.engines.comfyui.post import Post
from app.usecases.apply_events import Applier
from app.usecases.count_retries import CountRetries
from app.usecases.duty import LINE, Duty
from app.usecases.follow_runs import FollowRuns
from app.usecases.hand_over import HandOver
from app.usecases.place_run import PlaceRun
from app.usecases.places import Places
from app.usecases.tell_line import TellLine
from schemas.server import ServerSettings
from schemas.timing import Timing


@dataclass(frozen=True, kw_only=True)
class Placing:
    """What gives runs their places, and follows them there.

    Attributes:
        fleet: The servers.
        places: Gives their slots away.
        line: Tells those who wait how long it may take.
        submit: Sends a run to its place.
        closing: Set once no more places are given.
    """

    fleet: ComfyFleet
    places: Places
    line: TellLine
    submit: PlaceRun
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def choose(self) -> None:
        """Give places away, until drained."""
        async with asyncio.TaskGroup() as group:
            choosing = group.create_task(self.places.run())
            await self.closing.wait()
            choosing.cancel()

    async def drain(self) -> None:
        """Claim no run any more for hands that are about to be closed."""
        self.closing.set()


def make_placing(tools: Tools, applier: Applier) -> Placing | None:
    """Return what gives runs their places; None where there is no server."""
    if tools.comfyui is None:
        return None
    timing = _paced(tools)
    follow = FollowRuns(
        tools.records, applier, tools.store.uses, tools.store.previews, tools.taking
    )
    posts = _posts(tools, tools.comfyui, follow, timing)
    seen = make_seen(tools.store, tools.name, tools.clock, timing)
    fleet = ComfyFleet(posts, tools.store.workflows, follow, seen=seen, alerts=tools.alerts)
    places = Places(
        tools.records,
        fleet,
        tools.store.turns,
        tools.store.servers,
        taking=tools.taking,
        timing=timing,
        alerts=tools.alerts,
    )
    fleet.inform(places.wake)
    tools.records.watched_by(places.noticed)
    tools.records.watched_by(CountRetries(tools.metrics).noticed)
    return Placing(
        fleet=fleet,
        places=places,
        line=TellLine(
            tools.records,
            tools.store.turns,
            tools.store.servers,
            fleet.name,
            duty=Duty(tools.store.leases, tools.name, tools.clock, timing, f"{LINE}:{fleet.name}"),
            timing=timing,
            taking=tools.taking,
        ),
        submit=PlaceRun(
            tools.records,
            fleet,
            places,
            hand_over=HandOver(tools.storage, tools.clock, timing, tools.links.to),
            taking=tools.taking,
            timing=timing,
        ),
    )


def _posts(tools: Tools, comfyui: ComfyUI, follow: FollowRuns, timing: Timing) -> dict[str, Post]:
    return {
        each.name: _post(tools, comfyui.servers[each.name], each, follow, timing)
        for each in tools.peers.comfyui_servers
    }


def _post(
    tools: Tools,
    server: ComfyServer,
    settings: ServerSettings,
    follow: FollowRuns,
    timing: Timing,
) -> Post:
    return Post(
        server,
        partial(Socket, settings, clock=tools.clock, timing=timing),
        duty=Duty(
            tools.store.leases,
            tools.name,
            tools.clock,
            timing,
            server.peer,
            lasting=timing.server_lease,
        ),
        follow=follow,
        board=tools.store.servers,
        alerts=tools.alerts,
        me=tools.name,
        clock=tools.clock,
        timing=timing,
    )


def _paced(tools: Tools) -> Timing:
    """Return the timing with what the operator has set in it."""
    seconds = tools.settings.comfyui_poll_seconds
    if "COMFYUI_POLL_SECONDS" not in tools.settings.sources:
        return tools.timing
    return tools.timing.change(history_every=timedelta(seconds=seconds))
