"""app.telegram.conversation.job_views: orders in words."""

from decimal import Decimal
from typing import Any

import pytest

from app.telegram.conversation import admin_views, job_views
from app.usecases.arrears import Arrear, Silent, Stuck
from app.usecases.orders import JobView
from schemas.debt import Debt, DebtKind
from schemas.generation import Response
from schemas.job import JobStatus, Outcome, Pause
from schemas.run import RunStatus
from tests.builders import (
    JOB,
    NOON,
    a_chain,
    a_generation,
    a_job,
    a_preset,
    a_step,
    an_output,
    its_generations,
    its_id,
    later,
    titled,
)
from tests.speech import ENGLISH, RUSSIAN

PRESETS = {"l4_t2i": a_preset()}
PAID = Outcome(status=RunStatus.COMPLETED, price=Decimal(5))


@pytest.mark.parametrize(
    ("fields", "status", "price"),
    [
        ({}, "⏳ Running", "Set aside: 5 credits"),
        ({"cancel_wanted": True}, "⏳ Being cancelled", "Set aside: 5 credits"),
        ({"status": JobStatus.REFUSED}, "🚫 Not enough credits", "Not charged"),
        (
            {"status": JobStatus.COMPLETED, "steps": (a_step(outcome=PAID),)},
            "✅ Done",
            "Price: 5 credits",
        ),
        (
            {
                "status": JobStatus.COMPLETED,
                "steps": (a_step(outcome=PAID.change(refunded=Decimal(2))),),
            },
            "✅ Done",
            "Price: 5 credits (given back: 2 credits)",
        ),
        ({"status": JobStatus("newer")}, "❔ Running", "Set aside: 5 credits"),
    ],
)
def test_how_an_order_stands(fields: dict[str, Any], status: str, price: str) -> None:
    """With what it came to by then."""
    job = a_job(**fields)

    assert job_views.status(ENGLISH, job) == status
    assert job_views.price(ENGLISH, job) == price


def test_all_of_an_order() -> None:
    """Pictures are no addresses, long values are cut, and a preset that is gone has its name."""
    step = a_step(
        preset="gone", inputs={"image": "media:inputs/x.png", "prompt": "a" * 900, "steps": 20}
    )
    job = a_job(steps=(step,), status=JobStatus.COMPLETED, ended_at=later(60))
    text = job_views.info(ENGLISH, PRESETS, JobView(job, ()), NOON)

    assert text.startswith("<b>gone</b>\n✅ Done\nOrdered: 2026-01-01 12:00 UTC\nEnded: ")
    assert "image: a picture\n" in text
    assert "media:" not in text
    assert "a" * 499 + "…" in text
    assert "steps: 20" in text
    assert f"Order: <code>{JOB}</code>" in text


def test_an_order_that_waits_says_where() -> None:
    """Its place in the line; once that has ended, nothing of it."""
    waits = a_generation(RunStatus.PENDING, queue_position=2, expected_start_at=later(60))
    text = job_views.info(ENGLISH, PRESETS, JobView(a_job(), (waits,)), NOON)
    over = waits.change(status=RunStatus.COMPLETED)

    assert "\nplace 2 in the queue, about 1 min\nSet aside: 5 credits" in text
    assert "place" not in job_views.info(ENGLISH, PRESETS, JobView(a_job(), (over,)), NOON)


def test_a_list_of_one_without_words() -> None:
    """No prompt, no line for it; buttons only for pages that there are."""
    job = a_job(steps=(a_step(inputs={}),))
    text, rows = job_views.history(RUSSIAN, PRESETS, [job], None, first=True)

    assert text.endswith("· Отложено: 5 кредитов")
    assert [[each.data for each in row] for row in rows] == [[f"i:{JOB}"]]
    assert job_views.to_cancel(ENGLISH, PRESETS, [job])[0][0].text == "✖️ Picture"


def test_what_administrators_see() -> None:
    """What has not got on, and what was given up, with the words of why."""
    debt = Debt(key="submit", kind=DebtKind.SUBMIT, next_at=NOON, last_error="a <b>fault</b>")
    found = Stuck((Silent("job", JOB, "active", NOON),), (Arrear("generation", "1", debt),))

    text = admin_views.stuck(ENGLISH, found)
    assert f"<code>{JOB}</code>\njob: active · 2026-01-01 12:00 UTC" in text
    assert "generation: submit · 2026-01-01 12:00 UTC a &lt;b&gt;fault&lt;/b&gt;" in text
    assert admin_views.stuck(ENGLISH, Stuck((), ())) == "Nothing is stuck."
    assert admin_views.dead(ENGLISH, []) == "Nothing was given up."
    assert "submit" in admin_views.dead(ENGLISH, [Arrear("job", "1", debt)])


def test_an_order_of_several_steps_lists_them() -> None:
    """What is made several times says how many there are; what runs says how far it is."""
    job = a_chain(1, 3, 1)
    made = its_generations(job, RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.RUNNING)
    del made[its_id(3)]
    presets = {"jacket": a_preset("jacket", titles=titled("Jacket"))}
    text = job_views.info(ENGLISH, presets, JobView(job, tuple(made.values())), NOON)

    assert text.startswith("<b>Jacket, 3 steps</b>")
    assert "1. Jacket: Done\n2. Jacket: 1 of 3 made\n3. Jacket: Accepted" in text
    waits = job.change(pause=Pause(step=1, at=NOON, until=later(60)))
    assert job_views.status(ENGLISH, waits) == "⏸ Waiting for you to go on"
    assert job_views.status(ENGLISH, waits.change(cancel_wanted=True)) == "⏸ Being cancelled"


def test_what_is_made_so_far_can_be_had() -> None:
    """Of the last step that has any; not where nothing is copied yet, nor of a single run."""
    job = a_chain(1, 1)
    made = its_generations(job, RunStatus.COMPLETED, RunStatus.COMPLETED)
    assert job_views.so_far(ENGLISH, JobView(job, tuple(made.values()))) == ()

    outputs = Response(outputs=(an_output(key="outputs/1.png"),))
    made[its_id(1)] = made[its_id(1)].change(response_payload=outputs)
    view = JobView(job, tuple(made.values()))
    ((button,),) = job_views.so_far(ENGLISH, view)
    assert (button.text, button.data) == ("📎 Picture so far", f"o:{JOB}")
    assert [each.key for each in job_views.kept(view)] == ["outputs/1.png"]
    assert job_views.so_far(ENGLISH, JobView(a_job(), ())) == ()
