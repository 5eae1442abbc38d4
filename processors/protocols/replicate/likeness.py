"""Whether a prediction may be the one that we asked for, where it does not say whom it tells."""

from pydantic import JsonValue

from processors.images.keys import key_in
from processors.protocols.replicate.answers import Listed
from schemas.generation import Request


def alike(listed: Listed, request: Request) -> bool:
    """Return whether a prediction was made of what we asked for, as far as both can tell.

    Our files stand for themselves: under which address one was given is not known any more.
    One whose inputs were removed, or that tells somebody else, is none.

    Args:
        listed: What it is.
        request: As it was ordered.
    """
    if listed.webhook is not None or listed.inputs is None:
        return False
    return _runs(listed, request) and _same(dict(request.inputs), dict(listed.inputs))


def _runs(listed: Listed, request: Request) -> bool:
    """Return whether it is of the version, model or deployment that was asked for."""
    if request.version is not None:
        return listed.version == request.version.rpartition(":")[2]
    if request.model is not None:
        return str(listed.model).lower() == request.model.lower()
    return str(listed.deployment).lower() == str(request.deployment_id).lower()


def _same(ours: JsonValue, theirs: JsonValue) -> bool:
    """Return whether two inputs are the same, but for addresses in place of our files."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            _same(value, theirs[name]) for name, value in ours.items()
        )
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    if key_in(ours) is not None:
        return isinstance(theirs, str)
    return ours == theirs
