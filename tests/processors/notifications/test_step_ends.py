"""notifications.step_ends: the one end of a job with several generations."""

from typing import Any, Final

import pytest

from processors import notifications
from processors.notifications import Content, step_ends
from processors.notifications.markup import stripped
from schemas.generation import Generation, Response, StatusChange
from schemas.job import Job, JobStatus, Outcome, PriceReason, Told
from schemas.run import RunStatus
from tests.builders import (
    JOB,
    NOON,
    a_chain,
    an_outcome,
    come_to,
    its_generations,
    its_id,
    later,
)
from tests.processors.notifications.test_steps import TITLES, pressed
from tests.speech import translate

COMPLETED, FAILED = RunStatus.COMPLETED, RunStatus.FAILED
CANCELLED, TIMEOUT = RunStatus.CANCELLED, RunStatus.TIMEOUT
MADE: Final = an_outcome()
DROPPED: Final = an_outcome(CANCELLED, reason="step_failed", by="us")


def told(
    job: Job, made: dict[Any, Generation] | None = None, untold: tuple[Any, ...] = ()
) -> Content:
    """How the end of a chain is told, whose generations ended as its steps came to."""
    statuses = [each.outcome.status for each in job.steps if each.outcome]
    return step_ends.end(
        job,
        its_generations(job, *statuses) if made is None else made,
        untold=untold,
        trusted=_everybody,
        titles=TITLES,
        translate=translate,
    )


def items(content: Content) -> list[str]:
    """Which pictures it brings."""
    return [item.output_id.split("/")[0] for item in content.items]


def _everybody(generation: Generation) -> notifications.Trusted:
    del generation
    return lambda _: True


def _closed(job: Job) -> str:
    """What is left of the status message."""
    return stripped(step_ends.status_message(job, translate=translate).text)


def test_a_job_that_is_done_brings_what_its_last_step_made() -> None:
    """What the others made was told with them."""
    job = come_to(a_chain(), MADE, MADE, MADE, steps_told=(1, 2), status=JobStatus.COMPLETED)
    content = told(job)

    assert content.plain == ("✅ Done\na lighthouse at dusk\nTime: 36 s\nPrice: 15 credits")
    assert items(content) == ["3-1"]
    assert pressed(content) == [f"a:{JOB}", f"i:{JOB}"]
    assert _closed(job) == "✅ Done"


def test_all_items_of_the_last_step_go_together_and_what_no_step_told() -> None:
    """In the order of steps and items."""
    assert items(told(come_to(a_chain(1, 2), MADE, MADE, MADE, steps_told=(1,)))) == ["2-1", "2-2"]
    assert items(told(come_to(a_chain(1, 2), MADE, MADE, MADE))) == ["1-1", "2-1", "2-2"]


def test_a_job_that_made_nothing_says_so() -> None:
    """An empty success is no silence."""
    job = come_to(a_chain(2), MADE, MADE)
    made = {
        id_: each.change(response_payload=Response())
        for id_, each in its_generations(job, COMPLETED, COMPLETED).items()
    }

    assert "The run made nothing that can be shown." in told(job, made).plain


def test_a_failed_step_says_which_and_why_and_what_was_charged() -> None:
    """What was kept, what was not made, and a button to make that step once more."""
    job = come_to(a_chain(), MADE, an_outcome(FAILED), DROPPED, steps_told=(1,))
    made = its_generations(job, COMPLETED, FAILED, CANCELLED)
    made[its_id(2)] = made[its_id(2)].change(status_reason="node 7 broke")
    content = told(job, made)

    assert content.plain.splitlines() == [
        "❌ Step 2 of 3 failed",
        "a lighthouse at dusk",
        "The engine says: node 7 broke",
        "Done: step 1",
        "Not made: step 3",
        "Time: 36 s",
        "Charged: 5 credits for step 1",
        "Returned: 10 credits",
    ]
    assert items(content) == []
    assert pressed(content) == [f"r:{JOB}:2", f"i:{JOB}"]
    assert _closed(job) == "❌ Step 2 of 3 failed"


def test_a_step_that_was_given_up_may_still_be_told_otherwise() -> None:
    """What is held for it stays so until then."""
    outcome = an_outcome(TIMEOUT, price=None, price_reason=None, provisional=True, by="us")
    job = come_to(a_chain(1, 1), outcome, DROPPED)
    made = its_generations(job, TIMEOUT, CANCELLED)
    made[its_id(1)] = made[its_id(1)].change(ended_by="us", status_reason="overdue")
    content = told(job, made)

    assert content.plain.startswith("⌛ Step 1 of 2 took too long and was stopped")
    assert "Reserved until we know: 5 credits" in content.plain
    assert "Not charged" not in content.plain
    assert "If it says otherwise, you will be told." in content.plain


def test_an_end_that_nobody_could_confirm_says_so() -> None:
    """As that of a single run."""
    job = come_to(a_chain(2), MADE, MADE)
    made = its_generations(job, COMPLETED, COMPLETED)
    made[its_id(1)] = made[its_id(1)].change(confirmed=False)

    assert "could not be asked whether this is right" in told(job, made).plain


@pytest.mark.parametrize(
    ("reason", "step", "button", "why"),
    [
        ("outputs_lost", 1, "🔁 Retry step 1", "gone before it could be stored"),
        ("input_refused", 2, "🔁 Go on with step 2", "It does not take what"),
        ("nothing_made", 2, "🔁 Go on with step 2", "made nothing that it could take"),
    ],
)
def test_a_step_that_could_not_begin_says_why(
    reason: str, step: int, button: str, why: str
) -> None:
    """Where what it takes is gone, that is what has to be made again."""
    dropped = an_outcome(CANCELLED, reason=reason, by="us")
    job = come_to(a_chain(), MADE, dropped, DROPPED)
    made = its_generations(job, COMPLETED, CANCELLED, CANCELLED)
    made[its_id(2)] = made[its_id(2)].change(status_reason=reason, ended_by="us", run_id=None)
    content = told(job, made)

    assert content.plain.startswith("❌ Step 2 of 3 could not begin")
    assert why in content.plain
    assert (content.rows[0][0].text, content.rows[0][0].data) == (button, f"r:{JOB}:{step}")


def test_a_step_whose_own_outputs_are_gone_has_failed() -> None:
    """It did begin: it is to be made again, and no step before it."""
    gone = an_outcome(FAILED, reason="outputs_gone")
    job = come_to(a_chain(1, 1), gone, DROPPED)
    made = its_generations(job, FAILED, CANCELLED)
    made[its_id(1)] = made[its_id(1)].change(status_reason="outputs_gone")
    content = told(job, made)

    assert content.plain.startswith("❌ Step 1 of 2 failed")
    assert "What it had made was gone before it could be stored." in content.plain
    assert content.rows[0][0].text == "🔁 Retry this step"


def test_what_lost_its_source_with_none_known_is_made_again_itself() -> None:
    """A step of an older order names no sources."""
    job = come_to(a_chain(1, 1), MADE, an_outcome(CANCELLED, reason="outputs_lost"))
    bare = tuple(each.change(sources={}) for each in job.steps)

    assert told(job.change(steps=bare)).rows[0][0].data == f"r:{JOB}:2"


@pytest.mark.parametrize(
    ("reason", "said"),
    [("stopped", "As you asked."), ("not_continued", "Nobody said in time that it should go on.")],
)
def test_a_job_that_ended_while_it_waited_says_after_which_step(reason: str, said: str) -> None:
    """And can be gone on with."""
    rest = an_outcome(CANCELLED, by="us")
    job = come_to(a_chain(), MADE, rest, rest, status_reason=reason, cancel_wanted=True)
    content = told(job.change(steps_told=(1,)))

    assert content.plain.splitlines()[0] == "🚫 Stopped after step 1 of 3"
    assert said in content.plain
    assert "Not made: steps 2-3" in content.plain
    assert "Returned: 10 credits" in content.plain
    assert content.rows[0][0].text == "🔁 Go on with step 2"


def test_a_job_that_its_person_cancelled_says_so() -> None:
    """What had run may cost something."""
    fee = an_outcome(CANCELLED, price=MADE.price, price_reason=PriceReason.CANCEL_FEE)
    content = told(come_to(a_chain(1, 1), MADE, fee, cancel_wanted=True))

    assert content.plain.startswith("🚫 Step 2 of 2 was cancelled")
    assert "As you asked." in content.plain
    assert "Price: 10 credits" in content.plain
    assert content.rows[0][0].text == "🔁 Retry this step"


def test_a_job_whose_records_are_gone_says_what_is_known() -> None:
    """Nothing is made up."""
    content = told(come_to(a_chain(1, 1), an_outcome(FAILED), DROPPED), {})

    assert content.plain == (
        "❌ Step 1 of 2 failed\nNot made: step 2\nNot charged\nReturned: 10 credits"
    )


def test_one_failure_of_many_items_loses_none_of_the_others() -> None:
    """What is missing can be made; where nothing was made, all of it."""
    content = told(come_to(a_chain(4), MADE, MADE, an_outcome(FAILED), MADE))
    assert content.plain.splitlines()[0] == "⚠️ 3 of 4 made"
    assert "Price: 15 credits" in content.plain
    assert items(content) == ["1-1", "1-2", "1-4"]
    assert content.rows[0][0].text == "🔁 Make the rest"

    nothing = told(come_to(a_chain(2), an_outcome(FAILED), an_outcome(FAILED)))
    assert nothing.plain.splitlines()[0] == "❌ It failed"
    assert nothing.rows[0][0].text == "🔁 Again"


def test_a_failure_among_the_items_of_a_step_is_counted() -> None:
    """The step did not complete, and what it has made is there."""
    content = told(come_to(a_chain(2, 1), MADE, an_outcome(FAILED), DROPPED))

    assert content.plain.splitlines()[0] == "❌ Step 1 of 2 failed"
    assert "1 of 2 made" in content.plain
    assert items(content) == ["1-1"]


def late(job: Job, number: int, made: dict[Any, Generation]) -> dict[Any, Generation]:
    """Have a step given up at noon and finished after all."""
    history = (
        StatusChange(status=TIMEOUT, at=NOON, source="us"),
        StatusChange(status=COMPLETED, at=later(600), source="engine"),
    )
    id_ = job.parts(number)[0].generation
    return {**made, id_: made[id_].change(history=history)}


def test_a_step_that_was_given_up_and_finished_late_is_told_alone() -> None:
    """When it was given up, its picture, what all came to, and how to go on."""
    free = an_outcome(price=MADE.price, price_reason=PriceReason.FREE_LATE)
    knows = Told(status=JobStatus.TIMEOUT, outputs="/")
    job = come_to(a_chain(1, 1), free.change(price=0), DROPPED, told=knows)
    made = late(job, 1, its_generations(job, COMPLETED, CANCELLED))
    content = told(job, made, (its_id(1),))

    assert content.plain.splitlines() == [
        "We had given this up at 2026-01-01 12:00 UTC; it finished after all.",
        "✅ Step 1 of 2 is done: Jacket",
        "a lighthouse at dusk",
        "Done: step 1",
        "Time: 12 s",
        "Not charged",
        "What came so late is free of charge",
        "Returned: 10 credits",
    ]
    assert items(content) == ["1-1"]
    assert content.rows[0][0].text == "🔁 Go on with step 2"


def test_the_last_step_that_comes_late_ends_the_job_well() -> None:
    """Only what is new is sent."""
    knows = Told(status=JobStatus.TIMEOUT, outputs="made/")
    job = come_to(a_chain(1, 1), MADE, MADE, told=knows, status=JobStatus.COMPLETED)
    made = late(job, 2, its_generations(job, COMPLETED, COMPLETED))
    content = told(job, made, (its_id(2),))

    assert content.plain.splitlines()[:2] == [
        "We had given this up at 2026-01-01 12:00 UTC; it finished after all.",
        "✅ Done",
    ]
    assert items(content) == ["2-1"]


def test_another_end_than_was_told_is_admitted() -> None:
    """Where nothing came late; a step whose outputs changed without an end is told so, too."""
    knows = Told(status=JobStatus.TIMEOUT, outputs="/")
    job = come_to(a_chain(1, 1), an_outcome(FAILED), DROPPED, told=knows, steps_told=(1, 2))
    content = told(job, None, (its_id(1), its_id(9)))

    assert content.plain.startswith("What you were told before was not final.")
    assert "Step 1 of 2 failed" in content.plain
    assert items(content) == []


def test_what_changes_about_the_money_later_is_told_by_sums() -> None:
    """With what was given back."""
    back = an_outcome(refunded=MADE.price)
    job = come_to(a_chain(1, 1), MADE, back)
    said = step_ends.settled_later(job, titles=TITLES, translate=translate)

    assert said.plain == (
        "About your order Jacket:\nCharged: 5 credits for step 1\nReturned: 5 credits"
    )


def test_a_job_is_summed_with_what_is_not_known() -> None:
    """An outcome without a reason for its price, an estimate, and steps that have none yet."""
    plain = Outcome(status=COMPLETED, price=MADE.price)
    estimated = an_outcome(price_reason=PriceReason.ESTIMATED)
    job = come_to(a_chain(1, 1, 1, 1), plain, None, estimated, DROPPED)
    said = step_ends.settled_later(job, titles={}, translate=translate)

    assert "About your order jacket:" in said.plain
    assert "Charged: 10 credits for steps 1, 3" in said.plain
    assert "(estimated)" in said.plain
