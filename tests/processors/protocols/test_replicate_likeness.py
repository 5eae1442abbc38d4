"""processors.protocols.replicate.likeness: which prediction may be the one that we asked for."""

from typing import Any, Final

import pytest

from processors.protocols import replicate
from schemas.base import RunId
from schemas.generation import Request
from tests.builders import NOON

VERSION: Final = "0f" * 32
PICTURE: Final = f"media:inputs/{'a' * 32}.png"
ASKED: Final[dict[str, Any]] = {"prompt": "sea", "steps": 4, "image": PICTURE, "more": [PICTURE, 1]}
GIVEN: Final[dict[str, Any]] = {
    "prompt": "sea",
    "steps": 4,
    "image": "data:image/png;base64,AA==",
    "more": ["https://us.example.com/a.png", 1],
}


def a_listed(**fields: Any) -> replicate.Listed:  # noqa: ANN401 - any field of it
    """A prediction of the model that was asked for, with what was given for its inputs."""
    known: dict[str, Any] = {
        "run_id": RunId("r"),
        "created_at": NOON,
        "inputs": GIVEN,
        "webhook": None,
        "model": "Owner/name",
        "version": VERSION,
    }
    return replicate.Listed(**(known | fields))


@pytest.mark.parametrize(
    ("listed", "target", "alike"),
    [
        (a_listed(), {"version": VERSION}, True),
        (a_listed(), {"version": f"owner/name:{VERSION}"}, True),
        (a_listed(), {"version": "1f" * 32}, False),
        (a_listed(version="hidden"), {"model": "owner/name"}, True),
        (a_listed(), {"model": "owner/other"}, False),
        (a_listed(model=7), {"model": "owner/name"}, False),
        (a_listed(), {"deployment_id": "owner/dep"}, False),
        (a_listed(deployment="owner/Dep"), {"deployment_id": "owner/dep"}, True),
        (a_listed(deployment="owner/x"), {"deployment_id": "owner/dep"}, False),
        (a_listed(webhook="https://others.example.com"), {"version": VERSION}, False),
        (a_listed(inputs=None), {"version": VERSION}, False),
        (a_listed(inputs=GIVEN | {"seed": 1}), {"version": VERSION}, False),
        (a_listed(inputs=GIVEN | {"prompt": "hill"}), {"version": VERSION}, False),
        (a_listed(inputs=GIVEN | {"image": None}), {"version": VERSION}, False),
        (a_listed(inputs=GIVEN | {"more": GIVEN["more"][:1]}), {"version": VERSION}, False),
        (a_listed(inputs=GIVEN | {"more": "x"}), {"version": VERSION}, False),
    ],
)
def test_alike_is_what_was_made_of_the_same(
    listed: replicate.Listed, target: dict[str, str], *, alike: bool
) -> None:
    """The same model and the same inputs; our pictures stand under some address there."""
    assert replicate.alike(listed, Request(**target, inputs=ASKED)) is alike
