"""app.web.pages and app.web.openapi: the document says what is there; the pages need nobody."""

import re
from typing import Any

import pytest
from starlette.routing import Route, Router

from app.web import application, openapi, problems, refusals, telegram, webhooks
from app.web.auth import ApiKeys
from app.web.operations import Operation
from schemas.wire.api import NewGeneration, Problem, Update
from tests.app.web.fakes import World, a_key
from tests.app.web.serving import serving

pytestmark = pytest.mark.anyio


async def _document() -> dict[str, Any]:
    async with serving(World()) as site:
        answer = await site.client.get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def _references(value: object) -> list[str]:
    """Every schema that a document refers to."""
    return re.findall(r"#/components/schemas/([\w-]+)", str(value))


async def test_every_route_is_in_the_document() -> None:
    """The router is made of the same table; the webhooks are beside it."""
    document = await _document()
    app = application.create_app(World().services(), World().hooks())
    routers = _parts(app, Router)
    paths = {
        route.path.replace(":path}", "}")
        for router in routers
        for route in router.routes
        if isinstance(route, Route)
    }

    assert len(routers) == 1
    assert paths | {webhooks.PATH, telegram.PATH} == set(document["paths"])
    assert set(document["paths"][webhooks.PATH]) == {"get", "post"}


def _parts(app: object, kind: type[Router]) -> list[Router]:
    """Find the parts of a kind among an app and what it wraps."""
    if isinstance(app, kind):
        return [app]
    inner = (
        [value for value in vars(app).values() if callable(value)]
        if hasattr(app, "__dict__")
        else []
    )
    return [found for each in inner for found in _parts(each, kind)]


async def test_the_document_refers_to_nothing_that_is_missing() -> None:
    """Every schema is there and used; what is ours alone is in none."""
    document = await _document()
    schemas = document["components"]["schemas"]

    assert set(_references(document)) == set(schemas)
    assert "Debt" not in schemas
    assert "id" in schemas["Generation"]["required"]
    assert document["openapi"] == "3.1.0"


async def test_operations_have_names_of_their_own_and_tell_their_problems() -> None:
    """By the statuses they are answered with."""
    document = await _document()
    operations = [each for path in document["paths"].values() for each in path.values()]
    created = document["paths"]["/api/generations"]["post"]
    changed = document["paths"]["/api/generations/{id}"]["put"]

    assert len({each["operationId"] for each in operations}) == len(operations)
    common = {"400", "401", "403", "408", "409", "413", "415", "503"}
    assert set(created["responses"]) == {"201", "422", *common}
    assert set(changed["responses"]) == {"200", "404", "412", *common}
    assert created["security"] == [{"key": []}, {"session": []}]
    seen = document["paths"]["/api/generations/{id}"]["get"]
    assert seen["security"] == [{"key": []}, {"session": []}, {"view": []}]
    assert "the view token has run out" in seen["responses"]["401"]["description"].lower()
    assert "another site" not in seen["responses"]["403"]["description"]
    assert "another site" in created["responses"]["403"]["description"]
    assert [each["name"] for each in created["parameters"]] == ["Idempotency-Key"]
    assert document["paths"]["/livez"]["get"]["security"] == []
    registered = document["paths"]["/api/users/register"]["post"]["responses"]
    assert registered["200"] == registered["201"]
    assert set(registered) == {"200", "201", "422", *common} - {"409"}


async def test_what_a_key_must_be_allowed_is_told() -> None:
    """To read what is only shown, to act for the rest, and more for what operators do."""
    document = await _document()
    needs = {
        each["operationId"]: each["x-scope"]
        for path in document["paths"].values()
        for each in path.values()
        if "x-scope" in each
    }

    assert {name for name, scope in needs.items() if scope == "admin"} >= {
        "blockUser",
        "changeControl",
        "forgetUser",
        "grantCredits",
        "refundJob",
        "refundPayment",
        "replayDebts",
        "resetJob",
        "setUserRoles",
        "unblockUser",
    }
    assert (needs["readJob"], needs["createToken"], needs["createJob"]) == ("read", "read", "act")
    assert "home" not in needs


async def test_view_tokens_open_what_is_for_persons_and_nothing_else() -> None:
    """What is put here must show its public part, and only to whom it belongs."""
    document = await _document()
    opened = {
        each["operationId"]
        for path in document["paths"].values()
        for each in path.values()
        if {"view": []} in each["security"]
    }

    assert opened <= {
        "cancelGeneration",
        "cancelJob",
        "readGeneration",
        "readJob",
        "readPreview",
        "streamEvents",
        "streamGeneration",
    }


async def test_parameters_are_those_of_the_models() -> None:
    """With their bounds."""
    document = await _document()
    parameters = document["paths"]["/api/generations"]["get"]["parameters"]
    limit = next(each for each in parameters if each["name"] == "limit")

    assert limit["schema"]["maximum"] == 200
    assert {each["name"] for each in parameters} >= {"metadata.run_id", "status", "cursor"}


async def test_the_examples_are_good() -> None:
    """What the document shows is taken."""
    schemas = (await _document())["components"]["schemas"]
    [order, *others] = schemas["NewGeneration"]["examples"]
    [update] = schemas["Update"]["examples"]
    [person] = schemas["NewUser"]["examples"]

    async with serving(World()) as site:
        ordered = await site.client.post("/api/generations", json=order)
        updated = await site.client.put(ordered.headers["location"], json=update)
        refused = await site.client.post("/api/generations", json=update)
        registered = await site.client.post("/api/users/register", json=person)
    assert (ordered.status_code, updated.status_code) == (201, 200)
    assert registered.status_code == 201
    for each in (order, *others):
        assert NewGeneration.model_validate(each, strict=False)
    assert Update.model_validate(update)
    assert Problem.model_validate_json(refused.content).status == 400


def test_every_kind_of_problem_is_listed_once() -> None:
    """By its word; errors that share one share its status."""
    reasons = [kind.reason for kind in problems.kinds()]

    assert len(reasons) == len(set(reasons))
    assert {"bad_field", "json", "schema", "internal", "overloaded"} <= set(reasons)
    assert [kind.title for kind in problems.kinds() if "`" in kind.title] == []
    assert problems.title(refusals.SlowBodyError) == "The body did not come in time"


def test_an_operation_without_content_says_none() -> None:
    """204 has no body to describe."""
    operation = Operation(method="DELETE", path="/x", name="x", tag="x", summary="x", status=204)

    described = openapi.document([operation])["paths"]["/x"]["delete"]
    assert described["responses"]["204"] == {"description": "x"}


async def test_the_docs_run_nothing_but_their_own() -> None:
    """Files of ours, that are there: nothing stands in the page itself, or comes from elsewhere."""
    async with serving(World()) as site:
        answer = await site.client.get("/docs", headers={"Authorization": ""})
        named: list[str] = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        files = [await site.client.get(f"/{each}") for each in named]

    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert {each.rpartition("/")[2] for each in named} == {"docs.css", "docs.js"}
    assert [each.status_code for each in files] == [200, 200]
    assert not any(
        word in each.text for each in (answer, *files) for word in ("innerHTML", "http:")
    )
    assert not re.search(r"<style|style=|\son\w+=|<script(?! src)", answer.text)
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "sha256" not in policy


async def test_the_front_page_is_the_dashboard() -> None:
    """It names the docs, holds no script or style of its own, and may run nobody else's."""
    async with serving(World()) as site:
        answer = await site.client.get("/", headers={"Authorization": ""})

    policy = answer.headers["content-security-policy"]
    assert 'href="docs"' in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert not re.search(r"<style|style=|\son\w+=|<script(?! type=\"module\" src)", answer.text)
    assert not re.search(r"(src|href)=\"(/|http)", answer.text)
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_pages_elsewhere_may_call_only_if_they_are_listed() -> None:
    """By their origin."""
    async with serving(World(cors_origins=("https://shop.test",))) as site:
        asked = {"Access-Control-Request-Method": "POST"}
        good = await site.client.options(
            "/api/generations", headers={"Origin": "https://shop.test", **asked}
        )
        bad = await site.client.options(
            "/api/generations", headers={"Origin": "https://evil.test", **asked}
        )
        problem = await site.client.get(
            "/api/generations/x", headers={"Origin": "https://shop.test"}
        )

    assert (good.status_code, good.headers["access-control-allow-origin"]) == (
        200,
        "https://shop.test",
    )
    assert bad.status_code == 400
    assert problem.headers["access-control-allow-origin"] == "https://shop.test"


async def test_pages_elsewhere_may_send_what_clients_send_and_never_cookies() -> None:
    """What resumes a stream and what asks for less; credentials stay at home."""
    named = "authorization, content-type, idempotency-key, if-none-match, last-event-id"
    async with serving(World(cors_origins=("https://shop.test",))) as site:
        answers = [
            await site.client.options(
                "/api/session",
                headers={
                    "Origin": "https://shop.test",
                    "Access-Control-Request-Method": method,
                    "Access-Control-Request-Headers": named,
                },
            )
            for method in ("GET", "POST", "PUT", "DELETE")
        ]
        unlisted = await site.client.get("/livez", headers={"Origin": "https://evil.test"})

    assert [each.status_code for each in answers] == [200] * 4
    assert not any("access-control-allow-credentials" in each.headers for each in answers)
    assert "access-control-allow-origin" not in unlisted.headers


def test_no_keys_admit_nobody() -> None:
    """Nor does an empty one."""
    assert not ApiKeys(()).admits([(b"authorization", b"Bearer ")])
    assert not ApiKeys((a_key(""),)).admits([(b"authorization", b"Bearer ")])
    assert not ApiKeys((a_key("x"),)).admits([(b"authorization", b"Basic x")])
