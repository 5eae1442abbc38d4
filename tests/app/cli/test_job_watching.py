"""app.cli.job_watching: how a job goes, as somebody is shown it."""

import io
import re
from typing import Any

import httpx
import pytest
from rich.console import Console

from app.cli import job_watching
from app.cli.job_watching import Part
from tests.builders import NOON

pytestmark = pytest.mark.anyio

BASE = "http://relay.test"


def a_step(number: int = 1, item: int = 1, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any
    """What the API says of a step, as far as it is read here."""
    known = {"preset": "dress", "generation": f"{number}-{item}", "status": "running"}
    known |= {"progress": 0.5, "costUsd": None, "price": None, "number": number, "item": item}
    return known | fields


def a_record(step: dict[str, Any], **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any
    """What the API says of its generation."""
    known: dict[str, Any] = {"id": step["generation"], "status": step["status"]}
    known |= {"statusReason": None, "responsePayload": {"outputs": []}}
    known |= {"attempt": 1, "maxAttempts": 2, "durationSeconds": None}
    return known | fields


def an_output(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any
    """Something that was made."""
    return {"mediaUrl": None, "url": None, "text": None, "notKept": None} | fields


def a_job(*steps: dict[str, Any], made: Any = (), **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any
    """What the API says of a job."""
    known = {"id": "7", "status": "active", "statusReason": None, "pause": None, "price": None}
    known |= {"first": 1, "of": steps[-1]["number"], "steps": list(steps)}
    return known | {"generations": list(made)} | fields


def test_a_part_says_what_there_is_to_say() -> None:
    """Its number, of several its item, how long it took, and what it came to."""
    done = a_step(1, 2, status="completed", costUsd="0.02", price="1.500000")
    outputs = [
        an_output(mediaUrl="/media/a.png", url="x"),
        an_output(mediaUrl="https://relay.example.com/b.png"),
        an_output(text="a coat"),
        an_output(url="http://engine.test/c.png", notKept="too_large"),
        an_output(url="http://engine.test/d.png"),
    ]
    record = a_record(
        done, statusReason="as wished", durationSeconds=3.04, responsePayload={"outputs": outputs}
    )
    job = a_job(a_step(1, 1, status=None, progress=None), done, made=[record], first=2, of=4)

    first, second = job_watching.parts(job, BASE, NOON)

    assert first == Part("step 2 of 4, 1 of 2", "dress", "pending", 0.0, (), ())
    assert second.facts == ("as wished", "in 3.0 s", "cost 0.02 USD", "1.5 credits")
    assert second.made == (
        f"{BASE}/media/a.png",
        "https://relay.example.com/b.png",
        "a coat",
        "http://engine.test/c.png",
    )


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (a_job(a_step(), status="failed"), "failed, price not known yet"),
        (
            a_job(
                a_step(1, costUsd="0.02"),
                a_step(2, costUsd="0.03"),
                status="cancelled",
                statusReason="stopped",
                price="1.000000",
            ),
            "cancelled, cost 0.05 USD, 1 credit, stopped",
        ),
    ],
)
def test_the_end_says_what_all_of_it_came_to(job: dict[str, Any], said: str) -> None:
    """As far as that is known."""
    assert job_watching.total(job) == said


async def test_a_terminal_is_drawn_on() -> None:
    """Addresses once and not folded, above the bars; at the end the bars stay."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=70, highlight=False)
    name = f"/media/{'a' * 80}.png"
    running, done = a_step(), a_step(status="completed", price="1")
    lost = an_output(url="http://engine.test/a.png")
    outputs = {"outputs": [an_output(mediaUrl=name), lost]}
    answers = [
        a_job(running, made=[a_record(running)]),
        *[
            a_job(
                done, made=[a_record(done, responsePayload=outputs)], status="completed", price="1"
            )
        ]
        * job_watching.LAST_LOOKS,
    ]
    left = iter(answers)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=next(left)))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        code = await job_watching.watch(client, answers[0], console, every=0)

    assert code == 0
    assert screen.getvalue().count(BASE + name) == 1
    assert re.search(r"step 1 of 1 .*dress .*completed, 1 credit", screen.getvalue())
    assert next(left, None) is None, "what was made last is waited for, for a while"
