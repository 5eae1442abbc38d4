"""Read the environment and `.env`, and check the settings as a whole.

Whatever is missing or malformed is said at once, by name, each with what to do. A blank value
counts as not given. The environment goes before the file. No secret is part of a message.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from app.settings import values
from app.settings.model import MIN_SECRET, NAMES, Settings, SettingsError
from processors.protocols import signing

COMFYDEPLOY_API: Final = "https://api.comfydeploy.com/api"
REPLICATE_API: Final = "https://api.replicate.com/v1"
TELEGRAM_API: Final = "https://api.telegram.org"


def load(environ: Mapping[str, str], env_file: Path | None) -> Settings:
    """Read and check the settings.

    Args:
        environ: The environment; it goes before the file.
        env_file: A file of ``NAME=value`` lines; one that does not exist counts as empty.

    Raises:
        SettingsError: Naming everything that is missing or malformed.
    """
    filed, unreadable = _filed(env_file)
    given = _given(filed) | _given(environ)
    settings, problems = _parsed(given)
    problems += unreadable
    misspelt = _misspelt(filed, environ)
    verdict = _Verdict(list(problems), [*misspelt])
    failed = frozenset(problem.partition(":")[0] for problem in problems)
    (_check_live if settings.live else _check_sandbox)(settings, failed, verdict)
    _check_webhook_url(settings, verdict)
    _check_calls(settings, verdict)
    if verdict.problems:
        # A name with a slip in it may be why another is missing.
        raise SettingsError((*sorted(verdict.problems, key=_place), *misspelt))
    return settings.model_copy(
        update={
            "warnings": tuple(verdict.warnings),
            "sources": dict.fromkeys(_given(filed), "file")
            | dict.fromkeys(_given(environ), "environment"),
            **(_live_defaults(settings) if settings.live else {}),
        }
    )


class _Verdict(NamedTuple):
    """What is found while the settings are looked at together."""

    problems: list[str]
    warnings: list[str]


_OURS: Final = (
    "COMFYDEPLOY_",
    "COMFYUI_",
    "CRON_",
    "INTERNAL_API",
    "MONGODB_",
    "REPLICATE_",
    "TELEGRAM_",
    "VIEW_TOKEN",
    "WEBHOOK_",
)
"""Beginnings by which a name in the environment, which is full of others', looks like ours."""
_ALIKE: Final = 0.8
"""How much a name resembles ours before it is taken for a slip: TELEGRAM_TOKEN is at 0.88."""
_MAKE_ONE: Final = "make one with: openssl rand -hex 32"
_NEEDED: Final = {
    "WEBHOOK_URL": "the address at which engines reach this service, as in https://example.com",
    "WEBHOOK_SECRET": _MAKE_ONE,
    "INTERNAL_API_KEY": _MAKE_ONE,
    "COMFYDEPLOY_API_KEY": "no engine is set up without it, COMFYUI_SERVERS or "
    "REPLICATE_API_TOKEN; it is made in ComfyDeploy's settings",
}
_SECRETS: Final = (
    "WEBHOOK_SECRET",
    "INTERNAL_API_KEY",
    "VIEW_TOKEN_SECRET",
    "TELEGRAM_WEBHOOK_SECRET",
    "CRON_KEY",
)


class _File(BaseSettings):
    """Where pydantic-settings reads the file for; its own fields are none."""


def _filed(env_file: Path | None) -> tuple[Mapping[str, str | None], tuple[str, ...]]:
    """What stands in the file, and why it could not be read."""
    try:
        # The byte order mark is what some editors of Windows begin a file with.
        source = DotEnvSettingsSource(
            _File, env_file=env_file, env_file_encoding="utf-8-sig", case_sensitive=True
        )
    except OSError as error:
        return {}, (f"{env_file}: cannot be read ({error.strerror})",)
    except UnicodeDecodeError:
        return {}, (f"{env_file}: is not UTF-8 text; save it as that",)
    return source.env_vars, ()


def _given(source: Mapping[str, str | None]) -> dict[str, str]:
    """The settings that are given and not blank, by their names in capitals."""
    found = {name: values.text(source.get(name) or "") for name in NAMES}
    return {name: text for name, text in found.items() if text}


def _parsed(given: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
    """The settings, those that are malformed left at their defaults, and what is wrong."""
    lower = {name.lower(): text for name, text in given.items()}
    try:
        return Settings.model_validate(lower), ()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    wrong = {str(each["loc"][0]): each["msg"].removeprefix("Value error, ") for each in found}
    rest = {name: text for name, text in lower.items() if name not in wrong}
    said = tuple(
        f"{name.upper()}: {line}" for name, message in wrong.items() for line in message.split("\n")
    )
    return Settings.model_validate(rest), said


def _check_live(settings: Settings, failed: frozenset[str], verdict: _Verdict) -> None:
    """What the real world asks for."""
    others = settings.comfyui_servers or settings.replicate_api_token
    other_engine = others or "COMFYUI_SERVERS" in failed
    for name, hint in _NEEDED.items():
        if name == "COMFYDEPLOY_API_KEY" and other_engine:
            continue
        if not getattr(settings, name.lower()) and name not in failed:
            verdict.problems.append(f"{name}: is missing; {hint}")
    for name in _SECRETS:
        weak = _weak(settings.secrets_of(name))
        verdict.problems.extend(f"{name}: {problem}" for problem in weak)
    token = settings.telegram_bot_token
    if token and not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]{30,}", token.get_secret_value()):
        verdict.problems.append(
            "TELEGRAM_BOT_TOKEN: is not a bot's token; copy it whole, number and colon included"
        )
    if (
        settings.updates_by == "webhook"
        and settings.telegram_webhook_secret is None
        and "TELEGRAM_WEBHOOK_SECRET" not in failed
    ):
        verdict.problems.append(
            "TELEGRAM_WEBHOOK_SECRET: is missing; without it anybody could speak for Telegram; "
            f"{_MAKE_ONE}, or set TELEGRAM_UPDATES=polling"
        )
    verdict.warnings.extend(_live_warnings(settings))


def _weak(many: tuple[SecretStr, ...]) -> Iterator[str]:
    """Why secrets of ours are not safe enough, or cannot be sent in a header."""
    plain = [each.get_secret_value() for each in many]
    if any(len(value) < MIN_SECRET for value in plain):
        yield f"must have {MIN_SECRET} characters or more, each of them; {_MAKE_ONE}"
    if not all(re.fullmatch(r"[!-~]+", value) for value in plain):
        yield f"must be plain ASCII without spaces, each of them; {_MAKE_ONE}"


def _live_warnings(settings: Settings) -> Iterator[str]:
    """What an operator should know who runs against the real world."""
    if settings.mongodb_uri is None:
        yield (
            "MONGODB_URI: is empty: an embedded MongoDB under DATA_DIR keeps the records, "
            "without a second copy; take backups"
        )
    if settings.telegram_bot_token is None:
        yield "TELEGRAM_BOT_TOKEN: is empty: nobody is told in Telegram"
        if settings.admin_chat_id is not None:
            yield "ADMIN_CHAT_ID: is of no use without TELEGRAM_BOT_TOKEN"
    if settings.replicate_api_token and not settings.replicate_webhook_secret:
        yield (
            "REPLICATE_WEBHOOK_SECRET: is empty: no webhook of Replicate's is taken, and its runs "
            "are followed by asking"
        )
    if settings.allow_private_targets:
        yield "ALLOW_PRIVATE_TARGETS: is on: engines can make us read from this network"
    yield from _plain_http(settings)


def _plain_http(settings: Settings) -> Iterator[str]:
    """Where keys go over the network as they are."""
    for name in ("COMFYDEPLOY_API_URL", "REPLICATE_API_URL", "TELEGRAM_API_URL"):
        address: str | None = getattr(settings, name.lower())
        if address and address.startswith("http://"):
            yield f"{name}: is plain http: whoever carries the traffic can read the key"
    for server in settings.comfyui_servers:
        if server.headers and server.url.startswith("http://"):
            yield (
                f"COMFYUI_SERVERS: {server.name} is plain http: whoever carries the traffic can "
                "read its credentials"
            )


def _check_sandbox(settings: Settings, _failed: frozenset[str], verdict: _Verdict) -> None:
    """What somebody may wonder about who has set keys and forgotten the mode."""
    given = {
        "COMFYDEPLOY_API_KEY": settings.comfydeploy_api_key and not settings.comfydeploy_api_url,
        "TELEGRAM_BOT_TOKEN": settings.telegram_bot_token and not settings.telegram_api_url,
        "REPLICATE_API_TOKEN": settings.replicate_api_token and not settings.replicate_api_url,
    }
    for name in (name for name, unused in given.items() if unused):
        verdict.warnings.append(f"{name}: is not used in sandbox mode; set MODE=live for it")


def _check_calls(settings: Settings, verdict: _Verdict) -> None:
    """What does not go together with a host where nothing runs between requests."""
    keys = {each.get_secret_value() for each in settings.cron_key}
    if keys & {each.secret.get_secret_value() for each in settings.api_keys}:
        verdict.problems.append(
            f"CRON_KEY: is one of INTERNAL_API_KEY, and must open nothing else; {_MAKE_ONE}"
        )
    if not settings.by_calls:
        return
    if settings.telegram_updates == "polling":
        verdict.problems.append(
            "TELEGRAM_UPDATES: is polling, but with RUN_BACKGROUND=off and CRON_KEY nothing runs "
            "between requests that could fetch them; set it to webhook or off"
        )
    elif settings.live and settings.telegram_updates == "auto" and settings.updates_by == "off":
        verdict.warnings.append(
            "TELEGRAM_UPDATES: are off: they would have to come by webhook, which WEBHOOK_URL "
            "does not allow; what people write to the bot stays unread"
        )
    if settings.live and settings.mongodb_uri is None:
        verdict.warnings.append(
            "MONGODB_URI: is empty, and an embedded MongoDB ends with this process, which "
            "RUN_BACKGROUND=off and CRON_KEY are for hosts to stop at any time"
        )
    if settings.comfyui_servers:
        verdict.warnings.append(
            "COMFYUI_SERVERS: have to be watched without a break, which RUN_BACKGROUND=off and "
            "CRON_KEY leave nobody to do: run `runrelay worker` somewhere for them"
        )


def _check_webhook_url(settings: Settings, verdict: _Verdict) -> None:
    """What is wrong with the address that engines are given."""
    if settings.webhook_url is None:
        return
    found = signing.check_webhook_base(settings.webhook_url, live=settings.live)
    verdict.problems.extend(f"WEBHOOK_URL: {problem}" for problem in found.problems)
    verdict.warnings.extend(f"WEBHOOK_URL: {warning}" for warning in found.warnings)


def _live_defaults(settings: Settings) -> dict[str, Any]:
    """Where the real peers are, unless said otherwise."""
    return {
        "comfydeploy_api_url": settings.comfydeploy_api_url or COMFYDEPLOY_API,
        "replicate_api_url": settings.replicate_api_url or REPLICATE_API,
        "telegram_api_url": settings.telegram_api_url or TELEGRAM_API,
    }


def _misspelt(filed: Mapping[str, object], environ: Mapping[str, object]) -> list[str]:
    """Names that look like ours and are not."""
    around = [name for name in environ if name.startswith(_OURS)]
    unknown = [name for name in dict.fromkeys([*filed, *around]) if name not in NAMES]
    close = {name: difflib.get_close_matches(name.upper(), NAMES, 1, _ALIKE) for name in unknown}
    return [
        f"{name}: is not a setting; did you mean {like[0]}?" for name, like in close.items() if like
    ]


def _place(problem: str) -> int:
    """Where a problem stands in the order of the settings; the file's own come first."""
    name = problem.partition(":")[0]
    return NAMES.index(name) if name in NAMES else -1
