"""What Replicate answers where it does not do what was asked: RFC 7807 with keys left out."""

from typing import Final

from starlette.responses import JSONResponse, Response

_VERSION: Final = (
    "The specified version does not exist (or perhaps you don't have permission to use it?)"
)
_CREDIT: Final = "You have insufficient credit to run this model."


class ProblemError(Exception):
    """A request is refused; `response` says why."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def problem(
    status: int,
    detail: str,
    title: str | None = None,
    headers: dict[str, str] | None = None,
    **other: object,
) -> Response:
    """Return a problem with a status of its own in the body."""
    body: dict[str, object] = {"detail": detail, "status": status, **other}
    if title is not None:
        body["title"] = title
    return _response(body, status, headers)


def unauthenticated(detail: str) -> Response:
    """Return what a call without a good token gets."""
    return problem(401, detail, "Unauthenticated")


def no_credit() -> Response:
    """Return what a creation gets that nobody pays for."""
    return problem(402, _CREDIT, "Insufficient credit")


def not_found() -> Response:
    """Return what a call for something unknown gets."""
    return problem(404, "The requested resource could not be found.")


def unknown_version() -> Response:
    """Return what a creation by an unknown version gets."""
    return problem(422, _VERSION, "Invalid version or not permitted")


def invalid(field: str, description: str, kind: str = "invalid_type") -> Response:
    """Return what a request gets that does not fit its schema.

    Args:
        field: Where it does not; empty: the body as a whole.
        description: Why not.
        kind: The rule that is broken.
    """
    found = {"type": kind, "field": field or "(root)", "description": description}
    line = f"{field}: {description}" if field else description
    return problem(422, f"- {line}\n", "Input validation failed", invalid_fields=[found])


def throttled(seconds: int, retry_after: int | None) -> Response:
    """Return what a call gets that came too soon.

    Args:
        seconds: When the limit resets, for the text.
        retry_after: What the header says, if there is to be one.
    """
    detail = f"Request was throttled. Your rate limit resets in ~{seconds}s."
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return _response({"detail": detail}, 429, headers)


def _response(body: dict[str, object], status: int, headers: dict[str, str] | None) -> Response:
    return JSONResponse(body, status, headers, media_type="application/problem+json")
