"""What is measured of chains, and how it is judged."""

import httpx
import pytest

from benchmarks import world
from benchmarks.chains import large, links, ordering, tables
from benchmarks.chains.bare import Bare
from benchmarks.chains.stand_in import Prediction, StandIn, most_within
from benchmarks.report import Figures
from processors import chains
from processors.chains import Wanted
from processors.presets import checking
from schemas.base import UserId
from schemas.wire.jobs import NewJob
from tests.builders import NOON

USER = UserId("0198c0ffee0198c0ffee0198c0ffee99")


def a_prediction(name: str, created: float, told: float | None) -> Prediction:
    """What the stand-in tells of one."""
    return Prediction(name, name, "succeeded", created, told)


def test_a_wait_is_from_the_telling_of_an_end_to_the_next_creation() -> None:
    """In milliseconds of one clock; an end that was never told is an error."""
    made = {each.id: each for each in (a_prediction("a", 1.0, 2.0), a_prediction("b", 2.25, None))}

    assert links.since_told([("a", "b")], made) == [250.0]
    with pytest.raises(RuntimeError, match="prediction b was never told"):
        links.since_told([("b", "a")], made)


def test_who_asks_every_30_s_knows_after_15_in_the_median() -> None:
    """Ends come at any time between two questions."""
    assert links.polled(30) == {"p50": 15_000, "p99": 29_700, "most": 29_700}


def test_the_busiest_minute_is_counted_wherever_it_begins() -> None:
    """A request at its very end belongs to the next."""
    assert most_within([], 60) == 0
    assert most_within([0, 59, 61, 118, 119], 60) == 3
    assert most_within([0, 60], 60) == 1


def test_what_replicate_s_pace_takes_begins_with_those_sent_at_once() -> None:
    """60 at once, then nine a second."""
    assert large.paced(large.AT_ONCE) == 0
    assert large.paced(large.AT_ONCE + 9) == 1


@pytest.mark.parametrize("preset", [ordering.WEAR, ordering.QUICK_WEAR, ordering.SAY])
def test_chains_are_ordered_as_the_api_takes_them(preset: str) -> None:
    """Each step takes what the one before it makes."""
    order = NewJob.model_validate(ordering.chain(USER, preset, 3))

    assert chains.sizes(wanted(order)) == (1, 1, 1)
    assert [len(step.bindings) for step in order.wanted()] == [0, 1, 1]


def test_a_fan_out_is_one_step_over_its_seeds() -> None:
    """Each seed is a run of its own."""
    order = NewJob.model_validate(ordering.fan(USER, ordering.QUICK_WEAR, 100))

    assert chains.sizes(wanted(order)) == (100,)


def wanted(order: NewJob) -> list[Wanted]:
    """The steps of an order, with their presets."""
    known = {each.name: each for each in ordering.presets(NOON)}
    return [
        Wanted(known[step.preset], step.inputs, step.bindings, step.over) for step in order.wanted()
    ]


def test_the_presets_are_what_an_author_could_write() -> None:
    """Nothing in them contradicts anything else."""
    assert not [found for each in ordering.presets(NOON) for found in checking.problems(each)]


@pytest.mark.anyio
async def test_the_bare_client_goes_on_once_it_is_told() -> None:
    """Each of its predictions takes the picture of the one before, and waits for its end."""
    async with (
        world.a_sandbox() as sandbox,
        httpx.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        stand_in = StandIn(sandbox.url, client)
        async with Bare(stand_in, "r8_sandbox", client) as bare:
            ids = [await bare.chain(2, copying=copying) for copying in (False, True)]
        predictions = {each.id: each for each in await stand_in.predictions()}
        requests = await stand_in.requests()

    assert [*predictions] == [each for pair in ids for each in pair]
    assert {each.status for each in predictions.values()} == {"succeeded"}
    assert [each.method for each in requests] == ["POST"] * 4
    waits = links.since_told([(first, second) for first, second in ids], predictions)
    assert all(wait > 0 for wait in waits)


def some_figures(**checked: object) -> Figures:
    """Figures of everything, as they were hoped for."""
    spread: Figures = {"p50": 20.0, "p99": 40.0}
    ended: Figures = {"completed": 100}
    long: Figures = {
        "steps": 50,
        "ended": ended,
        "answer_ms": 90.0,
        "total_s": 2.5,
        "ms_a_step": 50.0,
        "between_ms": spread,
    }
    kinds = ("told", "written", "bare", "bare_copying", "polled")
    call: Figures = {
        "checked": 1_000,
        "left": 0,
        "s": 15.9,
        "requests_a_second": 63.0,
        "written": ended,
    }
    return {
        "links": {"ended": ended, **{f"{kind}_ms": spread for kind in kinds}},
        "words": long,
        "pictures": long,
        "fan": {
            "runs": 100,
            "ended": ended,
            "answer_ms": 500.0,
            **dict.fromkeys(("submitted_s", "ended_s", "closed_s", "told_s"), 5.0),
        },
        "checker": {
            "runs": 1_000,
            "ended": ended,
            "checked": call | checked,
            "second": {"said": {"busy": True}, "ms": 4.0},
            "ends": call,
            "creations_a_minute": [590, 600],
            "others_a_minute": [2_000, 3_000],
        },
    }


def test_goals_are_judged_by_the_figures() -> None:
    """The last table says of each whether it is reached, and what was measured."""
    *_, good = tables.tables(some_figures())
    *_, bad = tables.tables(some_figures(checked=999))

    assert good.count("| yes: ") == 6
    assert "| p50 from a step's end to the next submit under 50 ms | yes: 20.0 ms |" in good
    assert bad.count("| yes: ") == 5
    assert "| 1,000 open runs checked within 20 s | no: 999 in 15.9 s |" in bad


def test_tables_have_what_was_measured() -> None:
    """Who goes on, long chains, the fan-out, the checker's calls, the goals."""
    assert [each.count("\n") for each in tables.tables(some_figures())] == [5, 3, 2, 3, 7]
