"""What the operator decides: every setting, its type and its default."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from app.settings import api_keys, values
from app.settings.servers import servers
from processors.protocols import telegram
from schemas.access import ApiKey
from schemas.quota import Quota
from schemas.server import ServerSettings

MIN_SECRET: Final = 16
"""Characters of a secret of ours in live mode."""


class SettingsError(Exception):
    """The settings do not do.

    Attributes:
        problems: Each in one sentence that begins with the setting's name.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Mode(StrEnum):
    """Whom the service talks to."""

    SANDBOX = "sandbox"
    """Stand-ins on this machine; nothing has to be set."""
    LIVE = "live"
    """The real engines and Telegram."""


class SandboxSecrets(NamedTuple):
    """Secrets that a sandbox made for itself."""

    webhook_secret: SecretStr
    internal_api_key: SecretStr
    telegram_webhook_secret: SecretStr


class Described(NamedTuple):
    """One setting as it may be shown: a secret is only said to be set."""

    name: str
    value: str
    source: Literal["environment", "file", "default"]


class Settings(BaseModel):
    """What the operator decides. A field's name in capitals is the setting's name."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    mode: Annotated[Mode, values.one_of(*Mode)] = Mode.SANDBOX
    host: Annotated[str, BeforeValidator(values.listens)] = "127.0.0.1"
    port: Annotated[int, values.number(0, 65535)] = 8000
    """0 lets the system choose."""
    webhook_url: str | None = None
    """Always set in live mode. In sandbox mode, None means the address we listen on."""
    webhook_secret: values.Secrets = ()
    """The first signs, all verify."""
    internal_api_key: Annotated[tuple[SecretStr, ...], BeforeValidator(api_keys.api_keys)] = ()
    """As they were written; see `api_keys`."""
    view_token_secret: values.Secrets = ()
    """The first signs, all verify. None: keys derived from `webhook_secret`."""
    cron_key: values.Secrets = ()
    """Any of them opens `/api/cron/worker` and `/api/cron/checker`, and nothing else."""
    storage_url: Annotated[str | None, BeforeValidator(values.storage)] = None
    """None: the folder `media` under `data_dir`."""
    cors_origins: Annotated[tuple[str, ...], values.each(values.origin)] = ()
    trusted_proxies: Annotated[tuple[str, ...], values.each(values.proxy)] = ()
    mongodb_uri: Annotated[SecretStr | None, BeforeValidator(values.mongodb)] = None
    """None: an embedded mongod under `data_dir`."""
    mongodb_database: Annotated[str, BeforeValidator(values.database)] = "runrelay"
    redis_url: Annotated[SecretStr | None, BeforeValidator(values.redis)] = None
    """None: no process is woken, and each looks once a second."""
    data_dir: values.Location = Path("data")
    mongod_binary: values.Location | None = None
    run_background: values.Switch = True
    comfydeploy_api_url: values.Url | None = None
    """Always set in live mode. In sandbox mode, None means the stand-in that we start."""
    comfydeploy_api_key: SecretStr | None = None
    comfydeploy_hosts: Annotated[tuple[str, ...], values.each(values.host)] = (
        "*.s3.amazonaws.com",
        "*.s3.*.amazonaws.com",
    )
    """S3's buckets, in whichever region, and nothing else that Amazon's customers can name."""
    comfyui_servers: Annotated[tuple[ServerSettings, ...], BeforeValidator(servers)] = ()
    """None: no such engine when live; in sandbox mode, the stand-ins that we start."""
    comfyui_poll_seconds: Annotated[int, values.number(1, 300)] = 10
    """How often a server is asked about a run that goes on, whatever its socket says."""
    replicate_api_url: values.Url | None = None
    """Always set in live mode. In sandbox mode, None means the stand-in that we start."""
    replicate_api_token: SecretStr | None = None
    replicate_webhook_secret: values.SigningSecrets = ()
    """What Replicate signs its webhooks with. None: they find no door, and runs are asked after."""
    telegram_bot_token: SecretStr | None = None
    telegram_api_url: values.Url | None = None
    """Always set in live mode. In sandbox mode, None means the stand-in that we start."""
    telegram_finish: Annotated[Literal["send", "edit"], values.one_of("send", "edit")] = "send"
    telegram_updates: Annotated[
        Literal["auto", "webhook", "polling", "off"],
        values.one_of("auto", "webhook", "polling", "off"),
    ] = "auto"
    telegram_webhook_secret: Annotated[
        SecretStr | None, BeforeValidator(values.telegram_secret)
    ] = None
    """What Telegram proves itself with. Always set where updates come by webhook."""
    allow_private_targets: values.Switch = False
    admin_chat_id: Annotated[int | None, BeforeValidator(values.chat)] = None
    welcome_grant: Annotated[Decimal, BeforeValidator(values.credits)] = Decimal(0)
    """Credits that somebody new is given."""
    credits_per_usd: Annotated[Decimal, BeforeValidator(values.rate)] = Decimal(100)
    """What a price that follows the cost is worked out with."""
    credits_per_star: Annotated[Decimal, BeforeValidator(values.rate)] = Decimal(1)
    """What one Telegram Star buys."""
    stars_offered: Annotated[tuple[int, ...], BeforeValidator(values.stars)] = (50, 100, 250, 500)
    """Sizes of purchases that are offered, in Stars."""
    limit_at_once: values.Allowance = Quota(usual=3)
    """Jobs of one person that may run at a time."""
    limit_per_minute: values.Allowance = Quota(usual=10)
    """Jobs that one person may order in a minute."""
    limit_per_day: values.Allowance = Quota(usual=200)
    """Jobs that one person may order in 24 hours."""
    terms_text: values.Text | None = None
    """None: a text that says that there is none."""
    terms_text_ru: values.Text | None = None
    """None: `terms_text`."""
    terms_text_pt: values.Text | None = None
    """None: `terms_text`."""
    paysupport_text: values.Text | None = None
    """None: a text that says to whom to turn, without knowing it."""
    paysupport_text_ru: values.Text | None = None
    """None: `paysupport_text`."""
    paysupport_text_pt: values.Text | None = None
    """None: `paysupport_text`."""
    keep_events_days: Annotated[int, values.number(1, 3650)] = 14
    keep_records_days: Annotated[int | None, values.number(1, 36500)] = None
    """None: for ever."""
    keep_usage_days: Annotated[int, values.number(1, 3650)] = 90
    keep_media_days: Annotated[int | None, values.number(1, 36500)] = None
    """None: for ever."""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        values.one_of("debug", "info", "warning", "error"),
    ] = "info"
    log_format: Annotated[Literal["console", "json"], values.one_of("console", "json")] = "console"

    warnings: tuple[str, ...] = Field(default=(), exclude=True)
    """What the operator should know, each a sentence that begins with the setting's name."""
    sources: Mapping[str, Literal["environment", "file"]] = Field(
        default_factory=dict[str, Literal["environment", "file"]], exclude=True
    )
    """Where each setting came from, by its name in capitals; defaults are not in it."""

    @property
    def live(self) -> bool:
        """Whether the real peers are talked to."""
        return self.mode is Mode.LIVE

    @property
    def by_calls(self) -> bool:
        """Whether what others do in the background is done in calls, and within requests."""
        return bool(self.cron_key) and not self.run_background

    @property
    def works(self) -> bool:
        """Whether this process does what is owed: at all times, or in calls."""
        return self.run_background or self.by_calls

    @property
    def api_keys(self) -> tuple[ApiKey, ...]:
        """The keys that open the API, with what each may do."""
        return tuple(api_keys.parse(each.get_secret_value()) for each in self.internal_api_key)

    @property
    def own_key(self) -> str | None:
        """The key that our own commands come with: the first of those that may do most."""
        widest = max(self.api_keys, key=lambda each: each.scope.rank, default=None)
        return None if widest is None else widest.secret.get_secret_value()

    @property
    def telegram_on(self) -> bool:
        """Whether there is somebody to tell: always in the sandbox, by the token when live."""
        return not self.live or self.telegram_bot_token is not None

    @property
    def updates_by(self) -> Literal["webhook", "polling", "off"]:
        """How updates of Telegram come in."""
        if not self.telegram_on:
            return "off"
        if self.telegram_updates != "auto":
            return self.telegram_updates
        if telegram.reaches(self.webhook_url):
            return "webhook"
        # Where nothing runs between requests, nobody fetches anything.
        return "off" if self.by_calls else "polling"

    def describe(self) -> Iterator[Described]:
        """Yield every setting with its value, or "set" for a secret, and where it came from."""
        for name in NAMES:
            kept = len(self.secrets_of(name))
            value = f"set ({kept})" if kept > 1 else "set" if kept else _shown(self, name)
            yield Described(name, value, self.sources.get(name, "default"))

    def secret_values(self) -> Iterator[str]:
        """Yield everything that must never be printed: keys, tokens, the database's address."""
        for name in NAMES:
            yield from (each.get_secret_value() for each in self.secrets_of(name))
        for server in self.comfyui_servers:
            yield from server.secret_values()

    def secrets_of(self, name: str) -> tuple[SecretStr, ...]:
        """Return the secrets that a setting holds; none if it is not a secret, or not given."""
        if name == "INTERNAL_API_KEY":
            # Not what is written before a key: the key alone must not be printed either.
            return tuple(each.secret for each in self.api_keys)
        value: object = getattr(self, name.lower())
        many = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
        return tuple(each for each in many if isinstance(each, SecretStr))

    def with_secrets(self, made: SandboxSecrets) -> "Settings":
        """Return the settings with `made` in place of the secrets that were not given."""
        return self.model_copy(
            update={
                "webhook_secret": self.webhook_secret or (made.webhook_secret,),
                "internal_api_key": self.internal_api_key or (made.internal_api_key,),
                "telegram_webhook_secret": self.telegram_webhook_secret
                or made.telegram_webhook_secret,
            }
        )


NAMES: Final = tuple(
    name.upper() for name in Settings.model_fields if name not in {"warnings", "sources"}
)
"""The settings' names, in the order they are documented."""


def _shown(settings: Settings, name: str) -> str:
    """A value that is no secret, as the operator would write it; empty when there is none."""
    value: object = getattr(settings, name.lower())
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(str, cast("tuple[object, ...]", value)))
    return "" if value is None else str(value).replace("\n", "\\n")
