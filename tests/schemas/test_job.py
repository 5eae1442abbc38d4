"""schemas.job: what is stored of an order and what is shown of it."""

from decimal import Decimal

import pytest

from schemas.base import GenerationId
from schemas.job import Job, JobStatus, Outcome, Pause, PriceReason, Source
from schemas.run import OutputKind, RunStatus
from tests.builders import (
    ID,
    JOB,
    NOON,
    a_chain,
    a_debt,
    a_job,
    a_step,
    come_to,
    its_id,
    later,
)

OTHER = GenerationId("other")


def paid(price: str | None) -> Outcome:
    """The outcome of a step at this price."""
    return Outcome(status=RunStatus.COMPLETED, price=None if price is None else Decimal(price))


@pytest.mark.parametrize(
    ("outcomes", "price"),
    [
        ((paid("5"), paid("0.5")), Decimal("5.5")),
        ((paid("5"), paid(None)), None),
        ((paid("5"), None), None),
        ((paid("0"),), Decimal(0)),
    ],
)
def test_a_price_is_known_when_that_of_every_step_is(
    outcomes: tuple[Outcome | None, ...], price: Decimal | None
) -> None:
    """Till then something is held."""
    assert a_job(steps=tuple(a_step(outcome=each) for each in outcomes)).price == price


def test_a_step_is_found_by_its_generation() -> None:
    """Or is not there."""
    job = a_job(steps=(a_step(), a_step(generation=OTHER)))

    assert job.step_of(OTHER) is job.steps[1]
    assert job.step_of(GenerationId("x")) is None


def test_what_is_shown_has_every_field_and_no_debts() -> None:
    """Nor the key it was ordered under; amounts are decimal strings."""
    job = a_job(owed=(a_debt("notify"),), idempotency_key="k", steps=(a_step(outcome=paid("3")),))
    shown = job.internal()

    assert (shown["id"], shown["held"], shown["price"]) == (JOB, "5", "3")
    assert {"owed", "dueAt", "idempotencyKey", "idempotencyDigest", "told"}.isdisjoint(shown)
    (step,) = shown["steps"]
    assert (step["generation"], "work" in step) == (ID, False)
    assert shown["endedAt"] is None
    assert a_job().internal()["price"] is None


def test_words_of_a_newer_version_are_kept() -> None:
    """They are none that we know, and are written back as they were."""
    outcome = paid("3").change(price_reason=PriceReason("gift"))
    job = a_job(status=JobStatus("archived"), steps=(a_step(outcome=outcome),))
    document = job.document()
    document["steps"][0]["colour"] = "blue"
    read = Job.read(document)

    assert (read.status, read.ended) == ("archived", True)
    assert read.status not in frozenset(JobStatus)
    step = read.steps[0].document()
    assert (step["colour"], step["outcome"]["priceReason"]) == ("blue", "gift")


@pytest.mark.parametrize("kind", [JobStatus, PriceReason])
def test_a_word_is_a_text(kind: type[JobStatus | PriceReason]) -> None:
    """A number is none of any version."""
    with pytest.raises(ValueError, match="5"):
        kind(5)


def test_a_job_of_several_steps_is_read_as_it_was_written() -> None:
    """What each takes of others, what it was given by others before, and that it waits."""
    first, second = come_to(a_chain(1, 1), paid("5")).steps
    source = Source(step=1, generation=its_id(1), type=OutputKind.TEXT, of="9/", place=2, most=80)
    job = a_job(
        steps=(first, second.change(sources={"text": source}, fixed={"image_0": "media:a.png"})),
        manual=True,
        continued=1,
        pause=Pause(step=1, at=NOON, until=later(60)),
        goes_on=JOB,
        first=3,
        steps_told=(1,),
    )
    assert Job.read(job.document()) == job
    shown = job.internal()
    assert shown["pause"]["step"] == 1
    assert (shown["goesOn"], shown["first"], shown["manual"]) == (JOB, 3, True)
    assert {"work", "fixed"}.isdisjoint(shown["steps"][1])
    assert shown["steps"][1]["sources"]["text"]["generation"] == its_id(1)


def test_a_job_of_the_version_before_is_read() -> None:
    """It is of one step, which takes nothing of others, and nobody is asked about it."""
    stored = a_job(steps=(a_step(outcome=paid("5")),)).document()
    for name in ("manual", "continued", "first", "stepsTold"):
        del stored[name]
    for name in ("number", "item", "sources", "fixed"):
        del stored["steps"][0][name]
    del stored["steps"][0]["outcome"]["attempt"]
    job = Job.read(stored)

    assert job == a_job(steps=(a_step(outcome=paid("5")),))
    assert (job.single, job.last, job.parts(1), job.parts(2)) == (True, 1, job.steps, ())
