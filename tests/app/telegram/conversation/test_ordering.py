"""app.telegram.conversation.ordering: what a crash or a lost race makes of an order."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

import pytest
from aiogram.fsm.context import FSMContext
from aiogram.fsm.storage.base import StorageKey
from aiogram.fsm.storage.memory import MemoryStorage

from app.errors import PausedError
from app.telegram.conversation.layout import page
from app.telegram.conversation.ordering import Shop
from app.telegram.conversation.turns import Turn
from app.telegram.talking import Rows, Talk
from app.usecases.orders import Order, Orders, Quote
from app.usecases.prices import Prices
from schemas.job import Job, JobChat, JobStatus
from schemas.preset import Preset
from schemas.user import Account
from tests.builders import NOON, a_job, a_preset, a_user
from tests.fakes.presets import FakePresets
from tests.speech import ENGLISH

pytestmark = pytest.mark.anyio

PRICE = "<b>Picture:</b> 5 credits (balance after: 95 credits)"


class FakeTalk:
    """Remembers what is said.

    Attributes:
        messages: By their ids, as they stand.
        gone: Whether they can be edited no more.
    """

    def __init__(self) -> None:
        self.messages = dict[int, str]()
        self.gone = False

    async def say(
        self, chat_id: int, text: str, rows: Rows = (), *, reply_to: int | None = None
    ) -> int | None:
        """See app.telegram.talking.Talk."""
        del chat_id, rows, reply_to
        self.messages[len(self.messages) + 100] = text
        return max(self.messages)

    async def edit(self, chat_id: int, message_id: int, text: str, rows: Rows = ()) -> bool:
        """See app.telegram.talking.Talk."""
        del chat_id, rows
        if not self.gone:
            self.messages[message_id] = text
        return not self.gone


class FakeOrders:
    """Takes orders, or not.

    Attributes:
        known: What was ordered under any key.
        refuses: What placing raises.
        placed: The orders.
    """

    def __init__(self, known: Job | None = None, refuses: Exception | None = None) -> None:
        self.known = known
        self.refuses = refuses
        self.placed = list[Order]()

    async def ordered(self, key: str) -> Job | None:
        """See app.usecases.orders.Orders."""
        assert key == "tg:11"
        return self.known

    async def quote(self, user: object, preset: str, inputs: Mapping[str, object]) -> Quote:
        """See app.usecases.orders.Orders."""
        del user, preset, inputs
        return Quote(
            preset=a_preset(),
            price=Decimal(5),
            exact=True,
            held=Decimal(5),
            balance=Decimal(100),
            missing=Decimal(0),
        )

    async def place(self, order: Order, *, key: str, digest: str | None) -> tuple[Job, bool]:
        """See app.usecases.orders.Orders."""
        assert (key, digest) == ("tg:11", None)
        if self.refuses is not None:
            raise self.refuses
        self.placed.append(order)
        return a_job(), True


def a_turn(talk: FakeTalk, **fields: Any) -> Turn:  # noqa: ANN401 - any field of a turn
    """A turn of somebody in their private chat."""
    state = FSMContext(MemoryStorage(), StorageKey(bot_id=1, chat_id=7, user_id=7))
    known: dict[str, Any] = {
        "account": Account(user=a_user(), balance=Decimal(100)),
        "chat_id": 7,
        "message_id": 5,
        "tapped": False,
        "private": True,
        "update_id": 11,
        "at": NOON,
        "voice": ENGLISH,
        "state": state,
        "talk": cast("Talk", talk),
    }
    return Turn(**(known | fields))


def a_shop(orders: FakeOrders, *presets: Preset) -> Shop:
    """A shop with these presets."""
    kept = FakePresets(*presets)
    return Shop(cast("Orders", orders), kept, cast("Prices", None))


async def test_the_price_is_said_first() -> None:
    """In the message that goes on to show how far it has come."""
    orders, talk = FakeOrders(), FakeTalk()
    await a_shop(orders).place(a_turn(talk), "l4_t2i", {"prompt": "sea"})

    assert talk.messages == {100: PRICE}
    (order,) = orders.placed
    assert order.chat == JobChat(
        telegram_chat_id=7, telegram_message_id=5, status_message_id=100, language="en"
    )


async def test_a_tap_is_no_message_to_reply_to() -> None:
    """In private an order by a button replies to nothing; in a group, to that message."""
    for private, message in ((True, None), (False, 5)):
        orders = FakeOrders()
        turn = a_turn(FakeTalk(), tapped=True, private=private)
        await a_shop(orders).place(turn, "l4_t2i", {})
        (order,) = orders.placed
        assert order.chat is not None
        assert order.chat.telegram_message_id == message


@pytest.mark.parametrize("gone", [False, True])
async def test_a_refusal_takes_the_place_of_the_price(*, gone: bool) -> None:
    """Where something has come in between; said anew where the message is gone."""
    orders, talk = FakeOrders(refuses=PausedError("preset", "l4_t2i")), FakeTalk()
    talk.gone = gone
    await a_shop(orders).place(a_turn(talk), "l4_t2i", {})

    said = "l4_t2i cannot be ordered at the moment."
    assert talk.messages == ({100: PRICE, 101: said} if gone else {100: said})


async def test_what_was_ordered_is_not_ordered_again() -> None:
    """The same update after a crash says nothing more, though its price is gone by now."""
    orders, talk = FakeOrders(known=a_job()), FakeTalk()
    await a_shop(orders).place(a_turn(talk), "l4_t2i", {})

    assert (orders.placed, talk.messages) == ([], {})


@pytest.mark.parametrize("chat", [JobChat(telegram_chat_id=7, status_message_id=90), None])
async def test_what_was_refused_is_refused_again(chat: JobChat | None) -> None:
    """In the message that said the price, where it is known."""
    known = a_job(status=JobStatus.REFUSED, chat=chat)
    talk = FakeTalk()
    await a_shop(FakeOrders(known=known)).place(a_turn(talk), "l4_t2i", {})

    said = page("Your balance does not cover that.")
    assert talk.messages == {90 if chat else 100: said}


async def test_a_question_stands_for_a_day() -> None:
    """What is written later is no answer; what is gone was never asked."""
    shop, talk = a_shop(FakeOrders(), a_preset()), FakeTalk()
    turn = a_turn(talk)
    assert await shop.asked(turn) is None
    await turn.keep("asking", preset="l4_t2i", inputs={}, name="prompt")
    found = await shop.asked(turn)
    assert found is not None
    assert found[0] == a_preset()

    late = a_turn(talk, state=turn.state, at=NOON.replace(day=3))
    assert await shop.asked(late) is None
    await turn.keep("asking", preset="l4_t2i", inputs={}, name="gone")
    assert await shop.asked(turn) is None
    await turn.keep("asking", preset="gone", inputs={}, name=None)
    assert await shop.asked(turn) is None
    await turn.drop()
    assert await turn.recall("asking") == {}
