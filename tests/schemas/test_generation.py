"""schemas.generation: the record as it is stored, and as it is shown."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from pydantic import ValidationError

from processors import runs
from schemas.debt import OUTWARD, Debt, DebtKind
from schemas.generation import CostRate, EngineRun, Generation, Metadata, RateUnit, Request
from schemas.run import OPEN, TERMINAL, RunEvent, RunStatus
from tests import strategies
from tests.builders import (
    ID,
    JOB,
    NOON,
    RUN,
    a_generation,
    a_report,
    a_run_event,
    an_order,
    an_output,
    heard,
    later,
)

SHOWN = {
    "id",
    "version",
    "updatedAt",
    "engine",
    "jobId",
    "step",
    "steps",
    "items",
    "item",
    "timeLimit",
    "attempt",
    "runs",
    "createdAt",
    "schemaVersion",
    "metadata",
    "status",
    "statusReason",
    "endedBy",
    "confirmed",
    "progress",
    "liveStatus",
    "queuePosition",
    "cancelWanted",
    "cancelWantedAt",
    "requestTimestamp",
    "queuedAt",
    "startedAt",
    "responseTimestamp",
    "durationSeconds",
    "durationSource",
    "requestPayload",
    "responsePayload",
    "costUsd",
    "costReason",
    "maxAttempts",
    "slot",
    "priority",
    "expectedStartAt",
    "warnings",
    "price",
    "priceReason",
    "history",
}


def the_end() -> Generation:
    """A generation that its engine completed with one picture."""
    ending = runs.verdict_of(a_report(outputs=(an_output(),)))
    return runs.ended(a_generation(), ending, now=later(20))


@given(strategies.records())
def test_what_is_stored_is_read_again(record: Generation) -> None:
    """Every field comes back as it was."""
    assert Generation.read(record.document()) == record


def test_the_whole_record_is_read_again() -> None:
    """Also one that has ended, with its money as a decimal."""
    record = the_end().change(idempotency_key="k", idempotency_digest="d")

    assert Generation.read(record.document()) == record
    assert record.document()["costUsd"] == Decimal("0.004044")


def test_stored_names_are_those_that_consumers_use() -> None:
    """Snake case only where it always was."""
    document = the_end().document()

    assert document["_id"] == ID
    assert document["metadata"]["run_id"] == RUN
    assert document["metadata"]["telegramChatId"] == 4711
    assert set(document["requestPayload"]) == {"deployment_id", "inputs"}
    assert document["responsePayload"]["outputs"][0]["kind"] == "image"
    assert document["runs"][0]["runId"] == RUN


def test_inputs_are_stored_to_the_letter() -> None:
    """A null deep inside a list is what the person asked for."""
    request = Request(deployment_id="d", inputs={"list": [{"a": None}, 1, True, "x"]})

    assert request.document()["inputs"] == {"list": [{"a": None}, 1, True, "x"]}


def test_an_older_process_reads_a_newer_record() -> None:
    """Fields that it does not know are passed over, at any depth."""
    document = the_end().document()
    document["newer"] = 1
    document["metadata"]["newer"] = {"deep": []}

    assert Generation.read(document) == the_end()


@given(strategies.records(), strategies.lives())
def test_what_is_shown_has_every_field(record: Generation, said: list[RunEvent]) -> None:
    """No debts, no hearsay, no keys; what is unknown is null."""
    shown = heard(record, *said).internal()

    assert set(shown) == SHOWN
    json.dumps(shown)


def test_what_is_shown_is_in_the_words_of_the_api() -> None:
    """Times with milliseconds, money as digits, the outputs of the end."""
    shown = the_end().internal()

    assert (shown["id"], shown["costUsd"], shown["progress"]) == (ID, "0.004044", 1.0)
    assert shown["responseTimestamp"] == "2026-01-01T12:00:15.000Z"
    assert shown["metadata"]["costRate"] == {
        "amount": "0.000337",
        "currency": "USD",
        "unit": "second",
    }
    assert [each["url"] for each in shown["responsePayload"]["outputs"]] == [
        "https://outputs.example.com/1.png"
    ]
    assert an_order().internal()["costUsd"] is None


def test_nobody_sees_a_heard_output_or_a_heard_end() -> None:
    """Before the end is written there is nothing to see of it."""
    event = a_run_event(RunStatus.COMPLETED, outputs=(an_output(at=NOON),))
    shown = heard(a_generation(), event).internal()

    assert shown["responsePayload"] == {"outputs": [], "error": None}
    assert shown["status"] == "queued"
    assert "outputs.example.com" not in json.dumps(shown)


@pytest.mark.parametrize("status", sorted(RunStatus))
def test_an_end_is_an_end(status: RunStatus) -> None:
    """Every status is open or an end, and never both."""
    assert a_generation(status).ended == (status in TERMINAL) == (status not in OPEN)


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "10000", "0.0000000001"])
def test_a_rate_is_a_small_sum(amount: str) -> None:
    """Up to 9,999 USD to nine places: what a year of it costs can be kept."""
    with pytest.raises(ValidationError):
        CostRate(amount=Decimal(amount), unit=RateUnit.SECOND)


@pytest.mark.parametrize(
    "amount",
    ["1_000", "\u0663", "\uff11\uff12", " 5 ", "5\n", "1e3", "+1", ".5", "5.", "", "-1", "NaN"],
)
def test_a_rate_is_written_in_plain_digits(amount: str) -> None:
    """As every other amount is; what else Python reads as a number is none."""
    with pytest.raises(ValidationError):
        CostRate.read({"amount": amount, "unit": "second"})


@pytest.mark.parametrize(("amount", "read"), [("1", "1"), ("1e-5", "0.00001"), ("0.5", "0.5")])
def test_a_rate_may_be_a_number(amount: str, read: str) -> None:
    """As presets are written; yes and no are none."""
    assert CostRate.model_validate_json(f'{{"amount": {amount}, "unit": "run"}}').amount == Decimal(
        read
    )
    with pytest.raises(ValidationError):
        CostRate.model_validate_json('{"amount": true, "unit": "run"}')


def test_a_rate_is_shown_as_it_may_be_given() -> None:
    """Without an exponent, however small it is."""
    rate = CostRate.read({"amount": "0.000000001", "unit": "second"})

    assert rate.model_dump(mode="json")["amount"] == "0.000000001"
    assert CostRate.read(rate.model_dump(mode="json")) == rate


def test_metadata_may_be_empty() -> None:
    """Nobody has to be told anything."""
    assert Metadata().document() == {"labels": {}}


def test_debts_to_people_are_told_from_debts_to_ourselves() -> None:
    """Only the first die."""
    assert {DebtKind.SHOW, DebtKind.NOTIFY, DebtKind.DELIVER} == OUTWARD


def test_a_past_status_of_a_newer_version_is_history() -> None:
    """What is past decides nothing; what a record stands at must be known."""
    document = a_generation().document()
    past = {"status": "stalled", "at": NOON, "source": "us", "why": "slow"}

    read = Generation.read({**document, "history": [past]})
    assert read.history[0].document() == past
    assert read.internal()["history"][0]["status"] == "stalled"
    with pytest.raises(ValidationError):
        Generation.read({**document, "status": "stalled"})


def test_a_debt_of_a_newer_version_is_none_of_ours() -> None:
    """Its kind is kept as it is; what is no word at all is a mistake."""
    debt = Debt.read({"key": "brew", "kind": "brew", "nextAt": NOON})

    assert debt.kind not in frozenset(DebtKind)
    assert debt.document()["kind"] == "brew"
    with pytest.raises(ValidationError):
        Debt.read({"key": "brew", "kind": 7, "nextAt": NOON})


def test_a_generation_of_the_version_before_is_read() -> None:
    """It is the only one of its job, which goes on with nothing of it."""
    ran = EngineRun(attempt=1, run_id=RUN, submitted_at=NOON)
    known = a_generation(RunStatus.RUNNING, runs=(ran,), job_id=JOB, step=1, item=1)
    stored = known.document()
    for name in ("steps", "items"):
        del stored[name]
    del stored["runs"][0]["gone"]
    assert Generation.read(stored) == known
    assert not known.feeds
