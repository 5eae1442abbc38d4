"""`runrelay webhooks`: who is told of what happens here, and what came of telling them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from app.bootstrap import make_hook_desk
from app.cli import opening, speaking
from app.cli.granting import me
from app.cli.settling import refuse, refusing
from app.clock import Clock
from app.usecases.endpoints import HookDesk
from app.usecases.own_hooks import HookWanted
from schemas.hook import Delivery, Endpoint

_ENDPOINTS: Final = ("id", "url", "events", "stands", "last success", "failures", "last error")
_DELIVERIES: Final = ("id", "event", "stands", "tries", "made", "last answer", "last error")


async def list_endpoints() -> None:
    """Print all endpoints but those of orders."""
    with refusing():
        async with _desk() as desk:
            found = await desk.all()
    if found:
        speaking.show(_ENDPOINTS, map(_endpoint, found))
    else:
        speaking.say("nobody is told of anything; see `runrelay webhooks add --help`")


async def add(url: str, events: Sequence[str], *, by: str | None) -> None:
    """Make an endpoint, and print its secret."""
    with refusing():
        async with _desk() as desk:
            fresh = await desk.add(HookWanted(url, events), by=_by(by))
    speaking.say(f"{fresh.endpoint.id} hears of what happens from a few seconds from now")
    _tell(fresh.secret)


async def test(endpoint: str) -> None:
    """Send something to an endpoint, and say what came of it."""
    with refusing():
        async with _desk() as desk:
            tried = await desk.test(endpoint)
    answer = tried.error or f"it answered {tried.status}"
    if not tried.delivered:
        refuse([f"it was not taken: {answer}"], code=1)
    speaking.say(f"it was taken: {answer}")


async def switch(endpoint: str, *, paused: bool, by: str | None) -> None:
    """Pause an endpoint, or have it hear again."""
    with refusing():
        async with _desk() as desk:
            await desk.change(endpoint, by=_by(by), paused=paused)
    said = "is sent nothing; what happens is kept for three days" if paused else "hears again"
    speaking.say(f"{endpoint} {said}")


async def rotate(endpoint: str, *, by: str | None) -> None:
    """Give an endpoint another secret, and print it."""
    with refusing():
        async with _desk() as desk:
            fresh = await desk.rotate(endpoint, None, by=_by(by))
    speaking.say("both secrets sign for a day, then the new one alone")
    _tell(fresh.secret)


async def replay(endpoint: str, delivery: str | None, since: str | None) -> None:
    """Have what was given up sent again."""
    if delivery is not None and since is not None:
        refuse(["Say which: --delivery ID or --since TIME."])
    with refusing():
        clock = Clock()
        begin = speaking.moment(since, clock.now()) if since else None
        async with _desk(clock) as desk:
            count = await desk.replay(endpoint, delivery, begin)
    if not count:
        speaking.say("nothing was given up there")
        raise SystemExit(1)
    speaking.say(f"{count} are sent again within seconds, or once a service runs")


async def deliveries(endpoint: str, state: str | None, limit: int) -> None:
    """Print what was sent to an endpoint, is to be sent, and was given up."""
    with refusing():
        async with _desk() as desk:
            page = await desk.deliveries(endpoint, state, None, limit)
    if page.items:
        speaking.show(_DELIVERIES, map(_delivery, page.items))
    else:
        speaking.say("there are none")


@asynccontextmanager
async def _desk(clock: Clock | None = None) -> AsyncGenerator[HookDesk]:
    clock, settings = clock or Clock(), opening.quietly_settled()
    async with opening.opened(settings, clock) as store:
        yield make_hook_desk(settings, store, clock)


def _by(given: str | None) -> str:
    return f"cli:{given or me()}"


def _tell(secret: str) -> None:
    speaking.say(f"its secret, which is shown this once: {secret}")


def _endpoint(endpoint: Endpoint) -> tuple[str, ...]:
    paused = endpoint.paused_at is not None
    return (
        endpoint.id,
        endpoint.url,
        " ".join(each.value for each in endpoint.events),
        f"paused ({endpoint.paused_why})" if paused else "hears",
        speaking.clock(endpoint.last_success_at) if endpoint.last_success_at else "",
        str(endpoint.failures),
        endpoint.last_error or "",
    )


def _delivery(delivery: Delivery) -> tuple[str, ...]:
    return (
        delivery.id,
        delivery.event.value,
        delivery.state,
        str(delivery.attempts),
        speaking.clock(delivery.created_at),
        str(delivery.last_status or ""),
        delivery.last_error or "",
    )
