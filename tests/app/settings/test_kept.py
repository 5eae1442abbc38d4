"""The secrets that a sandbox makes for itself."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from app import settings
from app.settings import SettingsError


def test_a_second_start_has_the_same_keys(tmp_path: Path) -> None:
    """Secrets are made once, in a folder that need not be there yet."""
    made = settings.sandbox_secrets(tmp_path / "data")

    assert settings.sandbox_secrets(tmp_path / "data") == made
    assert made.webhook_secret != made.internal_api_key
    assert len(made.internal_api_key.get_secret_value()) >= 32


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    """The file is 0600, and nothing else is left in the folder."""
    settings.sandbox_secrets(tmp_path)

    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    """Whoever is slower takes what the faster one wrote."""
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(settings.sandbox_secrets, [tmp_path] * 32))

    assert len(made) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"webhook_secret": "", "internal_api_key": 1}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    """A file that we did not write like this stops the start, with what to do."""
    (tmp_path / "sandbox-secrets.json").write_text(text)
    with pytest.raises(SettingsError) as caught:
        settings.sandbox_secrets(tmp_path)

    (problem,) = caught.value.problems
    assert problem.startswith("DATA_DIR: ")
    assert "delete it" in problem


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file where the folder should be stops the start."""
    (tmp_path / "data").touch()
    with pytest.raises(SettingsError, match=r"DATA_DIR: .* choose another folder"):
        settings.sandbox_secrets(tmp_path / "data")


def test_secrets_that_were_given_stand(tmp_path: Path) -> None:
    """What was made fills only what was left out."""
    loaded = settings.load({"INTERNAL_API_KEY": "mine"}, None)
    made = settings.sandbox_secrets(tmp_path)
    filled = loaded.with_secrets(made)

    assert filled.internal_api_key == (SecretStr("mine"),)
    assert filled.webhook_secret == (made.webhook_secret,)
    assert filled.telegram_webhook_secret == made.telegram_webhook_secret


def test_a_file_of_an_earlier_version_does(tmp_path: Path) -> None:
    """What it does not hold is made of what it holds, the same each time."""
    earlier = json.dumps({"webhook_secret": "w" * 32, "internal_api_key": "i" * 32})
    (tmp_path / "sandbox-secrets.json").write_text(earlier)
    made = settings.sandbox_secrets(tmp_path)

    assert made == settings.sandbox_secrets(tmp_path)
    assert made.webhook_secret == SecretStr("w" * 32)
    assert len(made.telegram_webhook_secret.get_secret_value()) == 64


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    """Where the file's name is taken by a dead link, nothing is written and the folder is named."""
    (tmp_path / "sandbox-secrets.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match=r"DATA_DIR: .* choose another folder"):
        settings.sandbox_secrets(tmp_path)

    assert [file.name for file in tmp_path.iterdir()] == ["sandbox-secrets.json"]
