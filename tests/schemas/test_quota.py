"""schemas.quota: how many somebody may have, by their roles."""

import pytest

from schemas.quota import Quota


@pytest.mark.parametrize(
    ("roles", "most"),
    [
        ((), 3),
        (("stranger",), 3),
        (("member",), 10),
        (("less",), 3),
        (("member", "less"), 10),
        (("partner", "member"), None),
        (("admin",), None),
    ],
)
def test_the_most_generous_limit_counts(roles: tuple[str, ...], most: int | None) -> None:
    """A role takes nothing away from what everybody may."""
    quota = Quota(usual=3, by_role={"member": 10, "less": 1, "partner": None})

    assert quota.of(roles) == most


def test_a_limit_may_be_named_for_administrators() -> None:
    """Then it holds for them."""
    assert Quota(usual=3, by_role={"admin": 5}).of(("admin",)) == 5
    assert Quota(usual=None).of(()) is None


def test_a_quota_is_written_as_it_was_given() -> None:
    """As it stands in the settings."""
    assert str(Quota(usual=3)) == "3"
    assert str(Quota(usual=None, by_role={"member": 10, "partner": None})) == (
        "none,member:10,partner:none"
    )
