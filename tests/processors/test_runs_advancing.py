"""processors.runs.advancing: what waited begins or is dropped; what is lost is made again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from processors import debts, runs
from processors.runs import Verdict
from schemas.base import RunId
from schemas.debt import DebtKind
from schemas.generation import EngineRun, Generation, Response, Retry, StatusChange
from schemas.run import Output, RunStatus
from tests.builders import (
    COMFYDEPLOY,
    JOB,
    NOON,
    RUN,
    TIMING,
    a_chain,
    a_debt,
    a_generation,
    a_part,
    a_report,
    a_run_event,
    a_taker,
    an_output,
    later,
    owes,
    some_metadata,
    the_debt,
)

COPIED = an_output(key="outputs/one")
LOST = an_output(not_kept="gone")
TAKER = a_taker(DebtKind.SUBMIT)
WAITED = (StatusChange(status=RunStatus.WAITING, at=NOON, source="job"),)
RAN = EngineRun(attempt=1, run_id=RUN, submitted_at=NOON)


def made(*outputs: Output, **fields: Any) -> Generation:  # noqa: ANN401 - any field of the record
    """Return a completed first step of three, which may be tried three times."""
    known: dict[str, Any] = {
        "status": RunStatus.COMPLETED,
        "response_payload": Response(outputs=outputs),
        "max_attempts": 3,
        "runs": (RAN,),
        "metadata": some_metadata(run_id=RUN),
    }
    return a_part(a_chain(), 1, **(known | fields))


def remade(generation: Generation) -> Generation:
    """Return it as it is made again, five minutes later."""
    return runs.remade(generation, later(300), a_taker())


def test_what_waited_begins_with_what_others_have_made() -> None:
    """Beside what it was given; its submit is owed, and taken up by whoever begins it."""
    waiting = a_part(a_chain(), 2)
    given = waiting.request_payload.inputs
    begun = runs.begun(waiting, {"image": "media:outputs/one"}, later(60), TAKER)

    assert (begun.status, begun.history[-1].source) == (RunStatus.PENDING, "advance")
    assert begun.request_payload.inputs == {**given, "image": "media:outputs/one"}
    assert the_debt(begun, runs.SUBMIT).by == TAKER.by
    assert runs.begun(begun, {"image": "media:outputs/two"}, later(61)) is begun


def test_its_time_runs_from_when_it_began() -> None:
    """However long it has waited for others."""
    begun = runs.begun(a_part(a_chain(), 2), {}, later(90_000))
    assert runs.limit_at(begun, TIMING) == later(90_000) + TIMING.limit_waiting
    assert runs.overdue(begun, later(90_001), TIMING) is False


def test_what_waited_in_vain_ends_and_owes_nobody_the_next() -> None:
    """It never ran, so that nothing is provisional and nothing was spent."""
    waiting = a_part(a_chain(), 2, history=WAITED)
    dropped = runs.dropped(waiting, "step_failed", later(60))

    assert (dropped.status, dropped.status_reason) == (RunStatus.CANCELLED, "step_failed")
    assert (dropped.cost_usd, runs.provisional(dropped)) == (0, False)
    assert runs.SETTLE in owes(dropped)
    assert runs.ADVANCE not in owes(dropped)
    begun = runs.begun(a_part(a_chain(), 2), {}, NOON)
    assert runs.dropped(begun, "step_failed", later(60)) is begun


def test_a_job_goes_on_once_all_is_copied() -> None:
    """And not for what nothing comes after, nor for what did not complete."""
    assert owes(runs.copying_went_on(made(COPIED), later(1))) == [runs.ADVANCE]
    assert owes(runs.copying_went_on(made(LOST), later(1))) == [runs.ADVANCE]
    for idle in (
        made(an_output()),
        made(COPIED, status=RunStatus.FAILED),
        made(COPIED, step=3),
        made(COPIED, step=None, job_id=None),
    ):
        assert runs.copying_went_on(idle, later(1)) is idle


@pytest.mark.parametrize(
    ("fields", "may"),
    [
        ({}, True),
        ({"attempt": 2}, True),
        ({"attempt": 3}, False),
        ({"max_attempts": 1}, False),
        ({"cancel_wanted": True}, False),
        ({"status": RunStatus.FAILED}, False),
        ({"job_id": None}, False),
        ({"runs": ()}, False),
        ({"price_reason": "price"}, True),
        ({"price_reason": "not_confirmed"}, False),
        ({"price_reason": "free_late"}, False),
    ],
)
def test_what_is_lost_is_made_again_while_it_may_be_tried(
    fields: dict[str, Any], *, may: bool
) -> None:
    """At our cost, so for a job alone; not where its person wants none of it any more."""
    assert runs.may_remake(made(LOST, **fields)) is may


def test_what_is_made_again_begins_from_nothing() -> None:
    """Only what its first run took stays known, with that run."""
    lost = made(LOST, cost_usd=Decimal("0.004"), owed=(a_debt("keep", kind=DebtKind.KEEP),))
    again = remade(lost)

    assert (again.status, again.attempt, again.ended) == (RunStatus.PENDING, 2, False)
    assert again.history[-1].source == Retry.OUTPUTS_GONE
    assert again.response_payload == Response()
    cleared = ("ended_by", "confirmed", "response_timestamp", "duration_seconds", "cost_usd")
    assert {getattr(again, each) for each in cleared} == {None}
    [run] = again.runs
    assert (run.duration_seconds, run.cost_usd) == (lost.duration_seconds, lost.cost_usd)
    assert run.gone
    assert again.metadata.run_id is None
    assert owes(again) == [runs.SHOW, runs.SUBMIT]
    assert runs.limit_at(again, TIMING) == later(300) + TIMING.limit_waiting


def test_what_its_engine_says_again_of_what_is_lost_brings_nothing() -> None:
    """A webhook that is doubled does not have the run that was given up win after all."""
    again = remade(made(LOST))
    second = runs.submitted(again, RunId("another"), later(310), TIMING, a_taker())
    event = a_run_event(RunStatus.COMPLETED, received_at=later(320), outputs=(an_output(),))
    for record in (again, second):
        heard = runs.hear(record, [event], now=later(320), timing=TIMING)
        assert heard.verdicts == (Verdict.FORMER_RUN,)
        assert heard.generation is record


def test_what_was_made_again_in_vain_is_told_apart() -> None:
    """Its first run was paid for, and there is nothing to show for it."""
    again = remade(made(LOST))
    failed = again.change(status=RunStatus.FAILED)
    assert runs.unmade(failed)
    for other in (again, again.change(status=RunStatus.COMPLETED), made(LOST), made(COPIED)):
        assert not runs.unmade(other)


def test_what_is_gone_by_its_end_is_tried_again_at_any_engine() -> None:
    """The engine says itself that it has removed it; at the last attempt that is a failure."""
    running = a_generation(
        RunStatus.RUNNING, engine=COMFYDEPLOY, job_id=JOB, runs=(RAN,), max_attempts=2
    )
    report = a_report(run_id=RUN, gone=True)
    now = later(60)
    again = runs.concluded(running, report, now=now, timing=TIMING, taker=a_taker())
    assert (again.status, again.attempt) == (RunStatus.PENDING, 2)
    assert again.history[-1].source == Retry.OUTPUTS_GONE
    assert runs.may_retry(running)

    last = running.change(attempt=2)
    failed = runs.concluded(last, report, now=now, timing=TIMING, taker=a_taker())
    assert (failed.status, failed.status_reason) == (RunStatus.FAILED, "outputs_gone")


def test_a_run_that_its_engine_vouches_for_is_ours() -> None:
    """A webhook that it has signed names the run before its submit was answered."""
    sent = a_generation(RunStatus.SUBMITTING, metadata=some_metadata(run_id=None), runs=())
    event = a_run_event(RunStatus.RUNNING, received_at=later(2))._replace(vouched=True)
    named = runs.hear(sent, [event], now=later(2), timing=TIMING).generation
    assert (named.metadata.run_id, named.status) == (event.run_id, RunStatus.RUNNING)

    for other in (event._replace(vouched=False), event._replace(attempt=2)):
        heard = runs.hear(sent, [other], now=later(2), timing=TIMING)
        assert heard.generation.metadata.run_id is None


def test_the_end_of_what_others_wait_for_has_its_job_go_on() -> None:
    """At once where there is nothing to copy, else when the copy is made."""

    def over(step: int, *outputs: Output, status: RunStatus = RunStatus.COMPLETED) -> Generation:
        running = a_part(a_chain(), step, status=RunStatus.RUNNING)
        report = a_report(status=status, outputs=outputs)
        ending = runs.verdict_of(report)
        return runs.ended(running, ending, now=later(60), taker=a_taker())

    assert runs.ADVANCE in owes(over(1, status=RunStatus.FAILED))
    assert runs.ADVANCE in owes(over(1))
    copying = owes(over(1, an_output()))
    assert (runs.KEEP in copying, runs.ADVANCE in copying) == (True, False)
    assert runs.ADVANCE not in owes(over(3))


def test_a_former_attempts_claim_holds_nothing_of_the_next() -> None:
    """Whoever slept through the sending of what is made again cannot acknowledge it."""
    lost = made(LOST, version=7)
    debt = the_debt(remade(lost), runs.SUBMIT)
    assert debt.n > lost.version
    assert not debts.held(remade(lost).owed, runs.SUBMIT, 1)
    assert debt.next_at >= later(300) - timedelta(seconds=1)
