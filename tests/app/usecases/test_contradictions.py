"""Ends that contradict each other are told of, and decided by the engine."""

import asyncio

import pytest

from app.usecases.contradictions import KEPT, Contradictions
from schemas.base import GenerationId, RunId
from schemas.run import RunStatus
from tests.app.usecases.scenes import Scene
from tests.builders import ID, RUN, a_generation, a_report, a_run_event, heard, later, some_metadata

pytestmark = pytest.mark.anyio

SAID = "another end was heard"
SUCCESS, FAILED = a_run_event(RunStatus.COMPLETED), a_run_event(RunStatus.FAILED)


@pytest.mark.parametrize("told", [("success", "failed"), ("failed", "success")])
@pytest.mark.parametrize("apart", [False, True], ids=["at once", "after the end"])
async def test_case_5_an_end_after_another_is_logged_once(
    told: tuple[str, str],
    apart: bool,  # noqa: FBT001 - pytest's own order
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However often it comes; what the engine says when it is asked is the end."""
    async with Scene().running() as scene:
        scene.generations.records[ID] = a_generation(
            RunStatus.RUNNING, metadata=some_metadata(run_id=RUN)
        )
        scene.engine.reports[RUN] = a_report(RunStatus.COMPLETED)
        first = scene.hear(ID, told[0])
        if apart:
            await first
            await asyncio.sleep(5)
            await scene.hear(ID, told[1])
        else:
            await asyncio.gather(first, scene.hear(ID, told[1]))
        for _ in range(5):
            await scene.hear(ID, told[1])
        await asyncio.sleep(5)

    lines = [line for line in capsys.readouterr().out.splitlines() if "another end" in line]
    record = scene.record(ID)
    assert len(lines) == 1
    assert "warning" in lines[0]
    assert (record.status, record.ended_by) == (RunStatus.COMPLETED, "engine")
    assert len(scene.messenger.told) == 1


def test_case_5_of_two_ends_at_once_the_later_contradicts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In whatever order they are applied."""
    before = a_generation(RunStatus.RUNNING)
    failed = FAILED._replace(received_at=later(1))
    for events in ((SUCCESS, failed), (failed, SUCCESS)):
        Contradictions().look(before, heard(before, *events), events)

    lines = [line for line in capsys.readouterr().out.splitlines() if SAID in line]
    assert len(lines) == 2
    assert all("completed" in line and "failed" in line for line in lines)


def test_an_end_of_another_run_contradicts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor does one that is like the end known, nor one after an end of ours."""
    claimed = heard(a_generation(RunStatus.RUNNING), SUCCESS)
    ours = a_generation(RunStatus.TIMEOUT, ended_by="us", confirmed=True)
    told = Contradictions()
    told.look(claimed, claimed, [SUCCESS, FAILED._replace(run_id=RunId("other"))])
    told.look(claimed, claimed, [a_run_event(RunStatus.RUNNING)])
    told.look(ours, ours, [SUCCESS])

    assert SAID not in capsys.readouterr().out


def test_few_contradictions_are_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    """Memory does not grow with them; the newest are told of once."""
    claimed, told = heard(a_generation(RunStatus.RUNNING), SUCCESS), Contradictions()
    events = [FAILED._replace(generation_id=GenerationId(f"{n:032x}")) for n in range(KEPT + 1)]
    told.look(claimed, claimed, events)
    told.look(claimed, claimed, events[:0:-1])
    assert capsys.readouterr().out.count(SAID) == KEPT + 1

    told.look(claimed, claimed, events[:1])
    assert capsys.readouterr().out.count(SAID) == 1
