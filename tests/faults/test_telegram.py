"""Telegram is away, asks to wait, moves a group, or shuts us out."""

from collections.abc import Iterator

import pytest

from tests.faults.witness import Witness
from tests.peers import Json, Peers
from tests.service import Service, until

pytestmark = pytest.mark.anyio


async def test_case_49_telegram_is_down_and_comes_back(
    service: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """Every end is told once afterwards, and of a run under way only the newest state."""
    going, *ended = (next(chats) for _ in range(5))
    await peers.control("telegram", down=True)
    generations = [await service.order(chat) for chat in ended]
    under_way = await service.order(going, sandbox_end="none", sandbox_seconds=0.2)
    for generation in generations:
        await service.until(generation, "completed")
    await until(lambda: service.get(under_way), lambda record: record["progress"] > 0.8)
    assert [await witness.ends(chat) for chat in ended] == [[], [], [], []]
    await peers.control("telegram", down=False)
    for generation, chat in zip(generations, ended, strict=True):
        await witness.ended_once(generation, chat)
        assert len(await peers.chat(chat)) == 1
    (shown,) = await until(lambda: peers.chat(going), bool)
    assert "88 %" in shown["text"]
    assert shown["edits"] == 0


async def test_case_44_the_wait_of_a_429_survives_a_restart(
    service: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """A chat that Telegram closed for 3 s is left alone that long by the next life as well."""
    chat, other = next(chats), next(chats)
    wait = 3
    fault = {"method": "sendPhoto", "chat_id": chat, "kind": "429", "retry_after": wait}
    await peers.control("telegram/faults", **fault)
    generation = await service.order(chat)
    (refused,) = await until(lambda: _photos(peers, chat), _all_answered)
    await until(lambda: witness.stored(generation), _waits)
    await service.restart()
    await witness.ended_once(await service.order(other), other)
    await witness.ended_once(generation, chat)
    _, taken = await _photos(peers, chat)
    assert (refused["status"], taken["status"]) == (429, 200)
    assert taken["at"] - refused["at"] >= wait


async def test_case_46_a_migrated_group_is_followed(
    service: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """Its new id is learned once, and each end is told once, there."""
    group, moved = -next(chats), -1_000_000_000_000 - next(chats)
    fault = {"chat_id": group, "kind": "400-migrate", "migrate_to_chat_id": moved}
    await peers.control("telegram/faults", **fault)
    first = await service.order(group)
    await witness.ended_once(first, moved)
    second = await service.order(group)
    await witness.settled(second)
    assert len(await witness.ends(moved)) == 2
    assert await peers.chat(group) == []
    asked = [each for each in await peers.look("telegram/requests") if each["chat_id"] == group]
    assert len(asked) == 1


async def test_case_45_a_blocked_chat_is_a_dead_debt_with_its_reason(
    service: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """What cannot be told is kept with Telegram's words and not tried again; other chats flow."""
    chat, other = next(chats), next(chats)
    fault = {"method": "sendPhoto", "chat_id": chat, "kind": "403-blocked", "times": 9}
    await peers.control("telegram/faults", **fault)
    generation = await service.order(chat)
    record = await witness.settled(generation)
    (dead,) = (debt for debt in record["owed"] if "deadAt" in debt)
    assert dead["kind"] == "notify"
    assert "bot was blocked by the user" in dead["lastError"]
    await witness.ended_once(await service.order(other), other)
    assert len(await _photos(peers, chat)) == 1


async def test_case_48_an_answer_that_never_comes_delays_nobody_else(
    service: Service, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """A call that hangs holds up its own chat only."""
    chat, other = next(chats), next(chats)
    await peers.control("telegram/faults", method="sendPhoto", chat_id=chat, kind="hang")
    generation = await service.order(chat)
    await until(lambda: _photos(peers, chat), bool)
    await witness.ended_once(await service.order(other), other)
    await witness.ended_once(generation, chat)


def _waits(record: Json) -> bool:
    return any(debt["kind"] == "notify" and "by" not in debt for debt in record.get("owed", ()))


def _all_answered(calls: list[Json]) -> bool:
    return bool(calls) and all("status" in call for call in calls)


async def _photos(peers: Peers, chat: int) -> list[Json]:
    """Return the calls that meant to send a picture to a chat."""
    calls: list[Json] = await peers.look("telegram/requests")
    return [call for call in calls if (call["method"], call["chat_id"]) == ("sendPhoto", chat)]
