"""How settings keep their secrets."""

from pydantic import SecretStr

from app import settings
from app.settings import Mode, Settings
from tests.app.settings.test_loading import LIVE

SECRETS = (
    "WEBHOOK_SECRET",
    "INTERNAL_API_KEY",
    "MONGODB_URI",
    "REDIS_URL",
    "COMFYDEPLOY_API_KEY",
    "REPLICATE_API_TOKEN",
    "REPLICATE_WEBHOOK_SECRET",
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_WEBHOOK_SECRET",
)


def test_nothing_that_is_printed_of_settings_holds_a_secret() -> None:
    """Neither the settings' text nor their description shows a secret's value."""
    loaded = settings.load(LIVE, None)
    printed = f"{loaded!r} {loaded} {list(loaded.describe())} {loaded.model_dump_json()}"

    assert [name for name in SECRETS if LIVE[name] in printed] == []


def test_a_secret_is_described_as_set() -> None:
    """Of a secret it is said that it is set, and how many there are."""
    loaded = settings.load(LIVE | {"WEBHOOK_SECRET": f"{'a' * 32},{'b' * 32}"}, None)
    described = {each.name: each.value for each in loaded.describe()}

    assert described["WEBHOOK_SECRET"] == "set (2)"
    assert described["INTERNAL_API_KEY"] == "set"
    assert described["RUN_BACKGROUND"] == "on"


def test_every_secret_can_be_registered() -> None:
    """All that must never be printed is given out to whoever hides it."""
    loaded = settings.load(LIVE, None)

    assert set(loaded.secret_values()) == {LIVE[name] for name in SECRETS}


def test_settings_can_be_made_from_values() -> None:
    """Code that has no environment gives the values themselves."""
    made = Settings(mode=Mode.LIVE, port=0, webhook_secret=(SecretStr("x"),), run_background=False)

    assert made.live
    assert made.webhook_secret == (SecretStr("x"),)
    assert not made.run_background
