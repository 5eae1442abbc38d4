"""The OpenAPI 3.1 document, made of the route table and the pydantic models."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.web import cookies, origins, problems
from app.web.operations import Access, Operation
from app.web.refusals import CrossSiteError, ScopeError, TokenExpiredError, UnauthorizedError
from schemas.wire.api import Problem

Json = dict[str, Any]
"""A part of the document; any JSON, since what it may hold is OpenAPI's business."""
Key = tuple[type[BaseModel], JsonSchemaMode]
Schemas = Mapping[Key, Json]

_DESCRIPTION: Final = (
    "Runs image and video generations on other people's engines and never loses one. "
    "Times are RFC 3339 in UTC with milliseconds; money is a decimal string, null when unknown; "
    "errors are problem details (RFC 9457)."
)
_NAMED: Final = re.compile(r"\{(\w+)\}")
"""A parameter in a path."""
_SECURITY: Final[Mapping[Access, list[Json]]] = {
    Access.OPEN: [],
    Access.KEY: [{"key": []}, {"session": []}],
    Access.VIEW: [{"key": []}, {"session": []}, {"view": []}],
    Access.TOKEN: [{"token": []}],
    Access.SECRET: [{"secret": []}],
    Access.CRON: [{"cron": []}, {"cronHeader": []}, {"cronQuery": []}],
}


def document(operations: Sequence[Operation]) -> Json:
    """Return the OpenAPI document of these operations."""
    schemas, definitions = _schemas(operations)
    paths: dict[str, Json] = {}
    for each in operations:
        described = _operation(each, schemas, definitions)
        paths.setdefault(_template(each.path), {})[each.method.lower()] = described
    for each in operations:
        for model in (each.query, each.headers):
            # Spread out into parameters; nothing refers to the model itself.
            if model is not None:
                definitions.pop(model.__name__, None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Runrelay",
            "version": version("runrelay"),
            "description": _DESCRIPTION,
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, which may read, act or do what operators do.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookies.SECURE,
                    "description": f"Who is signed in; `{cookies.PLAIN}` by plain http.",
                },
                "view": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A view token, which sees the public part of what it is about.",
                },
                "cron": {"type": "http", "scheme": "bearer"},
                "cronHeader": {"type": "apiKey", "in": "header", "name": "X-Cron-Key"},
                "cronQuery": {"type": "apiKey", "in": "query", "name": "key"},
                "token": {"type": "apiKey", "in": "query", "name": "token"},
                "secret": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Telegram-Bot-Api-Secret-Token",
                },
            },
        },
        "x-problems": [kind._asdict() for kind in problems.kinds()],
    }


def _schemas(operations: Sequence[Operation]) -> tuple[Schemas, dict[str, Json]]:
    """Return a schema for each model, and the definitions they refer to."""
    wanted: dict[Key, None] = {(Problem, "serialization"): None}
    for each in operations:
        for model in (each.query, each.headers, each.body):
            if model is not None:
                wanted[model, "validation"] = None
        if each.answer is not None:
            wanted[each.answer, "serialization"] = None
    found, collected = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
    return {key: found[key] for key in wanted}, collected["$defs"]


def _operation(operation: Operation, schemas: Schemas, definitions: dict[str, Json]) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": _SECURITY[operation.access],
        **_scope(operation),
        "parameters": [
            *_in_path(_template(operation.path)),
            *_parameters(operation.query, "query", definitions),
            *_parameters(operation.headers, "header", definitions),
        ],
        "responses": _responses(operation, schemas),
    }
    if operation.body is not None:
        schema = schemas[operation.body, "validation"]
        content = _content(schema) | _files(operation)
        described["requestBody"] = {"required": True, "content": content}
    return described


def _scope(operation: Operation) -> Json:
    """Return what a key must be allowed to do, where one is asked for."""
    if operation.access not in {Access.KEY, Access.VIEW}:
        return {}
    return {"x-scope": operation.needs.value}


def _files(operation: Operation) -> Json:
    """Return what is taken instead of JSON: a form with a file, or a file as it is."""
    content: Json = {each: {} for each in operation.file_types}
    if operation.file is not None:
        binary = {"type": "string", "contentMediaType": "application/octet-stream"}
        form = {"type": "object", "properties": {operation.file: binary}}
        content["multipart/form-data"] = {"schema": form | {"required": [operation.file]}}
    return content


def _template(path: str) -> str:
    """Return a path without what only the router wants to know of its parameters."""
    return path.replace(":path}", "}")


def _in_path(path: str) -> list[Json]:
    names = _NAMED.findall(path)
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _parameters(
    model: type[BaseModel] | None, where: str, definitions: Mapping[str, Json]
) -> list[Json]:
    """Spread a model out into parameters."""
    if model is None:
        return []
    schema = definitions[model.__name__]
    return [
        {
            "name": name,
            "in": where,
            "required": name in schema.get("required", []),
            "description": each.get("description", ""),
            "schema": {key: value for key, value in each.items() if key != "description"},
        }
        for name, each in schema["properties"].items()
    ]


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Json]:
    good: Json = {"description": operation.summary}
    if operation.answer is not None:
        good["content"] = _content(schemas[operation.answer, "serialization"])
    elif operation.status != HTTPStatus.NO_CONTENT:
        good["content"] = {operation.media_type: {"schema": {"type": "string"}}}
    responses = {
        str(status): {**good}
        for status in (operation.status, operation.known_status)
        if status is not None
    }
    for error in (*_denied(operation), *operation.errors):
        code, said = str(int(problems.status(error))), problems.title(error)
        known = responses.get(code)
        if known is None:
            problem = schemas[Problem, "serialization"]
            responses[code] = {
                "description": said,
                "content": {problems.MEDIA_TYPE: {"schema": problem}},
            }
        elif said not in known["description"]:
            known["description"] += f"; {said[0].lower()}{said[1:]}"
    return dict(sorted(responses.items()))


def _denied(operation: Operation) -> tuple[type[Exception], ...]:
    """Return what an operation may raise for who asks."""
    by_key = (UnauthorizedError, ScopeError)
    crossing = () if operation.method in origins.SAFE else (CrossSiteError,)
    if operation.access is Access.OPEN:
        return ()
    if operation.access is Access.KEY:
        return (*by_key, *crossing)
    if operation.access is Access.VIEW:
        return (*by_key, TokenExpiredError, *crossing)
    return (UnauthorizedError,)


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
