"""Where the peers are."""

from dataclasses import dataclass, field

from schemas.server import ServerSettings


@dataclass(frozen=True, kw_only=True)
class Peers:
    """Where the peers are, whichever mode we run in.

    Attributes:
        webhook_base: What engines are given to call back.
        comfydeploy_url: The API's base, or None where that engine is off.
        comfydeploy_key: Its key.
        comfydeploy_hosts: Host patterns of its outputs.
        comfyui_servers: The ComfyUI servers; none where that engine is off.
        replicate_url: The API's base, or None where that engine is off.
        replicate_token: Its token.
        replicate_hosts: Host patterns of its outputs, beside its own.
        replicate_secrets: What Replicate's webhooks may be signed with, ``whsec_...``.
        telegram_url: The Bot API's base, or None where Telegram is off.
        telegram_token: The bot's token.
        allow_private: Whether outputs may lie on this machine or in this network.
    """

    webhook_base: str
    comfydeploy_url: str | None
    comfydeploy_key: str = ""
    comfydeploy_hosts: tuple[str, ...] = ()
    comfyui_servers: tuple[ServerSettings, ...] = ()
    replicate_url: str | None = None
    replicate_token: str = field(default="", repr=False)
    replicate_hosts: tuple[str, ...] = ()
    replicate_secrets: tuple[str, ...] = field(default=(), repr=False)
    telegram_url: str | None
    telegram_token: str = ""
    allow_private: bool

    @property
    def own(self) -> tuple[str, ...]:
        """Base URLs of servers of our own."""
        return tuple(server.url for server in self.comfyui_servers)
