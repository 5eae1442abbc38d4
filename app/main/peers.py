"""Where the peers are: what was set, or the stand-ins."""

from urllib.parse import urlsplit

from app.bootstrap import Peers
from app.main.sandboxed import KEY, TOKEN, Addresses
from app.settings import Settings
from schemas.server import ServerSettings


def peers_of(settings: Settings, stand_ins: Addresses | None, local: str) -> Peers:
    """Return where everybody is.

    Args:
        settings: What the operator decided.
        stand_ins: The sandbox's addresses; None in live mode.
        local: Our own URL on this machine, which is what engines are given where none was set.
    """
    base = settings.webhook_url or local
    key, token = settings.comfydeploy_api_key, settings.telegram_bot_token
    models = settings.replicate_api_token
    if stand_ins is None:
        return Peers(
            webhook_base=base,
            comfydeploy_url=settings.comfydeploy_api_url if key else None,
            comfydeploy_key=key.get_secret_value() if key else "",
            comfydeploy_hosts=settings.comfydeploy_hosts,
            comfyui_servers=settings.comfyui_servers,
            replicate_url=settings.replicate_api_url if models else None,
            replicate_token=models.get_secret_value() if models else "",
            replicate_secrets=_replicate_secrets(settings),
            telegram_url=settings.telegram_api_url if token else None,
            telegram_token=token.get_secret_value() if token else "",
            allow_private=settings.allow_private_targets,
        )
    return Peers(
        webhook_base=base,
        comfydeploy_url=settings.comfydeploy_api_url or stand_ins.comfydeploy,
        comfydeploy_key=key.get_secret_value() if key else KEY,
        comfydeploy_hosts=(*settings.comfydeploy_hosts, stand_ins.outputs_host),
        comfyui_servers=settings.comfyui_servers or _stand_in_servers(stand_ins),
        replicate_url=settings.replicate_api_url or stand_ins.replicate or None,
        replicate_token=models.get_secret_value() if models else stand_ins.replicate_token,
        replicate_hosts=(stand_ins.outputs_host, *_host_of(settings.replicate_api_url)),
        replicate_secrets=_replicate_secrets(settings) or _stand_in_secrets(stand_ins),
        telegram_url=settings.telegram_api_url or stand_ins.telegram,
        telegram_token=token.get_secret_value() if token else TOKEN,
        allow_private=True,
    )


def _host_of(url: str | None) -> tuple[str, ...]:
    """Return where a stand-in of somebody's own keeps its outputs: where it is itself."""
    return (urlsplit(url).netloc,) if url else ()


def _replicate_secrets(settings: Settings) -> tuple[str, ...]:
    return tuple(each.get_secret_value() for each in settings.replicate_webhook_secret)


def _stand_in_secrets(stand_ins: Addresses) -> tuple[str, ...]:
    return (stand_ins.replicate_secret,) if stand_ins.replicate_secret else ()


def _stand_in_servers(stand_ins: Addresses) -> tuple[ServerSettings, ...]:
    return tuple(
        ServerSettings(name=f"sandbox-{n}", url=url) for n, url in enumerate(stand_ins.comfyui, 1)
    )
