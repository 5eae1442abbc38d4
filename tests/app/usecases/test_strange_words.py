"""Statuses that nobody knows are told of once each."""

import pytest

from app.usecases.strange_words import WORDS_KEPT, StrangeWords
from app.usecases.watched import Watched
from schemas.run import RunAt, RunStatus
from tests.app.usecases.scenes import Scene
from tests.builders import COMFYDEPLOY, ID, RUN, a_generation, a_report

pytestmark = pytest.mark.anyio


async def test_case_11_an_unknown_status_is_warned_of_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ten webhooks and ten answers with a new word are one line each; the run goes on."""
    async with Scene().running() as scene:
        scene.generations.records[ID] = a_generation(owed=(), due_at=None)
        for _ in range(10):
            await scene.hear(ID, "paused")
        scene.engine.reports[RUN] = a_report(RunStatus.QUEUED, unknown_status="on-hold")
        engine = Watched(scene.engine, scene.circuits)
        for _ in range(10):
            await engine.read(RunAt(RUN))

    lines = [line for line in capsys.readouterr().out.splitlines() if "not known" in line]
    assert ["paused" in line for line in lines] == [True, False]
    assert ["on-hold" in line for line in lines] == [False, True]
    assert all("warning" in line for line in lines)
    assert scene.record(ID).status is RunStatus.QUEUED


def test_case_11_words_without_end_do_not_fill_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever has a token may send any word."""
    words = StrangeWords("webhook")
    for number in range(2 * WORDS_KEPT):
        words.heard(COMFYDEPLOY, f"word-{number}")

    assert capsys.readouterr().out.count("not known") == WORDS_KEPT
