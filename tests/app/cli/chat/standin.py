"""A little bot that answers on the sandbox's Telegram, and the command that chats with it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandStart
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LabeledPrice,
    Message,
    PreCheckoutQuery,
)

from app.settings import NAMES
from tests.peers import Peers

ROOT: Final = Path(__file__).parents[4]
PATIENCE: Final = 40.0


@asynccontextmanager
async def a_bot(peers: Peers) -> AsyncGenerator[Bot]:
    """Answer until the block ends."""
    api = TelegramAPIServer.from_base(peers.telegram)
    async with (
        Bot("42:secret", session=AiohttpSession(api=api, timeout=30.0)) as bot,
        asyncio.TaskGroup() as group,
    ):
        answering = group.create_task(_poll(bot, _dispatcher()))
        yield bot
        answering.cancel()


async def chat(peers: Peers, *lines: str, folder: Path, options: tuple[str, ...] = ()) -> Process:
    """Start the command with these lines in a pipe; return it at its end."""
    process = await begin(peers, *options, folder=folder, stdin=PIPE, stdout=PIPE)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate("".join(f"{line}\n" for line in lines).encode())
    (folder / "out").write_bytes(out)
    (folder / "err").write_bytes(err)
    return process


async def begin(peers: Peers, *options: str, folder: Path, stdin: int, stdout: int) -> Process:
    """Start the command against a sandbox."""
    environ = {name: value for name, value in os.environ.items() if name not in NAMES}
    ours = {
        "DATA_DIR": str(folder / "data"),
        "TELEGRAM_API_URL": peers.telegram,
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
    }
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from app.cli import main; main()", "chat", *options),
        cwd=folder,
        env=environ | ours,
        stdin=stdin,
        stdout=stdout,
        stderr=PIPE,
    )


async def _poll(bot: Bot, dispatcher: Dispatcher) -> None:
    offset = 0
    while True:
        for update in await bot.get_updates(offset=offset, timeout=20):
            offset = update.update_id + 1
            await dispatcher.feed_update(bot, update)


def _dispatcher() -> Dispatcher:
    made = Dispatcher()
    made.message(CommandStart())(_start)
    made.message(Command("buy"))(_buy)
    made.message(F.photo)(_photo)
    made.message(F.document)(_document)
    made.message(F.sticker)(_sticker)
    made.message(F.successful_payment)(_paid)
    made.message(F.text)(_text)
    made.callback_query()(_tapped)
    made.pre_checkout_query()(_agree)
    return made


async def _start(message: Message) -> None:
    who = message.from_user
    assert who is not None
    rows = [
        [
            InlineKeyboardButton(text="Run", callback_data="run"),
            InlineKeyboardButton(text="Site", url="https://runrelay.example/"),
        ]
    ]
    text = f"Hello, {who.first_name} ({who.id}, {who.language_code})"
    await message.answer(text, reply_markup=InlineKeyboardMarkup(inline_keyboard=rows))


async def _tapped(query: CallbackQuery) -> None:
    await query.answer("As you wish")
    assert isinstance(query.message, Message)
    sent = await query.message.answer("0 %")
    await sent.edit_text("50 %")
    await sent.edit_text("Done")
    other = await query.message.answer("never mind")
    await other.delete()


async def _photo(message: Message) -> None:
    assert message.photo is not None
    await message.answer_photo(message.photo[-1].file_id, caption=f"Got {message.caption}")


async def _document(message: Message) -> None:
    assert message.document is not None
    await message.answer(f"Got {message.document.file_name}: {message.caption}")


async def _sticker(message: Message) -> None:
    await message.answer("No stickers, please")


async def _text(message: Message) -> None:
    if message.text == "say nothing":
        return
    await message.answer(f"You said {message.text}")


async def _buy(message: Message) -> None:
    await message.answer_invoice(
        title="500 credits",
        description="For pictures",
        payload="payment:1",
        currency="XTR",
        prices=[LabeledPrice(label="500 credits", amount=50)],
    )


async def _agree(query: PreCheckoutQuery) -> None:
    await query.answer(ok=query.from_user.id != 13, error_message="Not you")


async def _paid(message: Message) -> None:
    await message.answer("Thank you")
