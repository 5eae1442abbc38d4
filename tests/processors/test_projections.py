"""processors.projections: the public part of records holds nothing that is the operator's."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.usecases.orders import JobView
from app.web import job_views, shown
from schemas.base import RunId
from schemas.generation import CostRate, EngineRun, Metadata, RateUnit, Request, Response
from schemas.run import Output, OutputKind
from tests.builders import NOON, a_generation, a_job

SECRETS = ("engine.example", "4711", "0.0042", "server-one", "campaign", "own-reason", "digest")


def a_full_generation() -> dict[str, object]:
    """Return the public part of a generation that has something in every field."""
    record = a_generation(
        metadata=Metadata(
            run_id=RunId("run-1"),
            user_id="ada",
            telegram_chat_id=4711,
            status_message_id=4711,
            preset="t2i",
            cost_rate=CostRate(amount=Decimal("0.0042"), unit=RateUnit.SECOND),
            labels={"campaign": "x"},
        ),
        runs=(EngineRun(attempt=1, run_id=RunId("run-1"), server="server-one", submitted_at=NOON),),
        slot="server-one#1",
        live_status="step 12/20 at https://engine.example/q",
        status_reason="own-reason https://engine.example",
        cost_usd=Decimal("0.0042"),
        started_at=NOON + timedelta(seconds=1),
        request_payload=Request(workflow="digest", inputs={"prompt": "a lighthouse", "seed": 4711}),
        response_payload=Response(
            outputs=(
                Output(
                    id="o/1", kind=OutputKind.IMAGE, url="https://engine.example/x.png", key="k"
                ),
            ),
            error="no /srv/models/x at https://engine.example/y?key=1",
        ),
    )
    return shown.public(record, lambda output: f"/media/{output.key}")


def test_nothing_of_the_operators_is_shown() -> None:
    """Costs, rates, chats, servers, engines' addresses, labels and free reasons stay here."""
    told = a_full_generation()
    assert [each for each in SECRETS if each in str(told)] == []
    assert told["statusReason"] is None
    assert told["liveStatus"] == "step 12/20 at …"
    assert told["responsePayload"] == {
        "outputs": [
            {
                "id": "o/1",
                "kind": "image",
                "contentType": None,
                "filename": None,
                "text": None,
                "notKept": None,
                "mediaUrl": "/media/k",
                "url": None,
            }
        ],
        "error": "no x at …",
    }
    assert told["requestPayload"] == {"inputs": {"prompt": "a lighthouse"}}
    assert told["metadata"] == {"preset": "t2i"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Cannot connect to host 10.0.0.5:8188 ssl:default",
            "Cannot connect to host … ssl:default",
        ),
        (
            "HTTPConnectionPool(host='10.0.0.5', port=8188)",
            "HTTPConnectionPool(host='…', port=8188)",
        ),
        ("no answer of localhost:8188", "no answer of …"),
        ("no answer of [fd00::1]:8188", "no answer of …"),
        ("connect to gpu-7.farm.internal:8188 failed", "connect to … failed"),
        ("torch 2.7.1 lacks it, nodes.py:120 [16]", "torch 2.7.1 lacks it, nodes.py:120 [16]"),
    ],
)
def test_an_address_without_a_scheme_is_an_address(said: str, told: str) -> None:
    """As clients write it that cannot reach something: in errors and in live words alike."""
    record = a_generation(live_status=said, response_payload=Response(error=said))
    part = shown.public(record, _nowhere)
    assert part["liveStatus"] == part["responsePayload"]["error"] == told


def test_it_has_the_shape_of_the_whole() -> None:
    """Whoever reads the one reads the other: every field of it is one of the whole's."""
    record = a_generation(status_reason="cancelled_by_user", request_payload=Request())
    part, whole = shown.public(record, _nowhere), shown.internal(record, _nowhere)
    assert part.keys() < whole.keys()
    assert part["statusReason"] == "cancelled_by_user"
    assert part["requestPayload"] == {"inputs": {}}
    assert part["responsePayload"]["error"] is None


def test_of_a_job_its_person_sees_what_it_made_and_what_they_pay() -> None:
    """Inputs, chats and costs are left out, of its steps and of its generations too."""
    job, output = a_job(), Output(id="o/1", kind=OutputKind.TEXT, url="https://engine.example/x")
    record = a_generation(id=job.steps[0].generation, response_payload=Response(outputs=(output,)))
    told = job_views.public(JobView(job, (record,)), _nowhere)
    whole = job_views.internal(JobView(job, (record,)), _nowhere)
    assert told.keys() < whole.keys()
    assert told["steps"][0].keys() < whole["steps"][0].keys()
    assert not {"costUsd", "inputs", "terms"} & told["steps"][0].keys()
    assert told["outputs"][0]["url"] is None
    assert told["generations"] == [shown.public(record, _nowhere)]


def _nowhere(_output: Output) -> None:
    """There is no copy."""
