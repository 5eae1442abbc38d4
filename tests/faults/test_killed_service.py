"""The service is killed where it hurts most, and started again on the same data."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from operator import le
from random import Random

import pytest

from tests.faults.proxy import Proxy
from tests.faults.witness import Witness
from tests.peers import Json, Peers
from tests.service import Service, until

pytestmark = pytest.mark.anyio

KILLS = 4
SAID = {"success": "completed", "failed": "failed", "cancelled": "cancelled"}


async def test_case_38_killed_at_every_step_at_once(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chats: Iterator[int]
) -> None:
    """One kill hits one life at each step; the next life brings each to its one end.

    Before its event is written, before its end is, before the end is told, before our write of
    the telling, and before our write of the submit. What Telegram did and we could not note is
    done twice: the one duplicate there is.
    """
    unheard, heard, untold, told = [
        (*await service.order_running(chat), chat)
        for chat, _ in zip(chats, range(4))  # noqa: B905 - chats have no end
    ]
    ending = wire.stop_at("update", "endedBy", heard[0], side="before")
    ended = wire.stop_at("update", "endedBy", untold[0], side="after")
    fault = {"method": "sendPhoto", "chat_id": told[2], "kind": "sent-then-hang"}
    await peers.control("telegram/faults", **fault)
    for _, run, _ in (heard, told):
        await peers.control(f"comfydeploy/runs/{run}", status="success")
    await ending.reached()
    await witness.told(told[2])
    submitted = wire.stop_at("update", "submittedAt", side="before")
    last = next(chats)
    unsubmitted = await service.order(last)
    await submitted.reached()
    await peers.control(f"comfydeploy/runs/{untold[1]}", status="success")
    # Its claim is found again by the sweep in time, so the kill must come soon after it.
    await ended.reached()
    assert await witness.ends(untold[2]) == []
    event = wire.stop_at("insert", "inbox", '"success"', side="before")
    await peers.control(f"comfydeploy/runs/{unheard[1]}", status="success")
    await event.reached()
    assert "claimedEnd" in await witness.stored(heard[0])
    await _reborn(service, wire)
    for generation, _, chat in (unheard, heard, untold):
        await witness.ended_once(generation, chat)
    await witness.ended_once(unsubmitted, last)
    assert len(await witness.runs_of(unsubmitted)) == 1
    record = await witness.settled(told[0])
    assert [each["status"] for each in record["history"]].count("completed") == 1
    assert len(await witness.ends(told[2])) == 2


async def test_case_38_killed_after_the_write_before_the_answer(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """An event on disk is applied after the restart, though its sender never had an answer."""
    generation, run = await service.order_running(chat)
    stop = wire.stop_at("insert", "inbox", '"success"', side="after")
    await peers.control("comfydeploy", retry_scale=100)
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await stop.reached()
    await _reborn(service, wire)
    await witness.ended_once(generation, chat)
    answers = [each["answered"] for each in await witness.attempts(run)]
    assert None in answers


async def test_case_38_an_edited_finish_hides_that_kill_too(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """With TELEGRAM_FINISH=edit the chat holds one message, whatever moment the kill hits."""
    await service.restart(TELEGRAM_FINISH="edit")
    generation, run = await service.order_running(chat)
    await until(lambda: witness.stored(generation), lambda it: "statusMessageId" in it["metadata"])
    fault = {"method": "editMessageMedia", "chat_id": chat, "kind": "sent-then-hang"}
    await peers.control("telegram/faults", **fault)
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await witness.told(chat)
    await _reborn(service, wire)
    await witness.ended_once(generation, chat)
    assert [each["kind"] for each in await peers.chat(chat)] == ["photo"]


async def test_case_38_killed_again_and_again_at_random(
    service: Service, witness: Witness, peers: Peers, chats: Iterator[int], dice: Random
) -> None:
    """Every run ends as the engine says, and is told once but for kills in the middle of a send.

    An order that a kill kept from the engine ends with a word of ours.
    """
    endings = ("success", "success", "failed", "cancelled")
    ordered = dict[str, int]()
    torn = Counter[int]()
    moments = ((_webhooks, 16), (_messages, 4))
    for (count, most), _ in zip(cycle(moments), range(KILLS)):
        for ending in dice.sample(endings, 2):
            chat = next(chats)
            seconds = dice.uniform(0.1, 2.0)
            generation = await service.order(chat, sandbox_end=ending, sandbox_seconds=seconds)
            ordered[generation] = chat
        enough = await count(peers) + dice.randrange(most)
        await until(partial(count, peers), partial(le, enough))
        await service.kill()
        torn.update([chat for each, chat in ordered.items() if await witness.torn(each, chat)])
        await service.start()
    for generation, chat in ordered.items():
        record = await witness.settled(generation)
        assert (record["status"], record["endedBy"]) == await _said(witness, generation)
        statuses = [each["status"] for each in record["history"]]
        assert statuses.count(record["status"]) == 1
        assert 1 <= len(await witness.ends(chat)) <= 1 + torn[chat]


async def _reborn(service: Service, wire: Proxy) -> None:
    """Kill the service, let the database hear again, and start the service anew."""
    await service.kill()
    wire.resume()
    await service.start()


async def _said(witness: Witness, generation: str) -> tuple[str, str]:
    """Return how a generation must end, and by whose word."""
    runs = await witness.runs_of(generation)
    assert len(runs) <= 1
    return (SAID[runs[0]["status"]], "engine") if runs else ("failed", "us")


async def _webhooks(peers: Peers) -> int:
    """Count the tries to deliver a webhook so far."""
    runs: list[Json] = await peers.look("comfydeploy/runs")
    return sum(len(run["attempts"]) for run in runs)


async def _messages(peers: Peers) -> int:
    """Count the calls to Telegram so far."""
    calls: list[Json] = await peers.look("telegram/requests")
    return len(calls)
