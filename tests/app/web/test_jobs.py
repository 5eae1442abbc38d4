"""app.web.jobs: orders over HTTP, and what is refused of them, by name."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import JsonValue

from app.errors import (
    ConflictError,
    DiskFullError,
    EngineOffError,
    IdempotencyMismatchError,
    LimitReachedError,
    NotAllowedError,
    NotFoundError,
    PausedError,
    StoreDownError,
    TelegramOffError,
    UserBlockedError,
)
from app.usecases.orders import JobView
from app.web import shown
from processors.chains import Ordered
from processors.errors import (
    ChainRefusedError,
    InputFault,
    InputRefusedError,
    InsufficientCreditsError,
)
from schemas.base import GenerationId
from schemas.generation import Response
from schemas.job import JobChat, JobStatus, Outcome, Source
from schemas.preset import Binding
from schemas.run import OutputKind, RunStatus
from tests.app.web.fakes import API_KEY, ENGINE, RETRIED, World
from tests.app.web.serving import serving
from tests.builders import JOB, USER, a_generation, a_job, a_step, a_user, an_output, later

pytestmark = pytest.mark.anyio

PATH = "/api/jobs"
CREATE = f"{PATH}/create"
ONE = f"{PATH}/{JOB}"
ORDER: dict[str, JsonValue] = {
    "user": USER,
    "preset": "l4_t2i",
    "inputs": {"prompt": "a lighthouse at dusk", "steps": 20},
}
STRANGER = "0198c0ffee0198c0ffee0198c0ffee98"


def a_world() -> World:
    """A world in which `USER` is known, who reads Portuguese."""
    world = World()
    world.people.records[USER] = a_user(language="pt")
    return world


def with_jobs() -> World:
    """A world with a job that runs, its generation beside it."""
    world = a_world()
    output = an_output(key="outputs/x")
    made = a_generation(
        RunStatus.COMPLETED, job_id=JOB, response_payload=Response(outputs=(output,))
    )
    world.orders.views[JOB] = JobView(a_job(), (made,))
    return world


async def test_an_order_is_taken_and_shown() -> None:
    """201 with where it is; who pays, what for, and that a program asked."""
    world = a_world()
    async with serving(world) as site:
        made = await site.client.post(CREATE, json=ORDER)
        found = await site.client.get(made.headers["location"])

    assert made.status_code == 201
    assert made.headers["location"] == ONE
    assert (found.status_code, found.json()) == (200, made.json())
    assert shown.job().model_validate_json(found.content)
    told = made.json()
    assert (told["id"], told["status"], told["generations"]) == (JOB, "active", [])
    assert (told["held"], told["price"]) == ("5", None)
    (order,) = world.orders.placed
    assert (order.user.id, order.preset, order.by) == (USER, "l4_t2i", "api")
    assert (order.inputs, order.chat) == (ORDER["inputs"], None)


async def test_a_step_is_the_same_as_a_preset() -> None:
    """There is one of them."""
    world = a_world()
    step = {"preset": "l4_t2i", "inputs": ORDER["inputs"]}
    async with serving(world) as site:
        await site.client.post(CREATE, json={"user": USER, "steps": [step]})
        await site.client.post(CREATE, json={"user": USER, "preset": "l4_t2i"})

    first, second = world.orders.placed
    assert (first.preset, first.inputs) == ("l4_t2i", ORDER["inputs"])
    assert second.inputs == {}


@pytest.mark.parametrize(("asked", "language"), [({}, "pt"), ({"language": "ru"}, "ru")])
async def test_an_end_is_told_where_it_is_wanted(asked: dict[str, str], language: str) -> None:
    """In the person's language, unless another is named."""
    world = a_world()
    notify = {"telegramChatId": -100, "telegramMessageId": 7, **asked}
    async with serving(world) as site:
        await site.client.post(CREATE, json=ORDER | {"notify": notify})

    chat = JobChat(telegram_chat_id=-100, telegram_message_id=7, language=language)
    assert world.orders.placed[0].chat == chat


async def test_a_repeated_order_is_answered_as_it_was() -> None:
    """Under its key, which is scoped by who calls."""
    world, key = a_world(), {"Idempotency-Key": "k"}
    async with serving(world) as site:
        first = await site.client.post(CREATE, json=ORDER, headers=key)
        again = await site.client.post(CREATE, json=ORDER, headers=key)

    assert "idempotent-replayed" not in first.headers
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (again.headers["location"], again.json()) == (ONE, first.json())
    assert len(world.orders.placed) == 1
    job = world.orders.views[JOB].job
    assert str(job.idempotency_key).endswith(":k")
    assert job.idempotency_digest is not None


async def test_an_unknown_person_is_not_there() -> None:
    """404 by what is missing, and nothing is ordered."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.client.post(CREATE, json=ORDER | {"user": STRANGER})

    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
    assert "user" in answer.json()["detail"]
    assert world.orders.placed == []


@pytest.mark.parametrize(
    ("error", "status", "reason", "field"),
    [
        (NotFoundError("preset"), 404, "not_found", None),
        (
            InsufficientCreditsError(Decimal(3), Decimal("2.5")),
            402,
            "insufficient_credits",
            None,
        ),
        (UserBlockedError(), 403, "user_blocked", None),
        (NotAllowedError("l4_t2i"), 403, "not_allowed", None),
        (PausedError("preset", "l4_t2i"), 503, "paused", None),
        (LimitReachedError("at_once", 3, timedelta(seconds=9)), 429, "limit_reached", None),
        (EngineOffError("preset", "its engine is off"), 422, "engine_off", "preset"),
        (TelegramOffError("notify.telegramChatId", "off"), 422, "telegram_off", None),
        (IdempotencyMismatchError(), 422, "idempotency_mismatch", None),
        (ConflictError("taken"), 409, "conflict", None),
        (DiskFullError("full"), 503, "disk_full", None),
        (StoreDownError("away"), 503, "store_down", None),
    ],
)
async def test_an_order_that_cannot_be_taken_says_why(
    error: Exception, status: int, reason: str, field: str | None
) -> None:
    """Each with the word that programs know it by."""
    world = a_world()
    world.orders.failure = error
    async with serving(world) as site:
        answer = await site.client.post(CREATE, json=ORDER)

    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (status, reason)
    if field is not None:
        assert problem["field"] == field
    if reason == "insufficient_credits":
        assert problem["detail"] == "2.5 credits are missing; there are 3"


async def test_an_input_is_refused_by_its_name_with_its_bounds() -> None:
    """As numbers, for programs."""
    world = a_world()
    world.orders.failure = InputRefusedError(
        "steps", InputFault.TOO_MUCH, bounds={"min": 1, "max": 50}
    )
    async with serving(world) as site:
        answer = await site.client.post(CREATE, json=ORDER)

    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (422, "input_refused")
    assert (problem["field"], problem["bounds"]) == ("inputs.steps", {"min": 1, "max": 50})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(f'{{"user": "{USER}"}}', "body", id="nothing to make"),
        pytest.param(
            f'{{"user": "{USER}", "preset": "a", "steps": [{{"preset": "a"}}]}}',
            "body",
            id="both",
        ),
        pytest.param(
            f'{{"user": "{USER}", "steps": [{{"preset": "a"}}, {{"preset": "B b"}}]}}',
            "steps.2.preset",
            id="steps count from 1",
        ),
        pytest.param(
            f'{{"user": "{USER}", "steps": [{{"preset": "a", "over": {{"x": []}}}}]}}',
            "steps.1.over.x",
            id="over nothing",
        ),
        pytest.param(
            f'{{"user": "{USER}", "steps": [{{"preset": "a", "bindings": {{"x": {{}}}}}}]}}',
            "steps.1.bindings.x.step",
            id="bound to nothing",
        ),
        pytest.param(
            f'{{"user": "{USER}", "steps": [{{"preset": "a"}}], "inputs": {{}}}}',
            "body",
            id="inputs twice",
        ),
        pytest.param('{"preset": "a"}', "user", id="nobody"),
        pytest.param('{"user": "ada", "preset": "a"}', "user", id="a name"),
        pytest.param(f'{{"user": "{USER}", "preset": "A B"}}', "preset", id="no preset's name"),
        pytest.param(f'{{"user": "{USER}", "preset": "a", "colour": 1}}', "colour", id="unknown"),
        pytest.param(
            f'{{"user": "{USER}", "preset": "a", "notify": {{"telegramChatId": "x"}}}}',
            "notify.telegramChatId",
            id="no chat",
        ),
        pytest.param(
            f'{{"user": "{USER}", "preset": "a", "inputs": {{"x": NaN}}}}', None, id="NaN"
        ),
        pytest.param(
            f'{{"user": "{USER}", "preset": "a", "inputs": {{"x": 1e999}}}}', None, id="infinite"
        ),
        pytest.param(
            f'{{"user": "{USER}", "preset": "a", "inputs": {{"x": 9223372036854775808}}}}',
            None,
            id="over 64 bits",
        ),
        pytest.param(
            f'{{"user": "{USER}", "preset": "a", "inputs": {{"prompt": "{"x" * 12_300}"}}}}',
            "inputs",
            id="too much",
        ),
        pytest.param("[]", "body", id="a list"),
    ],
)
async def test_what_cannot_be_read_is_refused(body: str, field: str | None) -> None:
    """400 by name, where there is one."""
    world = a_world()
    async with serving(world) as site:
        answer = await site.client.post(
            CREATE, content=body, headers={"Content-Type": "application/json"}
        )

    assert (answer.status_code, answer.json().get("field")) == (400, field)
    assert world.orders.placed == []


async def test_steps_that_do_not_fit_are_refused_by_their_place() -> None:
    """422, counted from 1 as everything is."""
    world = a_world()
    world.orders.failure = ChainRefusedError("steps.2.bindings.photo", "there is no step 3")
    async with serving(world) as site:
        answer = await site.client.post(CREATE, json=ORDER)

    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (422, "chain_refused")
    assert (problem["field"], problem["type"]) == ("steps.2.bindings.photo", "/docs#chain_refused")


async def test_steps_are_ordered_with_what_they_take_from_one_another() -> None:
    """As they were written: engine, bindings, what they are made for each of, and `manual`."""
    world = a_world()
    steps: JsonValue = [
        {"preset": "photo", "engine": "comfydeploy"},
        {"preset": "wear", "bindings": {"on": {"step": 1}}, "over": {"coat": ["a", "b"]}},
    ]
    async with serving(world) as site:
        answer = await site.client.post(CREATE, json={"user": USER, "steps": steps, "manual": True})

    (order,) = world.orders.placed
    assert (answer.status_code, order.manual) == (201, True)
    assert order.steps == (
        Ordered("photo", {}, engine=ENGINE),
        Ordered("wear", {}, {"on": Binding(step=1)}, {"coat": ("a", "b")}),
    )


async def test_a_job_says_how_far_it_has_come() -> None:
    """Step 2 of 3, what each step waits for and costs, and the pictures so far."""
    world, ids = a_world(), [GenerationId(f"{number:032x}") for number in (1, 2, 3)]
    ends = Outcome(status=RunStatus.COMPLETED, price=Decimal(5), cost_usd=Decimal("0.02"))
    steps = [
        a_step(
            generation=own,
            number=number,
            outcome=ends if number == 1 else None,
            sources={"image": Source(step=number - 1, generation=before, type=OutputKind.IMAGE)}
            if number > 1
            else {},
        )
        for number, own, before in zip((1, 2, 3), ids, [*ids[:1], *ids], strict=False)
    ]
    statuses = (RunStatus.COMPLETED, RunStatus.RUNNING, RunStatus.WAITING)
    done, runs, waits = (
        a_generation(status, id=own, job_id=JOB) for own, status in zip(ids, statuses, strict=True)
    )
    done = done.change(response_payload=Response(outputs=(an_output(key="outputs/x"),)))
    world.orders.views[JOB] = JobView(a_job(steps=tuple(steps)), (done, runs, waits))
    async with serving(world) as site:
        answer = await site.client.get(ONE)
        listed = (await site.client.get(PATH)).json()["items"][0]

    told = answer.json()
    assert shown.job().model_validate_json(answer.content)
    assert (told["step"], told["of"]) == (listed["step"], listed["of"]) == (2, 3)
    assert [each["status"] for each in told["steps"]] == ["completed", "running", "waiting"]
    assert [each["status"] for each in listed["steps"]] == ["completed", None, None]
    assert told["steps"][0]["inputs"]
    assert [each["inputs"] for each in listed["steps"]] == [{}, {}, {}]
    assert [each["waitsFor"] for each in told["steps"]] == [[], [], [2]]
    first = told["steps"][0]
    assert (first["price"], first["costUsd"], first["attempt"]) == ("5", "0.02", 1)
    (output,) = told["outputs"]
    assert (output["step"], output["item"], output["kind"]) == (1, 1, "image")
    assert output["mediaUrl"].startswith("/media/outputs/x")


async def test_a_job_goes_on_when_it_is_told_to() -> None:
    """After the step that is named; where it does not wait there, 409."""
    world = with_jobs()
    async with serving(world) as site:
        gone_on = await site.client.post(f"{ONE}/continue", json={"step": 1})
        world.orders.failure = ConflictError("the job does not wait after step 2")
        refused = await site.client.post(f"{ONE}/continue", json={"step": 2})
        unread = await site.client.post(f"{ONE}/continue", json={"step": 0})

    assert (gone_on.status_code, gone_on.json()["continued"]) == (200, 1)
    assert (refused.status_code, refused.json()["reason"]) == (409, "conflict")
    assert (unread.status_code, unread.json()["field"]) == (400, "step")


async def test_a_step_is_ordered_again_once_under_its_key() -> None:
    """201 with where the new job is, which says what it goes on from."""
    async with serving(with_jobs()) as site:
        first, again = [
            await site.client.post(
                f"{ONE}/retry", json={"step": 2}, headers={"Idempotency-Key": "k"}
            )
            for _ in range(2)
        ]

    assert (first.status_code, first.headers["location"]) == (201, f"{PATH}/{RETRIED}")
    assert (first.json()["goesOn"], first.json()["first"]) == (JOB, 2)
    assert (first.json()["step"], first.json()["of"]) == (2, 2)
    assert "idempotent-replayed" not in first.headers
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")


async def test_a_job_is_shown_with_its_generations() -> None:
    """And with links to the copies of what they made."""
    async with serving(with_jobs()) as site:
        answer = await site.client.get(ONE)

    assert answer.status_code == 200
    assert shown.job().model_validate_json(answer.content)
    (made,) = answer.json()["generations"]
    assert made["jobId"] == JOB
    assert made["responsePayload"]["outputs"][0]["mediaUrl"].startswith("/media/outputs/x")


@pytest.mark.parametrize("path", [PATH, ONE])
async def test_who_asks_again_is_told_only_what_is_new(path: str) -> None:
    """304 without a body as long as nothing has changed."""
    world = with_jobs()
    async with serving(world) as site:
        tag = (await site.client.get(path)).headers["etag"]
        known = await site.client.get(path, headers={"If-None-Match": f'"x", W/{tag}'})
        other = await site.client.get(path, headers={"If-None-Match": '"x"'})
        view = world.orders.views[JOB]
        world.orders.views[JOB] = view._replace(job=view.job.change(status=JobStatus.FAILED))
        changed = await site.client.get(path, headers={"If-None-Match": tag})

    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    assert other.status_code == changed.status_code == 200
    assert changed.headers["etag"] != tag


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        (f"?user={USER}", 1),
        ("?status=active", 1),
        (f"?user={USER}&status=failed", 0),
        ("?limit=1", 1),
    ],
)
async def test_jobs_are_listed(query: str, found: int) -> None:
    """Of one person or of everybody, at any status, page by page."""
    world = with_jobs()
    other = a_job(id=STRANGER, user_id=STRANGER, status=JobStatus.FAILED)
    world.orders.views[STRANGER] = JobView(other, ())
    async with serving(world) as site:
        answer = await site.client.get(f"{PATH}{query}")

    assert answer.status_code == 200
    assert len(answer.json()["items"]) == found
    assert (answer.json()["next"] is not None) == ("limit" in query)
    if found:
        assert "generations" not in answer.json()["items"][0]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("user=ada", "user"),
        ("status=archived", "status"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("colour=blue", "colour"),
    ],
)
async def test_a_list_that_cannot_be_is_refused(query: str, field: str) -> None:
    """By what is wrong with it."""
    async with serving(a_world()) as site:
        answer = await site.client.get(f"{PATH}?{query}")

    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_job_is_cancelled() -> None:
    """The answer shows it, with its generations."""
    async with serving(with_jobs()) as site:
        answer = await site.client.post(f"{ONE}/cancel")

    assert (answer.status_code, answer.json()["cancelWanted"]) == (200, True)
    assert len(answer.json()["generations"]) == 1


@pytest.mark.parametrize("name", ["0" * 32, "none", "0198C0FFEE0198C0FFEE0198C0FFEE77"])
async def test_a_job_that_is_not_there_is_not_found(name: str) -> None:
    """Whether it could be one or not."""
    async with serving(with_jobs()) as site:
        read = await site.client.get(f"{PATH}/{name}")
        cancelled = await site.client.post(f"{PATH}/{name}/cancel")

    for answer in (read, cancelled):
        assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


async def test_all_of_it_needs_a_key() -> None:
    """Jobs are nobody's business but the programs' that order them."""
    async with serving(with_jobs()) as site:
        site.client.headers.pop("Authorization")
        answers = [
            await site.client.request(method, path)
            for method, path in (
                ("POST", CREATE),
                ("GET", PATH),
                ("GET", ONE),
                ("POST", f"{ONE}/cancel"),
                ("POST", f"{ONE}/continue"),
                ("POST", f"{ONE}/retry"),
            )
        ]

    assert [each.status_code for each in answers] == [401] * 6
    assert API_KEY not in answers[0].text


async def test_the_description_has_it_all() -> None:
    """With every problem that an order may meet."""
    async with serving(a_world()) as site:
        paths = (await site.client.get("/api/openapi.json")).json()["paths"]

    assert set(paths[CREATE]["post"]["responses"]) >= {
        *("201", "400", "401", "402", "403", "404", "409", "422", "429", "503"),
    }
    names = {each["name"] for each in paths[PATH]["get"]["parameters"]}
    assert names >= {"user", "status", "cursor", "limit", "If-None-Match"}
    assert "get" in paths[f"{PATH}/{{id}}"]
    assert "post" in paths[f"{PATH}/{{id}}/cancel"]


async def test_a_step_that_waits_says_where() -> None:
    """Its place in the line, when it is expected to begin, and which try it is."""
    world = a_world()
    waits = a_generation(
        RunStatus.PENDING,
        job_id=JOB,
        queue_position=3,
        expected_start_at=later(120),
        attempt=2,
        max_attempts=3,
        warnings=("Save: images: bad",),
    )
    world.orders.views[JOB] = JobView(a_job(), (waits,))
    async with serving(world) as site:
        [shown] = (await site.client.get(ONE)).json()["generations"]

    assert (shown["queuePosition"], shown["expectedStartAt"]) == (3, "2026-01-01T12:02:00.000Z")
    assert (shown["attempt"], shown["maxAttempts"]) == (2, 3)
    assert shown["warnings"] == ["Save: images: bad"]
