"""What a worker uses of the `serve` on its DATA_DIR: stand-ins, and the address for webhooks."""

import asyncio
from typing import Final, NamedTuple, NoReturn

from app.errors import UnavailableError
from app.main import listening, sandboxed
from app.settings import Settings

LOOK_SECONDS: Final = 2.0
"""How often it is looked whether it has come back elsewhere."""


class Beside(NamedTuple):
    """What the `serve` on a DATA_DIR has noted.

    Attributes:
        stand_ins: Where its stand-ins are; None in live mode.
        url: Where it listens; None where WEBHOOK_URL says what engines are given.
    """

    stand_ins: sandboxed.Addresses | None
    url: str | None


def found(settings: Settings) -> Beside:
    """Return what is used of the `serve` beside us; of a live one, nothing.

    Raises:
        UnavailableError: It has noted nothing: it does not run, or not yet.
    """
    near = _noted(settings)
    # In live mode WEBHOOK_URL is always set.
    missing = near.stand_ins is None or not (near.url or settings.webhook_url)
    if missing and not settings.live:
        raise UnavailableError(
            f"DATA_DIR: no service runs on {settings.data_dir}, and in sandbox mode a worker uses "
            "the stand-ins of one; start `runrelay serve` there first, or set MODE=live"
        )
    return near


async def watch(settings: Settings, near: Beside) -> NoReturn:
    """See to it that we end once what we use is somewhere else.

    Raises:
        UnavailableError: It is.
    """
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = _noted(settings)
        # Nothing is noted while it is away: it may come back as it was.
        if any(new is not None and new != old for new, old in zip(now, near, strict=True)):
            raise UnavailableError(
                "the service beside this worker was started anew, with other stand-ins or at "
                "another address; start the worker again"
            )


def _noted(settings: Settings) -> Beside:
    stand_ins = None if settings.live else sandboxed.noted(settings.data_dir)
    url = None if settings.webhook_url else listening.noted_url(settings.data_dir)
    return Beside(stand_ins, url)
