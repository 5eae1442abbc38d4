"""schemas.user: what is shown of a person, and what a newer version may have written."""

from decimal import Decimal
from typing import Any

import pytest

from schemas.user import Account, Role, User
from tests.builders import NOON, USER, a_user


def test_a_person_is_shown_with_their_balance() -> None:
    """Under our id, every field there, and nothing that is ours alone."""
    user = a_user(
        welcome=Decimal(5), idempotency_key="k", idempotency_digest="d", telegram_digest="t"
    )
    shown = Account(user=user, balance=Decimal("10.500000")).internal()

    assert shown == {
        "id": USER,
        "telegramId": 4711,
        "username": None,
        "firstName": "Ada",
        "language": None,
        "roles": [],
        "blocked": False,
        "forgetWantedAt": None,
        "forgottenAt": None,
        "createdAt": "2026-01-01T12:00:00.000Z",
        "updatedAt": "2026-01-01T12:00:00.000Z",
        "version": 1,
        "schemaVersion": 1,
        "balance": "10.500000",
    }


@pytest.mark.parametrize(
    ("fields", "gone", "served"),
    [
        ({}, False, True),
        ({"blocked": True}, False, False),
        ({"forget_wanted_at": NOON}, True, False),
        ({"forgotten_at": NOON}, True, False),
    ],
)
def test_somebody_is_served_unless_blocked_or_forgotten(
    fields: dict[str, Any], *, gone: bool, served: bool
) -> None:
    """Whoever wants to be forgotten is gone from then on."""
    user = a_user(**fields)

    assert (user.gone, user.served) == (gone, served)


def test_a_role_of_a_newer_version_is_kept() -> None:
    """It makes nobody an administrator."""
    user = User.read({**a_user().document(), "roles": ["admin", "auditor"], "later": 1})

    assert user.roles == (Role.ADMIN, "auditor")
    assert user.document()["roles"] == ("admin", "auditor")


def test_a_role_is_a_word() -> None:
    """A number is none."""
    with pytest.raises(ValueError, match="1 is not a valid"):
        Role(1)
