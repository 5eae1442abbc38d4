"""The service is killed where it hurts most, and started again on the same data."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from operator import le
from random import Random

import pytest

from tests.faults.proxy import Proxy
from tests.faults.witness import Witness, alive
from tests.peers import Json, Peers
from tests.service import Service, until

pytestmark = pytest.mark.anyio

KILLS = 8
SAID = {"success": "completed", "failed": "failed", "cancelled": "cancelled"}


async def test_case_38_killed_before_the_event_is_written(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """An event whose write never left us was not answered for; its end is told once all the same.

    The engine's later tries, or our own asking, bring it.
    """
    generation, run = await service.order_running(chat)
    stop = wire.stop_at("insert", "inbox", '"success"', side="before")
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await stop.reached.wait()
    await _reborn(service, wire)
    await witness.ended_once(generation, chat)


async def test_case_38_killed_after_the_write_before_the_answer(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """An event on disk is applied after the restart, though its sender never had an answer."""
    generation, run = await service.order_running(chat)
    stop = wire.stop_at("insert", "inbox", '"success"', side="after")
    await peers.control("comfydeploy", retry_scale=100)
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await stop.reached.wait()
    await _reborn(service, wire)
    await witness.ended_once(generation, chat)
    answers = [each["answered"] for each in await witness.attempts(run)]
    assert answers.count(None) == 1


async def test_case_38_killed_after_the_event_is_applied_before_the_end_is_written(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """An end that was heard and not yet written is written by the next life."""
    generation, run = await service.order_running(chat)
    stop = wire.stop_at("update", "endedBy", generation, side="before")
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await stop.reached.wait()
    assert "claimedEnd" in await witness.stored(generation)
    await _reborn(service, wire)
    await witness.ended_once(generation, chat)


async def test_case_38_killed_between_the_end_and_its_message(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """An end that was written and not told is told by the next life."""
    generation, run = await service.order_running(chat)
    stop = wire.stop_at("update", "endedBy", generation, side="after")
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await stop.reached.wait()
    assert await witness.ends(chat) == []
    await _reborn(service, wire)
    await witness.ended_once(generation, chat)


async def test_case_38_killed_between_the_send_and_our_write(
    service: Service, wire: Proxy, witness: Witness, peers: Peers, chat: int
) -> None:
    """What Telegram did and we could not note is done twice: the one duplicate there is."""
    generation, run = await service.order_running(chat)
    await peers.control("telegram/faults", method="sendPhoto", chat_id=chat, kind="sent-then-hang")
    await peers.control(f"comfydeploy/runs/{run}", status="success")
    await witness.told(chat)
    await _reborn(service, wire)
    record = await witness.settled(generation)
    assert [each["status"] for each in record["history"]].count("completed") == 1
    assert len(await witness.ends(chat)) == 2


async def test_case_38_killed_between_the_submit_and_our_write(
    service: Service, wire: Proxy, witness: Witness, chat: int
) -> None:
    """An engine that took the order is not given it again; its run is found and told of once."""
    stop = wire.stop_at("update", "submittedAt", side="before")
    generation = await service.order(chat)
    await stop.reached.wait()
    await _reborn(service, wire)
    await witness.ended_once(generation, chat)
    assert len(await witness.runs_of(generation)) == 1


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
    """Every run ends as the engine says, and is told once but for kills in the middle of a send."""
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
        torn.update([chat for each, chat in ordered.items() if await _telling(witness, each, chat)])
        await service.start()
    for generation, chat in ordered.items():
        record = await witness.settled(generation)
        (run,) = await witness.runs_of(generation)
        assert (record["status"], record["endedBy"]) == (SAID[run["status"]], "engine")
        statuses = [each["status"] for each in record["history"]]
        assert statuses.count(record["status"]) == 1
        assert 1 <= len(await witness.ends(chat)) <= 1 + torn[chat]


async def _reborn(service: Service, wire: Proxy) -> None:
    """Kill the service, let the database hear again, and start the service anew."""
    await service.kill()
    wire.resume()
    await service.start()


async def _webhooks(peers: Peers) -> int:
    """Count the tries to deliver a webhook so far."""
    runs: list[Json] = await peers.look("comfydeploy/runs")
    return sum(len(run["attempts"]) for run in runs)


async def _messages(peers: Peers) -> int:
    """Count the calls to Telegram so far."""
    calls: list[Json] = await peers.look("telegram/requests")
    return len(calls)


async def _telling(witness: Witness, generation: str, chat: int) -> bool:
    """Say whether an end has been sent that the record does not know of."""
    record = await witness.stored(generation)
    return "notify" in alive(record) and bool(await witness.ends(chat))
