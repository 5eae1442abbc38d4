"""What is measured of runs at ComfyUI servers, and how it is judged."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import httpx
import orjson
import pytest

from app.clock import Clock
from app.observability.journal import Journal
from app.settings import Settings
from app.store.generations import MongoGenerations
from app.usecases.records import Records as MongoRecords
from benchmarks import world
from benchmarks.comfyui import bare, lag, line, ordering, tables
from benchmarks.comfyui.line import Fairness
from benchmarks.comfyui.servers import COUNT, Prompt, Servers
from benchmarks.events import KEEP
from benchmarks.records import Kept, Records
from benchmarks.report import Figures
from processors import runs
from processors.protocols import comfyui
from processors.runs import Ending
from schemas.base import GenerationId
from schemas.generation import Generation
from schemas.run import RunStatus
from schemas.wire.api import NewGeneration
from tests.builders import ID, RUN, a_placed, some_metadata
from tests.databases import a_database

GREEDY = line.GREEDY


def kept(*users: str) -> list[Kept]:
    """Runs that wait, in the order in which they came."""
    return [Kept(f"{number:032x}", None, who, "pending", 1) for number, who in enumerate(users)]


def begun(order: Sequence[str], *places: int) -> list[tuple[str, str]]:
    """What two servers have begun, by turns, by places in the fair order."""
    return [(f"server {number % 2}", order[place]) for number, place in enumerate(places)]


def a_prompt(server: str, posted_at: int, stored_at: float | None) -> Prompt:
    """What a server tells of a prompt."""
    return Prompt("p", server, posted_at, posted_at, stored_at, None)


def test_half_of_the_orders_are_one_person_s() -> None:
    """They come first; everybody else shares the other half."""
    whose = list(line.users(100))

    assert whose[:50] == [GREEDY] * 50
    assert len(set(whose[50:])) == line.OTHERS


def test_who_takes_turns_is_begun_in_turns() -> None:
    """The order that runs are compared with is the one that is promised."""
    runs = kept(GREEDY, GREEDY, GREEDY, "ada", "bob")
    names = {each.id: each.user for each in runs}

    assert [names[each] for each in line.fair(runs)] == [GREEDY, "ada", "bob", GREEDY, GREEDY]


def test_runs_may_overtake_each_other_on_their_way_only() -> None:
    """Each server has its runs in order, and fewer wait before one than there are other slots."""
    order = list("abcdef")
    names = dict.fromkeys(order, "ada") | {"c": "bob"}
    in_order = line.fairness(order, begun(order, 0, 1, 2, 3, 4, 5), names)
    overtaken = line.fairness(order, begun(order, 1, 0, 3, 2, 5, 4), names)
    skipped = line.fairness(order, begun(order, 0, 3, 4, 5, 1, 2), names)

    assert in_order == Fairness(in_turn=True, passed=0, first=3)
    assert overtaken == Fairness(in_turn=True, passed=1, first=4)
    assert in_order.holds(2)
    assert overtaken.holds(2)
    assert not overtaken.holds(1)
    assert not skipped.holds(4)


def test_the_time_between_two_runs_is_each_server_s_own() -> None:
    """From an entry in the history to the server's next prompt; the last has none."""
    prompts = [
        a_prompt("one", 100, 150.0),
        a_prompt("two", 120, 125.5),
        a_prompt("two", 130, None),
        a_prompt("one", 160, 170.0),
    ]

    assert line.between(prompts) == [10.0, 4.5]


def test_lengths_are_spread_evenly() -> None:
    """Where history is asked every so many seconds, ends come at any time between."""
    lengths = sorted(lag.lengths(100, lag.SPREAD))
    gaps = [after - before for before, after in pairwise(lengths)]

    assert lengths[0] >= lag.SHORTEST
    assert lengths[-1] < lag.SHORTEST + lag.SPREAD
    assert max(gaps) < 3 * lag.SPREAD / 100


def test_a_wait_is_from_an_entry_until_it_was_seen() -> None:
    """In milliseconds of one clock; one that was never stored is an error."""
    assert lag.waits({"a": 1.0, "b": 2.0}, {"a": 1.25}) == [250.0]
    with pytest.raises(KeyError):
        lag.waits({}, {"a": 1.0})


@pytest.mark.parametrize("work", [ordering.picture(1.2, 7), ordering.words("hello")])
def test_what_is_ordered_is_what_the_bare_client_posts(work: ordering.Work) -> None:
    """The API takes the order; its inputs are fields of its workflow."""
    order = NewGeneration.model_validate_json(ordering.Order("ada", work).body())
    workflow = comfyui.parse(orjson.dumps(order.workflow))
    bound = comfyui.bind(workflow, order.inputs, ID)

    assert order.metadata.user_id == "ada"
    assert bound.graph == comfyui.parse(orjson.dumps(work.graph())).graph


def test_servers_are_named_to_the_service(tmp_path: Path) -> None:
    """The setting is the path of a file that can be read."""
    named = Servers("http://127.0.0.1:1", "crowd", httpx.AsyncClient())
    settings = Settings(comfyui_servers=named.settings(tmp_path / "servers.yaml", 50))  # pyright: ignore[reportArgumentType] - read as from the environment

    assert [(each.name, each.url, each.slots) for each in settings.comfyui_servers] == [
        (f"crowd-{n}", f"http://127.0.0.1:1/comfyui/crowd-{n}", 50) for n in range(1, COUNT + 1)
    ]


@pytest.mark.anyio
async def test_the_bare_client_sees_the_end_of_everything_it_posts() -> None:
    """One prompt at a time at each server, whichever is free."""
    graphs = [ordering.words(f"hello {number}").graph() for number in range(2 * COUNT)]
    async with world.a_sandbox() as sandbox, httpx.AsyncClient(trust_env=False) as client:
        servers_of = Servers(sandbox.url, "bare", client)
        seen = await bare.run(servers_of.urls(), graphs, listening=True)
        prompts = await servers_of.prompts()

    stored = {each.id: each.stored for each in prompts if each.stored is not None}
    assert len(graphs) == len(seen) == len(stored)
    assert all(wait > 0 for wait in lag.waits(stored, seen))
    assert all(wait >= 0 for wait in line.between(prompts))


def some_figures(**lined: object) -> Figures:
    """Figures of everything, as they were hoped for."""
    wait: Figures = {"runs": 1, "ms": {"p50": 20.0, "p99": 40.0}, "bare_ms": {"p50": 5, "p99": 9}}
    crowd: Figures = {
        "ended": {"completed": 200},
        "once": True,
        "memory_before_mb": 90.0,
        "memory_added_mb": 12.0,
        "idle_share_of_a_core": 0.01,
        "share_of_a_core": 0.2,
    }
    told: Figures = {
        "waiting": 1_000,
        "ended": {"completed": 1_000},
        "once": True,
        "fair": True,
        "passed_at_the_most": 1,
        "questions": {
            "who waits": {
                "ms": {"p50": 9.0},
                "plan": "IXSCAN",
                "keys": 1_000,
                "documents": 0,
                "returned": 1_000,
            }
        },
        "collection_scans": {},
    }
    for whose in ("", "bare_"):
        told[f"{whose}placed_a_second"] = 40.0
        told[f"{whose}between_runs_ms"] = {"p50": 8.0, "p99": 20.0}
        told[f"{whose}everybody_had_one_after"] = 21
    return {"lag": wait, "lag_dead": wait, "crowd": crowd, "line": told | lined}


def test_goals_are_judged_by_the_figures() -> None:
    """The last table says of each whether it is reached, and what was measured."""
    *_, good = tables.tables(some_figures())
    *_, bad = tables.tables(some_figures(fair=False, collection_scans={"generations by age": 3}))

    assert good.count("| yes: ") == 7
    assert "| p50 from the entry to the end under 100 ms | yes: 20.0 ms |" in good
    assert bad.count("| yes: ") == 5
    assert "no: 3 of generations by age" in bad


def test_tables_have_what_was_measured() -> None:
    """Quickly, the crowd without sockets is left out."""
    figures = some_figures()
    whole = list(tables.tables(figures | {"crowd_dead": figures["crowd"]}))

    assert [each.count("\n") for each in whole] == [3, 3, 3, 2, 8]
    assert [each.count("\n") for each in tables.tables(figures)] == [3, 2, 3, 2, 8]


@pytest.mark.anyio
async def test_a_collection_scan_is_noticed_and_a_question_by_an_index_is_none(
    mongo_uri: str,
) -> None:
    """The database itself says what it did: for a question, and for all that came meanwhile."""
    placed = a_placed()
    other = GenerationId("e" * 32)
    second = a_placed(id=other, slot="two#1", metadata=some_metadata(run_id="run-2"))
    async with a_database(mongo_uri) as connection:
        await connection.prepare("live", KEEP)
        generations = MongoGenerations(connection)
        for each in (placed, second):
            assert await generations.insert(each)
        name = connection.collection("generations").database.name
        async with Records(mongo_uri, name) as told:
            slots = await told.profiled(generations.slots)
            # That ends are watched for is no scan, wherever it begins.
            async with told.scans() as scans, told.ends() as ends:
                await generations.slots()
                await connection.collection("generations").find_one({"priority": 7})
                await MongoRecords(generations, Clock(), Journal()).change(ID, ended)
                await ends.until(1, 20)
            kept_now = await told.since([other])

    assert slots == {"plan": "IXSCAN", "keys": 2, "documents": 0, "returned": 2}
    assert scans == {"generations by priority": 1}
    assert list(ends.at) == [ID]
    assert [(each.id, each.run_id, each.status) for each in kept_now] == [(ID, RUN, "failed")]


def ended(record: Generation, now: datetime) -> Generation:
    """Have a run fail."""
    return runs.ended(record, Ending(status=RunStatus.FAILED, by="us", reason="broke"), now=now)
