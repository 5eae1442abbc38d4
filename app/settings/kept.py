"""The secrets that a sandbox makes for itself, once, and keeps."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.settings.model import MIN_SECRET, SandboxSecrets, SettingsError
from processors.protocols import signing


def sandbox_secrets(data_dir: Path) -> SandboxSecrets:
    """Return the secrets kept under `data_dir`, made on the first call and the same ever after.

    The file is readable by its owner only. Of two processes that make it at once, both get
    what the first one wrote.

    Raises:
        SettingsError: The folder cannot be written, or the file is not as we wrote it.
    """
    path = data_dir / "sandbox-secrets.json"
    try:
        if not path.exists():
            _keep_new_secrets(path)
        kept = json.loads(path.read_text(encoding="utf-8"))
        webhook = _kept(kept, "webhook_secret")
        # A file of an earlier version has none for Telegram.
        kept.setdefault(
            "telegram_webhook_secret", signing.derive(webhook.encode(), "telegram").hex()
        )
        return SandboxSecrets(
            SecretStr(webhook),
            SecretStr(_kept(kept, "internal_api_key")),
            SecretStr(_kept(kept, "telegram_webhook_secret")),
        )
    except OSError as error:
        problem = f"DATA_DIR: {path} cannot be used ({error.strerror}); choose another folder"
    except (ValueError, TypeError, KeyError):
        problem = f"DATA_DIR: {path} is damaged; delete it, and new keys are made"
    raise SettingsError((problem,))


def _keep_new_secrets(path: Path) -> None:
    """Write new secrets, complete or not at all, unless another process was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {name: secrets.token_urlsafe(32) for name in SandboxSecrets._fields}
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - 0600 from birth
            json.dump(made, file)
        # A link fails where a file stands already: the slower of two processes reads the other's.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _kept(document: Any, name: str) -> str:  # noqa: ANN401 - what JSON gave
    """One secret of the file."""
    value = document[name]
    if not isinstance(value, str) or len(value) < MIN_SECRET:
        raise ValueError(name)
    return value
