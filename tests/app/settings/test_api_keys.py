"""app.settings.api_keys: keys with names and scopes."""

import pytest
from pydantic import SecretStr

from app import settings
from app.settings import Settings
from schemas.access import KeyScope
from tests.app.settings.test_loading import LIVE, problems


def test_a_key_may_have_a_name_and_a_scope() -> None:
    """One without may do everything, and has no name."""
    loaded = settings.load(
        {"INTERNAL_API_KEY": "bare-key, shop:act:k1 ,page:read:a:b,shop:act:k2"}, None
    )
    keys = [(each.name, each.scope, each.secret.get_secret_value()) for each in loaded.api_keys]

    assert keys == [
        ("", KeyScope.ADMIN, "bare-key"),
        ("shop", KeyScope.ACT, "k1"),
        ("page", KeyScope.READ, "a:b"),
        ("shop", KeyScope.ACT, "k2"),
    ]
    assert loaded.own_key == "bare-key"
    assert settings.load({"INTERNAL_API_KEY": "a:read:k1,b:act:k2,c:act:k3"}, None).own_key == "k2"
    assert settings.load({}, None).own_key is None
    assert set(loaded.secret_values()) == {"bare-key", "k1", "a:b", "k2"}


def test_keys_that_code_gives_are_taken() -> None:
    """As they would be written."""
    made = Settings(internal_api_key=(SecretStr("shop:read:k1"),))

    assert [(each.name, each.scope) for each in made.api_keys] == [("shop", KeyScope.READ)]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("bare,shop:write:hunter2", "a scope in entry 2"),
        ("shop:hunter2", "a scope in entry 1"),
        ("sh op:act:hunter2", "a name in entry 1"),
        (":act:hunter2", "a name in entry 1"),
        ("shop:act:", "no key in entry 1"),
        ("hunter2,shop:read:hunter2", "a key twice"),
    ],
)
def test_wrong_words_are_refused_at_the_start(value: str, said: str) -> None:
    """By the setting's name and the place in it; nothing of a key is quoted."""
    (found,) = problems({"INTERNAL_API_KEY": value})

    assert found.startswith("INTERNAL_API_KEY: has ")
    assert said in found
    assert "hunter2" not in found


def test_a_named_key_must_be_as_long_as_any_other() -> None:
    """What precedes it does not count; nor does a name make it another than CRON_KEY."""
    key = "k" * 32
    long_name = {"INTERNAL_API_KEY": "a-very-long-name:admin:short"}
    same = {"INTERNAL_API_KEY": f"shop:act:{key}", "CRON_KEY": key}

    assert problems(LIVE | long_name)[0].startswith("INTERNAL_API_KEY: must have 16 characters")
    assert problems(LIVE | same)[0].startswith("CRON_KEY: is one of INTERNAL_API_KEY")
    assert problems(LIVE | {"VIEW_TOKEN_SECRET": "short"})[0].startswith("VIEW_TOKEN_SECRET: ")
