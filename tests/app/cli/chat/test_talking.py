"""app.cli.chat.talking: a whole talk, by the command and over HTTP, with a little bot."""

import asyncio
import io
import os
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from aiogram import Bot
from rich.console import Console

from app.cli.chat.phone import Phone
from app.cli.chat.screen import Screen
from app.cli.chat.speakers import Speaker, Speakers
from app.cli.chat.talking import Patience, Talk, UnansweredError
from tests.app.cli.chat.standin import PATIENCE, a_bot, begin, chat
from tests.peers import Peers, a_sandbox
from tests.sandbox.telegram.person import Person
from tests.sandbox.telegram.pictures import a_picture

pytestmark = pytest.mark.anyio

QUICK = ("--pause", "0.4")


@pytest.fixture(scope="module")
async def sandbox() -> AsyncGenerator[Peers]:
    """Return the process."""
    async with a_sandbox() as peers:
        yield peers


@pytest.fixture
async def peers(sandbox: Peers) -> Peers:
    """Return the process as if it had just started."""
    await sandbox.control("reset")
    return sandbox


@pytest.fixture
async def bot(peers: Peers) -> AsyncGenerator[Bot]:
    """Return the bot that answers."""
    async with a_bot(peers) as answering:
        yield answering


def out(folder: Path) -> list[str]:
    """Return what the command printed."""
    return (folder / "out").read_text().splitlines()


async def typing(*lines: str) -> AsyncGenerator[str]:
    """Yield lines as somebody would type them."""
    for line in lines:
        yield line


async def test_a_script_is_a_talk(peers: Peers, bot: Bot, tmp_path: Path) -> None:
    """Each line waits for its answer; buttons are numbered, and tapped by number."""
    del bot  # It answers.
    done = await chat(peers, "/start", "1", "", "hello", folder=tmp_path, options=QUICK)

    assert done.returncode == 0
    assert out(tmp_path) == [
        "Ada   /start",
        "bot   Hello, Ada (1001, en)",
        "      [1] Run   [2] Site",
        "Ada   1",
        "bot   (As you wish)",
        "bot   0 %",
        "~ bot   50 %",
        "~ bot   Done",
        "bot   never mind",
        "bot   (takes a message back)",
        "Ada   hello",
        "bot   You said hello",
    ]


async def test_files_are_sent_and_shown(peers: Peers, bot: Bot, tmp_path: Path) -> None:
    """A picture comes back with its size and a link that leads to it."""
    del bot
    (tmp_path / "sea.png").write_bytes(a_picture())
    lines = ("@photo sea.png the sea", "@file 'sea.png' as it is", "@sticker")
    done = await chat(peers, *lines, folder=tmp_path, options=QUICK)

    assert done.returncode == 0, (tmp_path / "err").read_text()
    shown = out(tmp_path)
    assert shown[1].startswith("bot   [photo] photo.jpg, 1 KiB  http://")
    assert shown[2] == "      Got the sea"
    picture = await peers.client.get(shown[1].rpartition(" ")[2])
    assert picture.headers["content-type"] == "image/jpeg"
    assert shown[4] == "bot   Got sea.png: as it is"
    assert shown[6] == "bot   No stickers, please"


async def test_an_invoice_is_paid(peers: Peers, bot: Bot, tmp_path: Path) -> None:
    """By its word or by its button; a refusal is shown."""
    lines = ("/buy", "@pay", "/buy", "1", "@as Eve 13", "/buy", "@pay")
    done = await chat(peers, *lines, folder=tmp_path, options=QUICK)

    assert done.returncode == 0, (tmp_path / "err").read_text()
    shown = out(tmp_path)
    assert shown[1:4] == [
        "bot   [invoice] 500 credits: 50 Stars",
        "      For pictures",
        "      [1] Pay ⭐️50",
    ]
    assert shown[4:7] == ["Ada   @pay", "Ada   (50 Stars paid)", "bot   Thank you"]
    assert shown.count("bot   Thank you") == 2
    assert "-     not paid: Not you" in shown
    assert (await bot.get_my_star_balance()).amount == 100


async def test_others_may_speak(peers: Peers, bot: Bot, tmp_path: Path) -> None:
    """Each in their own language and chat."""
    lines = ("@as Bea 8 pt", "/start", "@as Ada", "/start", "@help")
    await chat(peers, *lines, folder=tmp_path, options=(*QUICK, "--user", "7", "--language", "ru"))

    shown = out(tmp_path)
    assert "-     Bea speaks, as 8" in shown
    assert "bot   Hello, Bea (8, pt)" in shown
    assert "bot   Hello, Ada (7, ru)" in shown
    assert any("@photo FILE" in line for line in shown)
    await bot.send_message(8, "bye")


async def test_a_group_has_others(peers: Peers, bot: Bot, tmp_path: Path) -> None:
    """Who writes elsewhere is shown; what is not for bots is marked."""
    bea = Person(peers, 8, name="Bea").at(-5)
    async with asyncio.TaskGroup() as group:
        talking = group.create_task(
            chat(peers, "/start", "@wait Bea is here", folder=tmp_path, options=("--group", "-5"))
        )
        await bea.until("Hello, Ada")
        await bea.write("good morning")
        await bot.send_message(-5, "Bea is here")
    done = talking.result()

    assert done.returncode == 0
    assert "8     good morning" in out(tmp_path)
    await chat(peers, "good morning", folder=tmp_path, options=("--group=-5",))
    assert out(tmp_path) == [
        "Ada   good morning",
        "-     (bots are not told of that)",
    ]


async def test_a_script_ends_where_it_cannot_go_on(peers: Peers, tmp_path: Path) -> None:
    """The exit code is 1, and the reason is said."""
    done = await chat(peers, "#3", "/start", folder=tmp_path)

    assert done.returncode == 1
    assert (tmp_path / "err").read_text() == "#3: there is no button 3\n"
    assert "/start" not in out(tmp_path)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("/start", "@wait Goodbye"), "the bot did not say Goodbye within 0.5 s"),
        (("say nothing", "@wait"), "the bot said nothing within 0.5 s"),
        (("/start", "#Again"), "#Again: there is no button that says Again"),
        (("@pay",), "there is no invoice to pay here"),
        (("@photo none.png",), "No such file"),
        (("@as",), "@as NAME .* is how it goes"),
    ],
)
async def test_what_cannot_be_done_is_said(
    peers: Peers, bot: Bot, lines: tuple[str, ...], why: str
) -> None:
    """So is what a script waited for in vain."""
    del bot
    phone, console = Phone(peers.url, peers.client), Console(file=io.StringIO())
    speakers = Speakers(Speaker(id=7, name="Ada", language=None), None)
    talk = Talk(phone, Screen(console, phone.link), speakers, Patience(pause=0.1, most=0.5))
    await phone.begin()

    with pytest.raises(UnansweredError, match=why):
        await talk.script(typing(*lines))


async def test_a_link_is_shown(peers: Peers, bot: Bot, tmp_path: Path) -> None:
    """A button that opens an address says which; one tapped by name may stand further up."""
    del bot
    lines = ("/start", "#site", "#run", "@wait Done", "#Run")
    options = (*QUICK, "--patience", "2")
    await chat(peers, *lines, folder=tmp_path, options=options)

    assert "-     -> https://runrelay.example/" in out(tmp_path)
    assert out(tmp_path).count("~ bot   Done") == 2


async def test_a_terminal_shows_changes_in_place(peers: Peers, bot: Bot, tmp_path: Path) -> None:
    """Whatever happens comes at once; a mistake ends nothing; Ctrl-D does."""
    ours, theirs = os.openpty()
    process = await begin(peers, folder=tmp_path, stdin=theirs, stdout=theirs)
    os.close(theirs)
    screen = b""

    async def until(words: bytes) -> None:
        nonlocal screen
        while words not in screen:
            screen += await asyncio.to_thread(os.read, ours, 4096)

    try:
        async with asyncio.timeout(PATIENCE):
            await until(b"@help helps")
            os.write(ours, b"#9\n")
            await until(b"there is no button 9")
            os.write(ours, b"/start\n")
            await until(b"[2] Site")
            os.write(ours, b"1\n")
            await until(b"takes a message back")
            await bot.send_message(1001, "by itself")
            await until(b"by itself")
            os.write(ours, b"\x04")
            assert await process.wait() == 0
    finally:
        os.close(ours)
    assert re.search(rb"0 %[^\n]*\r\n\x1b\[1F\x1b\[J[^\n]*50 %", screen)
    assert b"~" not in screen
