"""app.store.objects: what its contract does not say."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import PeerDownError
from app.store.objects import ObjectStorage

pytestmark = pytest.mark.anyio

LIMIT = timedelta(seconds=30)


async def once(content: bytes) -> AsyncIterator[bytes]:
    """Give bytes at once."""
    yield content


async def test_a_folder_is_made_where_its_url_says(tmp_path: Path) -> None:
    """A file URL and the folder itself are the same storage."""
    storage = ObjectStorage.at(f"file://{tmp_path}/media")
    await storage.put("a/b", once(b"content"), limit_bytes=10, limit=LIMIT)

    assert (tmp_path / "media" / "a" / "b").read_bytes() == b"content"
    assert await ObjectStorage.under(tmp_path / "media").head("a/b") is not None


async def test_a_storage_that_cannot_be_opened_is_down(tmp_path: Path) -> None:
    """Where a file stands no folder can be made."""
    (tmp_path / "file").touch()

    with pytest.raises(PeerDownError, match="storage"):
        ObjectStorage.at(f"file://{tmp_path}/file/media")


async def test_a_bucket_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of it holds no address."""
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    storage = ObjectStorage.at("s3://a-bucket/folder")

    with pytest.raises(PeerDownError) as caught:
        await storage.head("a")
    assert "127.0.0.1" not in str(caught.value)
    assert "a-secret" not in str(caught.value)


async def test_a_write_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Nothing is seen of it."""
    storage = ObjectStorage.under(tmp_path)

    with pytest.raises(PeerDownError, match="too long"):
        await storage.put("a", once(b"content"), limit_bytes=10, limit=timedelta())
    assert await storage.head("a") is None
