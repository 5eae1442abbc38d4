"""Lists of predictions, page by page."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from sandbox.replicate import predictions, problems
from sandbox.replicate.predictions import Json, Prediction
from sandbox.replicate.problems import ProblemError

_TIME = TypeAdapter[datetime](AwareDatetime)


def page_of(
    newest_first: Sequence[Prediction], query: Mapping[str, str], *, url: str, length: int
) -> Json:
    """Return one page of predictions.

    Args:
        newest_first: All of them.
        query: `created_after` (from then on), `created_before` (until then), and the `cursor` that
            an address of another page has.
        url: The address of the list, without a query.
        length: How many a page has.

    Raises:
        ProblemError: A time or the cursor cannot be read.
    """
    bounds = {name: query[name] for name in ("created_after", "created_before") if name in query}
    after, before = (_moment(bounds, name) for name in ("created_after", "created_before"))
    found = [
        one
        for one in newest_first
        if (after is None or one.created_at >= after)
        and (before is None or one.created_at < before)
    ]
    first = _first(found, query.get("cursor"))

    def link(start: int) -> str:
        cursor = {} if start <= 0 else {"cursor": _cursor(found[start - 1].id)}
        return f"{url}?{urlencode({**bounds, **cursor})}"

    return {
        "previous": link(first - length) if first else None,
        "next": link(first + length) if first + length < len(found) else None,
        "results": [predictions.shown(one) for one in found[first : first + length]],
    }


def _first(found: Sequence[Prediction], cursor: str | None) -> int:
    """Return where a page begins: after the prediction that the cursor holds."""
    if cursor is None:
        return 0
    try:
        last = base64.urlsafe_b64decode(cursor).decode()
        return [one.id for one in found].index(last) + 1
    except (binascii.Error, ValueError) as error:
        raise ProblemError(problems.problem(400, "The cursor is invalid.")) from error


def _cursor(prediction_id: str) -> str:
    return base64.urlsafe_b64encode(prediction_id.encode()).decode()


def _moment(bounds: Mapping[str, str], name: str) -> datetime | None:
    if name not in bounds:
        return None
    try:
        return _TIME.validate_python(bounds[name])
    except ValidationError as error:
        raise ProblemError(problems.invalid(name, "Does not match format 'date-time'")) from error
