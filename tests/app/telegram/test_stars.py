"""app.telegram.stars: the provider over the sandbox's Bot API."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiogram.methods import AnswerPreCheckoutQuery, GetUpdates

from app.errors import PeerRefusedError, PeerUnknownError
from app.observability.metrics import Metrics
from app.telegram.stars import Stars
from processors.notifications import paying
from tests.app.telegram.conftest import TOKEN
from tests.app.telegram.setting import a_setting
from tests.builders import PAYMENT, a_charge, a_payment
from tests.peers import Json, Peers
from tests.sandbox.telegram.person import Person
from tests.speech import ENGLISH

if TYPE_CHECKING:
    from app.telegram.bot import Bot

pytestmark = pytest.mark.anyio

BILL = paying.bill(ENGLISH, a_payment().credits)


@pytest.fixture
async def stars(peers: Peers) -> AsyncGenerator[Stars]:
    """The provider."""
    made = Stars(TOKEN, peers.telegram, timeout_seconds=2, metrics=Metrics())
    yield made
    await made.close()


async def agree(bot: "Bot") -> None:
    """Let the next one who asks pay."""
    offset = 0
    while True:
        answer = await bot.call(GetUpdates(offset=offset, timeout=0))
        assert isinstance(answer, list)
        for update in answer:
            assert isinstance(update, dict)
            offset = int(str(update["update_id"])) + 1
            asked = update.get("pre_checkout_query")
            if isinstance(asked, dict):
                query = str(asked["id"])
                await bot.call(AnswerPreCheckoutQuery(pre_checkout_query_id=query, ok=True))
                return


async def paid(bot: "Bot", ada: Person, link: str) -> Json:
    """Have somebody pay; return what came of it."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ada.pay(link=link))
        await agree(bot)
    return task.result()


async def test_an_invoice_is_paid_and_given_back(stars: Stars, bot: "Bot", peers: Peers) -> None:
    """By its link; the list tells both, and giving it back again is no fault."""
    link = await stars.link(a_payment(), BILL)
    done = await paid(bot, Person(peers, 7), link)
    payment = a_payment(charge_id=done["charge_id"], payer=7)
    await stars.refund(payment)
    await stars.refund(payment)
    lines = [each async for each in stars.transactions(0)]

    assert stars.name == "telegram"
    assert [(each.place, each.refunded) for each in lines] == [(0, False), (1, True)]
    for each in lines:
        charge = each.charge
        assert (charge.id, charge.invoice, charge.amount) == (payment.charge_id, PAYMENT, 50)
        assert (charge.payer, charge.currency) == (7, "XTR")
    assert [each.place async for each in stars.transactions(1)] == [1]
    assert await stars.confirm(lines[0].charge)


async def test_an_invoice_is_sent(stars: Stars, peers: Peers) -> None:
    """With what stands on it."""
    await stars.send(a_payment(), BILL, 7)
    message = await Person(peers, 7).next()

    assert message["invoice"]["title"] == BILL.title
    assert message["invoice"]["payload"] == PAYMENT


async def test_an_invoice_waits_for_its_chats_turn(peers: Peers) -> None:
    """Like every message; a call that goes to no chat does not."""
    async with a_setting(peers) as setting:
        stars = Stars(
            TOKEN, peers.telegram, sender=setting.sender, timeout_seconds=2, metrics=Metrics()
        )
        async with asyncio.TaskGroup() as group, setting.sender.turn(7, editing=False):
            group.create_task(stars.send(a_payment(), BILL, 7))
            await stars.link(a_payment(), BILL)
            assert await setting.kinds(7) == []
        await setting.chats.migrated(-5, -1005)
        await stars.send(a_payment(), BILL, -5)
        await stars.close()

        assert await setting.kinds(7) == ["invoice"]
        assert await setting.kinds(-1005) == ["invoice"]


async def test_what_was_never_paid_is_not_given_back(stars: Stars) -> None:
    """Telegram's own no."""
    with pytest.raises(PeerRefusedError):
        await stars.refund(a_payment(charge_id="none", payer=7))


@asynccontextmanager
async def a_long_list(length: int) -> AsyncGenerator[str]:
    """A Bot API that knows nothing but a list of so many payments."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(size[1]) if size else 0)
        named = re.search(rb"offset\D+(\d+)", body)
        first = int(named[1]) if named else 0
        lines = [a_line(place) for place in range(first, min(first + 100, length))]
        said = json.dumps({"ok": True, "result": {"transactions": lines}}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ")
        writer.write(str(len(said)).encode() + b"\r\n\r\n" + said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def a_line(place: int) -> Json:
    """A payment of the list; every tenth line is something else."""
    user = {"type": "user", "user": {"id": 7}, "invoice_payload": f"p{place}"}
    source = {"type": "fragment"} if place % 10 == 0 else user
    return {"id": f"c{place}", "amount": 1, "date": 1_767_268_800 + place, "source": source}


@pytest.mark.parametrize("length", [0, 99, 100, 101, 250])
async def test_a_list_is_read_to_its_end(length: int) -> None:
    """A hundred lines at a time; what is no payment has its place all the same."""
    async with a_long_list(length) as url:
        stars = Stars(TOKEN, url, timeout_seconds=2, metrics=Metrics())
        places = [each.place async for each in stars.transactions(0)]
        await stars.close()

    assert places == [place for place in range(length) if place % 10]


async def test_what_makes_no_sense_may_have_been_done(stars: Stars, peers: Peers) -> None:
    """No link, and no list: whoever asked tries again."""
    await peers.control("telegram/faults", kind="200-unparsable")
    with pytest.raises(PeerUnknownError):
        await stars.link(a_payment(), BILL)
    await peers.control("telegram/faults", kind="200-unparsable")
    with pytest.raises(PeerUnknownError):
        assert [each async for each in stars.transactions(0)]


async def test_what_telegram_tells_is_believed(stars: Stars) -> None:
    """Its updates prove themselves; one that was never connected closes as well."""
    assert await stars.confirm(a_charge())
    await stars.close()
