"""What the operator writes, and what we make of it."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from app import settings
from app.settings import Mode, SettingsError

ROOT = Path(__file__).parents[3]
TOKEN = "123456789:" + "A" * 35
LIVE = {
    "MODE": "live",
    "WEBHOOK_URL": "https://render.example.com/hooks",
    "WEBHOOK_SECRET": "w" * 32,
    "INTERNAL_API_KEY": "i" * 32,
    "COMFYDEPLOY_API_KEY": "c" * 32,
    "REPLICATE_API_TOKEN": "r8_" + "r" * 37,
    "REPLICATE_WEBHOOK_SECRET": "whsec_cGVlci10ZXN0LWtleS1ub3QtYS1yZWFsLW9uZQ==",
    "TELEGRAM_BOT_TOKEN": TOKEN,
    "TELEGRAM_WEBHOOK_SECRET": "t" * 32,
    "MONGODB_URI": "mongodb://db.example.com/?replicaSet=rs0",
    "REDIS_URL": "rediss://:a-password@redis.example.com:6380/1",
}


def problems(environ: dict[str, str], env_file: Path | None = None) -> tuple[str, ...]:
    """Return what `load` has to complain about."""
    with pytest.raises(SettingsError) as caught:
        settings.load(environ, env_file)
    return caught.value.problems


def test_nothing_needs_to_be_set_in_the_sandbox() -> None:
    """An empty environment gives the defaults, without a warning."""
    loaded = settings.load({}, None)

    assert loaded.mode is Mode.SANDBOX
    assert (loaded.host, loaded.port, loaded.data_dir) == ("127.0.0.1", 8000, Path("data"))
    assert loaded.comfydeploy_api_url is None
    assert loaded.telegram_on
    assert loaded.warnings == ()


def test_live_settings_know_where_the_peers_are() -> None:
    """Live settings that are complete load without a warning, the peers' addresses filled in."""
    loaded = settings.load(LIVE, None)

    assert loaded.live
    assert loaded.comfydeploy_api_url == "https://api.comfydeploy.com/api"
    assert loaded.replicate_api_url == "https://api.replicate.com/v1"
    assert loaded.telegram_api_url == "https://api.telegram.org"
    assert loaded.warnings == ()


def test_everything_wrong_is_said_at_once() -> None:
    """What is missing and what is malformed comes in one list, in the settings' order."""
    found = problems({"MODE": "live", "PORT": "80000", "LOG_FORMAT": "xml"})

    names = [problem.partition(":")[0] for problem in found]
    assert names == [
        "PORT",
        "WEBHOOK_URL",
        "WEBHOOK_SECRET",
        "INTERNAL_API_KEY",
        "COMFYDEPLOY_API_KEY",
        "LOG_FORMAT",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "production"),
        ("HOST", "http://127.0.0.1"),
        ("PORT", "http"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("CORS_ORIGINS", "https://example.com/page"),
        ("CORS_ORIGINS", "https://a.example, example.com"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("MONGODB_URI", "localhost:27017"),
        ("MONGODB_DATABASE", "run relay"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost/first"),
        ("RUN_BACKGROUND", "maybe"),
        ("COMFYDEPLOY_API_URL", "api.comfydeploy.com"),
        ("COMFYDEPLOY_API_URL", "https://user:password@api.example.com"),
        ("COMFYDEPLOY_API_URL", "https://api.example.com?x=1"),
        ("COMFYDEPLOY_API_URL", "https://[::1"),
        ("COMFYDEPLOY_HOSTS", "https://bucket.s3.amazonaws.com"),
        ("COMFYDEPLOY_HOSTS", "*"),
        ("REPLICATE_WEBHOOK_SECRET", "r8_notasecret"),
        ("REPLICATE_WEBHOOK_SECRET", f"{LIVE['REPLICATE_WEBHOOK_SECRET']},whsec_x"),
        ("TELEGRAM_API_URL", "ftp://api.telegram.org"),
        ("TELEGRAM_FINISH", "delete"),
        ("TELEGRAM_UPDATES", "sometimes"),
        ("TELEGRAM_WEBHOOK_SECRET", "with a space"),
        ("TELEGRAM_WEBHOOK_SECRET", "t" * 257),
        ("ALLOW_PRIVATE_TARGETS", "2"),
        ("ADMIN_CHAT_ID", "@me"),
        ("WELCOME_GRANT", "-1"),
        ("WELCOME_GRANT", "NaN"),
        ("WELCOME_GRANT", "1e3"),
        ("WELCOME_GRANT", "0.0000001"),
        ("WELCOME_GRANT", "1000000000"),
        ("CREDITS_PER_USD", "0"),
        ("CREDITS_PER_USD", "100000.000001"),
        ("CREDITS_PER_STAR", "-1"),
        ("CREDITS_PER_STAR", "NaN"),
        ("CREDITS_PER_STAR", "0.0000001"),
        ("STARS_OFFERED", ","),
        ("STARS_OFFERED", "0"),
        ("STARS_OFFERED", "50,10001"),
        ("STARS_OFFERED", "50,many"),
        ("STARS_OFFERED", "1.5"),
        ("KEEP_EVENTS_DAYS", "0"),
        ("KEEP_EVENTS_DAYS", "1.5"),
        ("KEEP_RECORDS_DAYS", "forever"),
        ("KEEP_MEDIA_DAYS", "0"),
        ("KEEP_USAGE_DAYS", "0"),
        ("STORAGE_URL", "media"),
        ("STORAGE_URL", "https://bucket.s3.amazonaws.com"),
        ("STORAGE_URL", "s3://key:secret@bucket"),
        ("STORAGE_URL", "az://container?sig=secret"),
        ("STORAGE_URL", "file://media"),
        ("STORAGE_URL", "file:///"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("WEBHOOK_URL", "example.com"),
        ("WEBHOOK_URL", "https://example.com?x=1"),
    ],
)
def test_a_malformed_value_is_refused_by_name(name: str, value: str) -> None:
    """Each malformed value gives one problem that begins with the setting's name."""
    (found,) = problems({name: value})

    assert found.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_URL", "http://127.0.0.1:8000"),
        ("WEBHOOK_SECRET", "short"),
        ("WEBHOOK_SECRET", f"{'w' * 32},short"),
        ("INTERNAL_API_KEY", "with spaces in its middle"),
        ("INTERNAL_API_KEY", "schlüsselschlüssel"),
        ("TELEGRAM_BOT_TOKEN", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ],
)
def test_live_mode_is_stricter(name: str, value: str) -> None:
    """In live mode secrets are long and the webhook URL can be reached; no secret is quoted."""
    (found,) = problems(LIVE | {name: value})

    assert found.startswith(f"{name}: ")
    assert name == "WEBHOOK_URL" or value not in found


def test_a_secret_that_is_malformed_is_not_repeated() -> None:
    """The database's address may hold a password, so it is not quoted back."""
    (found,) = problems({"MONGODB_URI": "mongo://user:hunter2@db"})

    assert "hunter2" not in found


@pytest.mark.parametrize("value", ['"live"', "'live'", "  live \r", "LIVE", '" live "'])
def test_what_copying_leaves_on_a_value_is_taken_off(value: str) -> None:
    """Quotes, blanks, carriage returns and capitals do no harm."""
    assert settings.load(LIVE | {"MODE": value}, None).live


def test_a_list_is_written_with_commas() -> None:
    """Blanks between parts, empty parts and repetitions are passed over; the order stands."""
    loaded = settings.load({"INTERNAL_API_KEY": ' "new-key" , old-key,, new-key,'}, None)

    assert [key.get_secret_value() for key in loaded.internal_api_key] == ["new-key", "old-key"]


def test_a_blank_value_counts_as_not_given() -> None:
    """A line without a value leaves the default, and is missing where it is needed."""
    assert settings.load({"PORT": " ", "COMFYDEPLOY_HOSTS": ""}, None).port == 8000
    assert [*problems(LIVE | {"WEBHOOK_SECRET": ' , ""'})] == [
        "WEBHOOK_SECRET: is missing; make one with: openssl rand -hex 32"
    ]


def test_credits_are_exact() -> None:
    """An amount is read as it is written."""
    assert settings.load({"WELCOME_GRANT": " 0.1 "}, None).welcome_grant == Decimal("0.1")
    assert settings.load({"CREDITS_PER_STAR": "1.3"}, None).credits_per_star == Decimal("1.3")


def test_sizes_are_offered_in_their_order() -> None:
    """However they are written, each once; and shown as they would be written."""
    loaded = settings.load({"STARS_OFFERED": "500, 50,100,50"}, None)

    assert loaded.stars_offered == (50, 100, 500)
    assert ("STARS_OFFERED", "50,100,500", "environment") in set(loaded.describe())


def test_values_are_brought_into_one_form() -> None:
    """Slashes at the end go, networks are whole, a tilde is the home folder."""
    loaded = settings.load(
        {
            "COMFYDEPLOY_API_URL": "http://127.0.0.1:9000/api/",
            "CORS_ORIGINS": "https://example.com/, *",
            "TRUSTED_PROXIES": "10.1.2.3/8, ::1",
            "COMFYDEPLOY_HOSTS": "*.Example.com, 127.0.0.1:9000, [::1]:80",
            "DATA_DIR": "~/runrelay",
            "RUN_BACKGROUND": "No",
            "ADMIN_CHAT_ID": "-1001234567890",
            "KEEP_RECORDS_DAYS": "30",
        },
        None,
    )

    assert loaded.comfydeploy_api_url == "http://127.0.0.1:9000/api"
    assert loaded.cors_origins == ("https://example.com", "*")
    assert loaded.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert loaded.comfydeploy_hosts == ("*.example.com", "127.0.0.1:9000", "[::1]:80")
    assert loaded.data_dir == Path.home() / "runrelay"
    assert not loaded.run_background
    assert loaded.admin_chat_id == -1001234567890
    assert loaded.keep_records_days == 30


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    """Where both give a value the environment's counts, and it is known where each is from."""
    file = tmp_path / ".env"
    file.write_bytes(b'\xef\xbb\xbfPORT="9001"\r\nHOST=0.0.0.0 # all\r\nexport LOG_LEVEL=debug\r\n')
    loaded = settings.load({"PORT": "9002"}, file)

    sources = {each.name: (each.value, each.source) for each in loaded.describe()}
    assert sources["PORT"] == ("9002", "environment")
    assert sources["HOST"] == ("0.0.0.0", "file")  # noqa: S104 - a value that is only read
    assert sources["LOG_LEVEL"] == ("debug", "file")
    assert sources["MODE"] == ("sandbox", "default")


def test_a_file_that_is_not_there_counts_as_empty(tmp_path: Path) -> None:
    """Nobody has to have a `.env`."""
    assert settings.load({}, tmp_path / ".env").port == 8000


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    """A file in another encoding is refused by its name."""
    file = tmp_path / ".env"
    file.write_bytes("PORT=9000".encode("utf-16"))

    assert problems({}, file) == (f"{file}: is not UTF-8 text; save it as that",)


def test_a_file_that_cannot_be_read_is_named() -> None:
    """What the system says of it is passed on."""
    (found,) = problems({}, Path("x" * 300))

    assert "cannot be read" in found


def test_a_slip_in_a_name_is_pointed_out(tmp_path: Path) -> None:
    """A name that looks like ours is named with the one that was meant; others' are let be."""
    file = tmp_path / ".env"
    file.write_text("comfydeploy_api_key=x\nLOGLEVEL=info\nSOMETHING_ELSE=1\n")
    loaded = settings.load({"TELEGRAM_TOKEN": "x", "LOG_LEVELS": "x"}, file)

    assert loaded.warnings == (
        "comfydeploy_api_key: is not a setting; did you mean COMFYDEPLOY_API_KEY?",
        "LOGLEVEL: is not a setting; did you mean LOG_LEVEL?",
        "TELEGRAM_TOKEN: is not a setting; did you mean TELEGRAM_BOT_TOKEN?",
    )


def test_a_slip_is_pointed_out_beside_what_it_leaves_missing() -> None:
    """The reason why a name is missing stands in the same list."""
    given = LIVE | {"COMFYDEPLOY_API_KEY": "", "REPLICATE_API_TOKEN": ""}
    missing, slip = problems(given | {"COMFYDEPLOY_APIKEY": "c" * 32})

    assert missing.startswith("COMFYDEPLOY_API_KEY: is missing")
    assert slip == "COMFYDEPLOY_APIKEY: is not a setting; did you mean COMFYDEPLOY_API_KEY?"


def test_what_is_allowed_and_unwise_is_a_warning() -> None:
    """Live mode starts with an embedded database, without Telegram, over http; and says so."""
    given = LIVE | {
        "WEBHOOK_URL": "http://render.example.com",
        "MONGODB_URI": "",
        "TELEGRAM_BOT_TOKEN": "",
        "ADMIN_CHAT_ID": "1",
        "ALLOW_PRIVATE_TARGETS": "on",
        "COMFYDEPLOY_API_URL": "http://proxy.example.com",
        "REPLICATE_API_URL": "http://proxy.example.com/v1",
        "REPLICATE_WEBHOOK_SECRET": "",
    }
    loaded = settings.load(given, None)

    assert [warning.partition(":")[0] for warning in loaded.warnings] == [
        "MONGODB_URI",
        "TELEGRAM_BOT_TOKEN",
        "ADMIN_CHAT_ID",
        "REPLICATE_WEBHOOK_SECRET",
        "ALLOW_PRIVATE_TARGETS",
        "COMFYDEPLOY_API_URL",
        "REPLICATE_API_URL",
        "WEBHOOK_URL",
    ]
    assert not loaded.telegram_on


def test_keys_of_real_accounts_are_not_used_in_the_sandbox() -> None:
    """Who sets keys and forgets the mode is told; with a peer's address given, they are used."""
    keys = {
        "COMFYDEPLOY_API_KEY": "c" * 32,
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "REPLICATE_API_TOKEN": "r8_x",
    }
    names = ("COMFYDEPLOY_API_URL", "TELEGRAM_API_URL", "REPLICATE_API_URL")
    there = dict.fromkeys(names, "http://127.0.0.1:1")

    assert settings.load(keys, None).warnings == (
        "COMFYDEPLOY_API_KEY: is not used in sandbox mode; set MODE=live for it",
        "TELEGRAM_BOT_TOKEN: is not used in sandbox mode; set MODE=live for it",
        "REPLICATE_API_TOKEN: is not used in sandbox mode; set MODE=live for it",
    )
    assert settings.load(keys | there, None).warnings == ()


def test_every_setting_is_documented() -> None:
    """Settings, `.env.example` and docs/configuration.md name the same, neither more nor less."""
    example = (ROOT / ".env.example").read_text()
    page = (ROOT / "docs" / "configuration.md").read_text()

    assert set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)) == set(settings.NAMES)
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == set(settings.NAMES)


def test_every_line_of_the_example_is_explained() -> None:
    """Each setting in `.env.example` has a comment just above it."""
    lines = (ROOT / ".env.example").read_text().splitlines()

    bare = [line for above, line in pairwise(lines) if _is_bare(above, line)]
    assert bare == []


def test_the_documented_defaults_are_the_defaults() -> None:
    """What `.env.example` sets, and what the page's table says, is what holds without them."""
    untouched = {each.name: each.value for each in settings.load({}, None).describe()}
    example = {
        each.name: each.value for each in settings.load({}, ROOT / ".env.example").describe()
    }
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)` )?\|", page, re.MULTILINE))

    assert example == untouched
    assert {name: value.removeprefix("./") for name, value in rows.items()} == untouched


def _is_bare(above: str, line: str) -> bool:
    return bool(re.match(r"[A-Z_]+=", line)) and not above.startswith("# ")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("s3://a-bucket", "s3://a-bucket"),
        ("gs://a.bucket/some/folder/", "gs://a.bucket/some/folder"),
        ("az://container", "az://container"),
        ("file:///var/lib/media", "file:///var/lib/media"),
    ],
)
def test_a_storage_is_a_bucket_or_a_folder(given: str, read: str) -> None:
    """With or without a folder in it; a slash at the end says nothing."""
    assert settings.load({"STORAGE_URL": given}, None).storage_url == read


@pytest.mark.parametrize(
    ("changed", "way"),
    [
        ({}, "webhook"),
        ({"WEBHOOK_URL": "https://render.example.com:9000"}, "polling"),
        ({"TELEGRAM_UPDATES": "polling"}, "polling"),
        ({"TELEGRAM_UPDATES": "off"}, "off"),
        ({"TELEGRAM_BOT_TOKEN": ""}, "off"),
        (
            {"WEBHOOK_URL": "https://render.example.com:9000", "TELEGRAM_UPDATES": "webhook"},
            "webhook",
        ),
    ],
)
def test_updates_come_by_webhook_where_telegram_can_call(changed: dict[str, str], way: str) -> None:
    """As it is set, or by what the address is like; nothing comes without a bot."""
    assert settings.load(LIVE | changed, None).updates_by == way


def test_a_webhook_without_a_secret_does_not_start() -> None:
    """Where updates come by webhook it is missing, and nowhere else; a short one is weak."""
    without = LIVE | {"TELEGRAM_WEBHOOK_SECRET": ""}

    (missing,) = problems(without)
    assert missing.startswith("TELEGRAM_WEBHOOK_SECRET: is missing")
    assert settings.load(without | {"TELEGRAM_UPDATES": "polling"}, None).updates_by == "polling"
    (weak,) = problems(LIVE | {"TELEGRAM_WEBHOOK_SECRET": "short"})
    assert weak.startswith("TELEGRAM_WEBHOOK_SECRET: must have 16")


@pytest.mark.parametrize("given", ["3", "none", "0", "3,member:10,partner:none"])
def test_a_limit_is_shown_as_it_was_written(given: str) -> None:
    """A number, or none, and others by role."""
    loaded = settings.load({"LIMIT_AT_ONCE": given.replace(",", " , ")}, None)

    assert str(loaded.limit_at_once) == given
    assert {each.name: each.value for each in loaded.describe()}["LIMIT_AT_ONCE"] == given


@pytest.mark.parametrize(
    "given", ["-1", "many", "3,", "3,member", "3,member:", "3,Member:1", "1e9"]
)
def test_a_limit_that_makes_no_sense_is_refused(given: str) -> None:
    """With how it is written."""
    [problem] = problems({"LIMIT_PER_DAY": given})

    assert problem.startswith("LIMIT_PER_DAY: has ")
    assert "3,member:10" in problem


def test_a_text_for_people_may_have_lines() -> None:
    """It is shown in one, and is no longer than a message may be."""
    loaded = settings.load({"TERMS_TEXT": r"Be nice.\nPay."}, None)

    assert loaded.terms_text == "Be nice.\nPay."
    assert {each.name: each.value for each in loaded.describe()}["TERMS_TEXT"] == r"Be nice.\nPay."
    [problem] = problems({"PAYSUPPORT_TEXT_RU": "\U0001f5bc" * 2049})
    assert problem.startswith("PAYSUPPORT_TEXT_RU: is longer")


CALLS = {"RUN_BACKGROUND": "off", "CRON_KEY": "the-key-of-a-monitor"}


def test_a_host_without_background_is_one_with_a_key_for_calls() -> None:
    """Neither setting alone makes one; there, nobody fetches updates."""
    assert settings.load(CALLS, None).by_calls
    assert settings.load(CALLS, None).updates_by == "off"
    for name, value in CALLS.items():
        alone = settings.load({name: value}, None)
        assert not alone.by_calls
        assert alone.updates_by == "polling"
    assert not settings.load({"RUN_BACKGROUND": "off"}, None).works
    assert settings.load(CALLS, None).works


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"TELEGRAM_UPDATES": "polling"}, "TELEGRAM_UPDATES: is polling"),
        ({"INTERNAL_API_KEY": CALLS["CRON_KEY"]}, "CRON_KEY: is one of INTERNAL_API_KEY"),
        ({"CRON_KEY": "short"}, "CRON_KEY: must have 16 characters"),
    ],
)
def test_what_such_a_host_cannot_do_is_refused(changed: dict[str, str], problem: str) -> None:
    """By name, and without the key."""
    with pytest.raises(SettingsError) as caught:
        settings.load(LIVE | CALLS | changed, None)

    assert [each.startswith(problem) for each in caught.value.problems] == [True]
    assert CALLS["CRON_KEY"] not in str(caught.value)


def test_what_such_a_host_leaves_undone_is_said() -> None:
    """Servers that nobody watches, updates that do not come in, a database that ends."""
    lacking = {
        "COMFYUI_SERVERS": "http://10.0.0.5:8188",
        "WEBHOOK_URL": "http://relay.example.com",
        "MONGODB_URI": "",
    }
    warnings = settings.load(LIVE | CALLS | lacking, None).warnings

    assert [each for each in warnings if "runrelay worker" in each]
    for beginning in ("TELEGRAM_UPDATES: are off", "MONGODB_URI: is empty, and"):
        assert [each for each in warnings if each.startswith(beginning)]
