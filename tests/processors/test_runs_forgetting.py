"""runs: what is left of a generation whose person is forgotten."""

from decimal import Decimal

import pytest
from pydantic import JsonValue

from processors import runs
from schemas.base import InstanceName
from schemas.generation import Generation, Request, Response
from schemas.run import RunStatus
from tests.builders import NOON, a_debt, a_generation, an_output, later, some_metadata

PICTURE = f"inputs/{'a' * 32}.png"
OTHER = f"inputs/{'b' * 32}.webp"
BUSY = InstanceName("there")


def ended(**fields: object) -> Generation:
    """A generation that has ended and owes nothing."""
    return a_generation(RunStatus.COMPLETED, **({"owed": (), "due_at": None} | fields))


def test_what_runs_is_not_forgotten() -> None:
    """Neither its debts go nor its words."""
    running = a_generation(RunStatus.RUNNING)

    assert not runs.forgettable(running)
    assert runs.released(running) == running
    assert runs.blanked(running.change(owed=())) == running.change(owed=())


@pytest.mark.parametrize(
    ("debt", "can"),
    [
        (a_debt(runs.NOTIFY), True),
        (a_debt(runs.SHOW), True),
        (a_debt(runs.KEEP), True),
        (a_debt(runs.KEEP, by=BUSY), False),
        (a_debt(runs.NOTIFY, by=BUSY), False),
        (a_debt(runs.ASK), False),
        (a_debt(runs.END), False),
        (a_debt(runs.CANCEL, dead_at=NOON), True),
    ],
)
def test_what_is_only_for_the_person_is_dropped(debt: object, *, can: bool) -> None:
    """What is being done at the moment is waited for, and so is what is between us and engines."""
    record = ended(owed=(debt,), due_at=NOON)
    released = runs.released(record)

    assert runs.forgettable(record) is can
    assert released == (record.change(owed=(), due_at=None) if can else record)
    assert (runs.blanked(record) == record) is True


def test_what_somebody_said_or_was_shown_is_gone() -> None:
    """What ran, when, and what it cost stays."""
    metadata = some_metadata(
        run_id="run-1",
        user_id="u",
        telegram_message_id=7,
        status_message_id=8,
        language="pt",
        preset="p",
        labels={"from": "ada"},
    )
    record = ended(
        metadata=metadata,
        heard=(an_output(),),
        live_status="a lighthouse",
        status_reason="no lighthouse",
        cost_usd=Decimal(1),
        response_payload=Response(outputs=(an_output(),), error="a lighthouse"),
    )
    after = runs.blanked(record)

    assert "lighthouse" not in after.model_dump_json()
    assert "example.com" not in after.model_dump_json()
    assert after == record.change(
        metadata=some_metadata(run_id="run-1", user_id="u", preset="p", telegram_chat_id=None),
        request_payload=record.request_payload.change(inputs={}),
        response_payload=Response(),
        heard=(),
        live_status=None,
        status_reason=None,
    )
    assert runs.blanked(after) == after
    assert after.updated_at < later(1)


def test_its_files_are_those_it_was_given_and_those_it_made() -> None:
    """However deep a picture lies; an address is no file of ours."""
    inputs: dict[str, JsonValue] = {
        "image": f"media:{PICTURE}",
        "more": [{"x": f"media:{OTHER}"}, 1, True, "media:inputs/../x.png"],
        "url": f"https://example.com/{OTHER}",
    }
    record = ended(
        request_payload=Request(deployment_id="d", inputs=inputs),
        response_payload=Response(outputs=(an_output(key="outputs/1"), an_output("2"))),
    )

    assert runs.files_of(record) == {PICTURE, OTHER, "outputs/1"}
