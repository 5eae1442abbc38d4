"""The bot's one sender, talking to a Bot API over real sockets."""

import asyncio
from datetime import timedelta

import pytest

from app.clock import Clock
from app.errors import PeerBusyError, PeerDownError
from app.ports import Lease, Messenger
from app.telegram.errors import (
    ChatClosedError,
    ChatMigratedError,
    ConflictFaultError,
    FloodError,
    TokenFaultError,
)
from app.usecases.calls import Calls
from app.usecases.duty import NAME
from processors.notifications import Content
from schemas.base import InstanceName
from tests.app.telegram.conditions import until, until_async
from tests.app.telegram.conftest import TOKEN
from tests.app.telegram.fakes import FakeLeases
from tests.app.telegram.setting import ROWS, TIMING, a_content, a_setting, an_item
from tests.peers import Peers

pytestmark = pytest.mark.anyio


async def test_a_status_is_sent_edited_and_gone(peers: Peers) -> None:
    """A status message is made once, edited after that, and None says that it is gone."""
    async with a_setting(peers) as setting:
        messenger: Messenger = setting.sender
        shown = await setting.show("<b>queued</b>")
        again = await setting.show("<b>running</b>", shown)
        same = await setting.show("<b>running</b>", shown)
        gone = await setting.show("<b>running</b>", 99)

    assert messenger is setting.sender
    assert again == same == shown
    assert gone is None
    (message,) = await peers.chat(1)
    assert (message["text"], message["edits"]) == ("running", 1)


async def test_a_status_has_buttons_until_they_are_taken_away(peers: Peers) -> None:
    """An edit keeps them if it names them, and takes them away if it does not."""
    async with a_setting(peers) as setting:
        shown = await setting.show("queued", rows=ROWS)
        sent = await setting.buttons()
        await setting.show("running", shown, rows=ROWS)
        kept = await setting.buttons()
        await setting.show("done", shown)
        gone = await setting.buttons()

    assert (sent, kept, gone) == ([["a:1", "i:1"]], [["a:1", "i:1"]], [[]])


async def test_a_status_whose_markup_is_refused_goes_plain(peers: Peers) -> None:
    """The status is shown in any case."""
    async with a_setting(peers) as setting:
        for message_id in (None, 1):
            await peers.control("telegram/faults", kind="400", description="can't parse entities")
            await setting.show(f"<b>5 &lt; 6</b> {message_id}", message_id)

    (message,) = await peers.chat(1)
    assert (message["text"], message["parse_mode"]) == ("5 < 6 1", None)


@pytest.mark.parametrize("kind", ["403-blocked", "403-kicked", "403-deactivated"])
async def test_case_45_a_closed_chat_is_marked(peers: Peers, kind: str) -> None:
    """A chat that refuses us is remembered with Telegram's reason, and not tried in other forms."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind=kind)
        with pytest.raises(ChatClosedError) as caught:
            await setting.tell(a_content(an_item()))

    assert setting.chats.closed == {1: caught.value.why}
    assert caught.value.why.startswith("Forbidden: ")
    assert len(await setting.methods()) == 1


async def test_case_45_a_closed_chat_is_spared_status_messages(peers: Peers) -> None:
    """Once a chat has refused us it is shown nothing; ends are tried, and open it again."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="403-blocked", chat_id=1)
        with pytest.raises(ChatClosedError):
            await setting.tell(a_content())
        with pytest.raises(ChatClosedError):
            await setting.show("running")
        assert len(await setting.methods()) == 1
        await setting.show("running", chat_id=2)
        await setting.tell(a_content())
        assert await setting.show("running") is not None


async def test_case_45_a_chat_that_lets_us_in_again_gets_status_messages(peers: Peers) -> None:
    """Whoever heard of it, the sender finds it out before the next one."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="403-blocked", chat_id=1)
        with pytest.raises(ChatClosedError):
            await setting.show("it runs")
        await setting.chats.opened(1)
        assert await setting.show("it runs") is not None
        assert await setting.show("it still runs") is not None


async def test_a_migrated_group_is_followed(peers: Peers) -> None:
    """The new id is stored once, and the message arrives there, once, in the same call."""
    group, supergroup = -4711, -1001234567890123
    async with a_setting(peers) as setting:
        await peers.control(
            "telegram/faults",
            kind="400-migrate",
            chat_id=group,
            times=99,
            migrate_to_chat_id=supergroup,
        )
        await setting.tell(a_content(), chat_id=group)
        await setting.tell(Content(text="more", plain="more"), chat_id=group)

    assert setting.chats.moved == {group: supergroup}
    assert [message["text"] for message in await peers.chat(supergroup)] == [
        "Done & dusted",
        "more",
    ]
    assert await peers.chat(group) == []


async def test_a_group_that_moves_again_is_followed_the_next_time(peers: Peers) -> None:
    """Two moves within one call are one too many: no call goes on for ever."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="400-migrate", times=2)
        with pytest.raises(ChatMigratedError):
            await setting.tell(a_content(), chat_id=-4711)


@pytest.mark.parametrize("seconds", [37, 3600])
async def test_a_flood_pauses_that_chat_only(peers: Peers, seconds: int) -> None:
    """429 waits what Telegram says, on edits too; other chats go on."""
    async with a_setting(peers) as setting:
        shown = await setting.show("queued")
        await peers.control("telegram/faults", kind="429", retry_after=seconds)
        with pytest.raises(FloodError) as caught:
            await setting.show("running", shown)
        with pytest.raises(PeerBusyError) as held:
            await setting.tell(a_content())
        await setting.tell(a_content(), chat_id=2)

    assert caught.value.retry_after == timedelta(seconds=seconds)
    assert held.value.retry_after is not None
    assert timedelta(seconds=seconds - 30) < held.value.retry_after <= timedelta(seconds=seconds)
    assert await setting.methods() == ["sendMessage", "editMessageText", "sendMessage"]


async def test_an_end_told_to_wait_comes_before_those_that_came_later(peers: Peers) -> None:
    """The first of two ends meets a 429: the second is sent after it, whichever comes first."""
    older, newer = Content(text="older", plain="older"), Content(text="newer", plain="newer")
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="429", retry_after=1)
        with pytest.raises(FloodError):
            await setting.tell(older, end="1")
        with pytest.raises(PeerBusyError) as held:
            await setting.tell(newer, end="2")
        assert held.value.retry_after is not None
        assert held.value.retry_after > timedelta(seconds=1)
        await setting.tell(a_content(), chat_id=2, end="3")
        await setting.tell(older, end="1")
        await setting.tell(newer, end="2")

    assert [message["text"] for message in await peers.chat(1)] == ["older", "newer"]


async def test_a_refused_token_stops_the_sender_until_it_is_taken(peers: Peers) -> None:
    """Nothing is tried with a token that is refused; one alert; it works again by itself."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="401", times=3)
        with pytest.raises(TokenFaultError):
            await setting.tell(a_content())
        assert not setting.sender.on_duty()
        with pytest.raises(PeerBusyError):
            await setting.tell(a_content())
        await until(setting.sender.on_duty)
        await setting.tell(a_content())

    assert setting.alerts.slugs == ["telegram_token"]
    assert len(await peers.chat(1)) == 1
    assert (await setting.methods())[1:-1] == ["getMe"] * 3


async def test_two_calls_with_a_refused_token_alert_once(peers: Peers) -> None:
    """What is in flight when the token is refused adds no second alert."""
    slow = TIMING.change(probe_every=timedelta(hours=1))
    async with a_setting(peers, timing=slow) as setting:
        await peers.control("telegram/faults", kind="401", times=2)
        for _ in range(2):
            with pytest.raises(TokenFaultError):
                await setting.sender.show(1, None, "x", None)

    assert setting.alerts.slugs == ["telegram_token"]


async def test_a_malformed_token_alerts_and_waits(peers: Peers) -> None:
    """The service goes on without its bot, and says so without showing the token."""
    async with a_setting(peers, token="nonsense", wait=False) as setting:
        await until(lambda: bool(setting.alerts.raised))
        assert not setting.sender.on_duty()
        with pytest.raises(PeerDownError):
            await setting.sender.tell(1, a_content(), None, None, ())

    assert setting.alerts.slugs == ["telegram_token"]
    assert "nonsense" not in setting.alerts.raised[0][1]


async def test_a_conflict_alerts(peers: Peers) -> None:
    """Somebody else at the same bot is something for a person to put right."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="409")
        with pytest.raises(ConflictFaultError):
            await setting.tell(a_content())

        assert setting.sender.on_duty()
        assert setting.alerts.slugs == ["telegram_conflict"]


async def test_alerts_hold_no_token(peers: Peers) -> None:
    """An echo of the URL in a refusal does not reach the administrator's chat."""
    async with a_setting(peers) as setting:
        await peers.control("telegram/faults", kind="401", description=f"bad bot{TOKEN}/x")
        with pytest.raises(TokenFaultError):
            await setting.tell(a_content())

    assert TOKEN not in setting.alerts.raised[0][1]


async def test_telegram_being_down_is_no_fault_of_a_chat(peers: Peers) -> None:
    """While the whole of Telegram answers nonsense, each try says that it may work later."""
    async with a_setting(peers) as setting:
        await peers.control("telegram", down=True)
        with pytest.raises(PeerBusyError) as caught:
            await setting.tell(a_content())
        await peers.control("telegram", down=False)
        await setting.tell(a_content())

    assert caught.value.retry_after is None
    assert len(await peers.chat(1)) == 1


async def test_an_end_waits_for_an_edit_in_flight(peers: Peers) -> None:
    """The status of a moment ago never lands on top of the end."""
    async with a_setting(peers) as setting:
        status = await setting.show("queued")
        await peers.control("telegram", edit_delay=0.3)

        async def edit_is_under_way() -> bool:
            return "editMessageText" in await setting.methods()

        async with asyncio.TaskGroup() as group:
            edit = group.create_task(setting.show("running", status))
            await until_async(edit_is_under_way)
            end = group.create_task(setting.tell(a_content(), replace=status))
            await edit
            assert not end.done()

    (message,) = await peers.chat(1)
    assert message["text"] == "Done & dusted"


async def test_one_process_at_a_time_is_the_sender(peers: Peers) -> None:
    """Nothing is sent while another holds the duty; who stops lets it go at once."""
    leases, brief = FakeLeases(), TIMING.change(sender_lease=timedelta(seconds=1))
    until_late = Clock().now() + timedelta(hours=1)
    leases.held[NAME] = Lease(NAME, InstanceName("two"), 1, until_late)
    async with a_setting(peers, leases=leases, timing=brief, wait=False) as setting:
        assert not setting.sender.on_duty()
        with pytest.raises(PeerBusyError):
            await setting.show("not mine to say")
        leases.held.clear()
        await until(setting.sender.on_duty)

    assert not setting.sender.on_duty()
    assert leases.held == {}
    assert await peers.chat(1) == []


async def test_a_process_that_leaves_the_rest_to_others_tells_its_own_trouble(
    peers: Peers,
) -> None:
    """It connects for that alone, and never takes the duty."""
    async with a_setting(peers, aside=True, wait=False) as setting:
        assert await setting.methods() == []
        assert await setting.sender.show(1, None, "<b>debt_dead</b>", None) is not None
        assert not setting.sender.on_duty()

    assert setting.leases.held == {}
    (message,) = await peers.chat(1)
    assert message["text"] == "debt_dead"


async def test_where_nothing_runs_between_requests_it_is_on_duty_in_calls(peers: Peers) -> None:
    """While one is open; after the last of them anybody can have the duty."""
    calls = Calls()
    async with a_setting(peers, calls=calls, wait=False) as setting:
        for number in (1, 2):
            calls.begin()
            await setting.sender.called()
            assert setting.sender.on_duty()
            assert await setting.show(f"call {number}") is not None
            calls.end()
            await setting.sender.left()
            assert not setting.sender.on_duty()
            assert setting.leases.held == {}

    assert [each["text"] for each in await peers.chat(1)] == ["call 1", "call 2"]


async def test_a_refused_token_is_not_waited_for_in_calls(peers: Peers) -> None:
    """Nobody is told anything with it, and every call would be late."""
    calls = Calls()
    async with a_setting(peers, token="no token", calls=calls, wait=False) as setting:
        await until(lambda: bool(setting.alerts.raised))
        calls.begin()
        await setting.sender.called()
        assert not setting.sender.on_duty()
