"""`runrelay chat`: talk with the bot of the running sandbox."""

import sys
from typing import Final

import httpx
from rich.console import Console

from app.cli.chat.phone import Phone
from app.cli.chat.screen import Screen
from app.cli.chat.speakers import Speaker, Speakers
from app.cli.chat.talking import Patience, Talk, UnansweredError
from app.cli.chat.typed import typed
from app.cli.settling import LATER, refuse, refusing, settled
from app.errors import SetupError
from app.main import sandboxed
from app.settings import Settings

_PIPED: Final = 400
_BOT_API: Final = "/telegram"


async def chat(speaker: Speaker, group: int | None, patience: Patience) -> None:
    """Talk until the end of what is typed."""
    watched = sys.stdin.isatty()
    with refusing():
        url = sandbox_of(settled())
        async with httpx.AsyncClient(trust_env=False) as client:
            phone = Phone(url, client)
            await phone.begin()
            # What is piped on is not folded: each line stays one.
            width = None if sys.stdout.isatty() else _PIPED
            screen = Screen(Console(highlight=False, width=width), phone.link)
            talk = Talk(phone, screen, Speakers(speaker, group), patience)
            if watched:
                screen.note("", f"You are {speaker.name}, {speaker.id}. Try /start; @help helps.")
            try:
                await (talk.live if watched else talk.script)(typed())
            except UnansweredError as error:
                refuse([str(error)], code=LATER)


def sandbox_of(settings: Settings) -> str:
    """Return where the sandbox of these settings is.

    Raises:
        SetupError: There is none.
    """
    if settings.live:
        raise SetupError(["MODE: is live: write to the bot in Telegram itself"])
    if settings.telegram_api_url is not None:
        return settings.telegram_api_url.rstrip("/").removesuffix(_BOT_API)
    addresses = sandboxed.noted(settings.data_dir)
    if addresses is None:
        raise SetupError(
            [f"DATA_DIR: no sandbox runs on {settings.data_dir}; is `runrelay serve` running?"]
        )
    return addresses.url
