"""What the operator decides, read from the environment and from `.env`."""

from app.settings.kept import sandbox_secrets
from app.settings.loading import load
from app.settings.model import NAMES, Described, Mode, SandboxSecrets, Settings, SettingsError
from app.settings.trying import EXAMPLE

__all__ = [
    "EXAMPLE",
    "NAMES",
    "Described",
    "Mode",
    "SandboxSecrets",
    "Settings",
    "SettingsError",
    "load",
    "sandbox_secrets",
]
