"""What is wired for whom."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from pydantic import SecretStr

from app.bootstrap import Peers, Service, build, count_open, count_servers, make_duties, open_store
from app.clock import Clock
from app.observability.journal import Journal
from app.observability.metrics import Metrics
from app.settings import Settings
from app.settings.model import SandboxSecrets
from app.signals.redis import RedisWaker
from app.store.connection import Keep
from processors.protocols import signing, view_tokens
from schemas.server import ServerSettings
from schemas.timing import Timing
from tests.builders import HERE
from tests.speech import PORTUGUESE, RUSSIAN

pytestmark = pytest.mark.anyio


ADMIN: Final = {"admin_chat_id": 4711}
OFF: Final = {"run_background": False}
REDIS: Final = SecretStr("redis://127.0.0.1:1")


def a_built(
    settings: Settings,
    telegram_url: str | None,
    *servers: ServerSettings,
    uri: str = "mongodb://127.0.0.1:1",
) -> Service:
    """Wire a service that never runs."""
    store = open_store(settings, uri)
    peers = Peers(
        webhook_base="http://127.0.0.1:1",
        comfydeploy_url=None,
        comfyui_servers=servers,
        telegram_url=telegram_url,
        allow_private=True,
    )
    return build(
        settings,
        store,
        peers,
        name=HERE,
        clock=Clock(),
        timing=Timing(),
        journal=Journal(),
        metrics=Metrics(),
    )


@pytest.mark.parametrize(
    ("given", "telegram_url", "expected"),
    [
        ({}, "http://127.0.0.1:1", True),
        (OFF | ADMIN, "http://127.0.0.1:1", True),
        (OFF, "http://127.0.0.1:1", False),
        (ADMIN, None, False),
    ],
)
async def test_a_bot_is_there_for_whoever_has_something_to_tell(
    tmp_path: Path, given: Mapping[str, Any], telegram_url: str | None, *, expected: bool
) -> None:
    """A process that leaves everything to others has its alerts, if there is a chat for them."""
    settings = Settings(data_dir=tmp_path, webhook_secret=(SecretStr("a" * 32),), **given)
    service = a_built(settings, telegram_url)
    async with service.client:
        service.store.connection.close()

    assert (service.sender is not None) is expected


@pytest.mark.parametrize(
    ("given", "receives", "has_a_door"),
    [
        ({}, True, False),
        ({"telegram_updates": "webhook"}, True, True),
        ({"telegram_updates": "webhook"} | OFF, False, True),
        ({"telegram_updates": "off"}, False, False),
    ],
)
async def test_updates_come_in_as_it_is_set(
    tmp_path: Path, given: Mapping[str, Any], *, receives: bool, has_a_door: bool
) -> None:
    """A process that leaves everything to others still takes in what Telegram brings it."""
    secrets = SandboxSecrets(*[SecretStr("a" * 32)] * 3)
    settings = Settings(data_dir=tmp_path, **given).with_secrets(secrets)
    service = a_built(settings, "http://127.0.0.1:1")
    transport = httpx.ASGITransport(app=service.app)
    async with service.client, httpx.AsyncClient(transport=transport) as client:
        answer = await client.post("http://relay.test/webhook", content=b"{}")
        service.store.connection.close()

    assert (service.reception is not None) is receives
    assert answer.status_code == (401 if has_a_door else 404)


@pytest.mark.parametrize(
    ("given", "secret"),
    [({}, b"a" * 32), ({"view_token_secret": (SecretStr("v" * 32), SecretStr("w"))}, b"v" * 32)],
)
async def test_view_tokens_are_signed_with_a_secret_of_their_own(
    tmp_path: Path, given: Mapping[str, Any], secret: bytes
) -> None:
    """Where there is one; and keys may do what the settings say."""
    keys = (SecretStr("page:read:a-key-of-the-page"),)
    made = SandboxSecrets(*[SecretStr("a" * 32)] * 3)
    settings = Settings(data_dir=tmp_path, internal_api_key=keys, **given).with_secrets(made)
    service = a_built(settings, None)
    transport = httpx.ASGITransport(app=service.app)
    bearer = {"Authorization": "Bearer a-key-of-the-page"}
    async with service.client, httpx.AsyncClient(transport=transport, headers=bearer) as client:
        told = await client.post("http://relay.test/api/tokens", json={"all": True})
        refused = await client.post("http://relay.test/api/tokens", json={"all": True, "act": True})
        service.store.connection.close()

    assert view_tokens.read([signing.derive(secret, "view")], told.json()["token"]) is not None
    assert refused.status_code == 403


@pytest.mark.parametrize(("given", "wakes"), [({}, False), ({"redis_url": REDIS}, True)])
async def test_others_are_woken_where_there_is_a_way(
    tmp_path: Path, given: Mapping[str, Any], *, wakes: bool
) -> None:
    """By Redis, of which nothing is asked yet."""
    settings = Settings(data_dir=tmp_path, webhook_secret=(SecretStr("a" * 32),), **given)
    service = a_built(settings, "http://127.0.0.1:1")
    service.waker.wake()
    async with service.client:
        service.store.connection.close()

    assert isinstance(service.waker, RedisWaker) is wakes
    assert len(service.drains) == 1


async def test_a_process_that_is_to_end_gives_no_places_any_more(tmp_path: Path) -> None:
    """Before anything else: what is claimed for hands that are closed has had its turn in vain."""
    settings = Settings(data_dir=tmp_path, webhook_secret=(SecretStr("a" * 32),))
    server = ServerSettings(name="a", url="http://a.test")
    service = a_built(settings, "http://127.0.0.1:1", server)
    async with service.client, asyncio.timeout(20):
        service.store.connection.close()
        assert service.placing is not None
        async with asyncio.TaskGroup() as group:
            choosing = group.create_task(service.placing.choose())
            await asyncio.sleep(0)
            assert not choosing.done()
            await service.drains[0]()

    assert len(service.drains) == 2


def test_the_operators_texts_are_found_by_language() -> None:
    """Those that there are."""
    duties = make_duties(Settings(terms_text="Be nice.", paysupport_text_pt="Escreva."))

    assert duties.terms(RUSSIAN) == "Be nice."
    assert duties.pay_support(PORTUGUESE) == "Escreva."


@pytest.mark.parametrize("names", [("a",), ()])
async def test_the_servers_of_the_settings_are_counted(
    tmp_path: Path, mongo_uri: str, names: tuple[str, ...]
) -> None:
    """Whether each is up, and how long the line is; where there are none, nobody is asked."""
    settings = Settings(
        data_dir=tmp_path,
        webhook_secret=(SecretStr("a" * 32),),
        mongodb_database=f"counted_{len(names)}",
    )
    servers = [ServerSettings(name=each, url=f"http://{each}.test") for each in names]
    service = a_built(settings, None, *servers, uri=mongo_uri)
    async with service.client:
        await service.store.connection.prepare("sandbox", Keep(timedelta(days=14)))
        await count_servers(service)
        await count_open(service)
        service.store.connection.close()
    figures = service.metrics.render().decode()

    assert [f'server_up{{server="{each}"}} 0.0' in figures for each in names] == [True] * len(names)
    assert ("runrelay_server_up{" in figures) is bool(names)
    assert "runrelay_line_waiting 0.0" in figures
    assert 'runrelay_jobs{state="open"} 0.0' in figures
