"""What `runrelay doctor` looks into: that everything the settings name is there and answers."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import httpx

from app.bootstrap import (
    LEAST_DISK,
    Peers,
    make_client,
    make_comfydeploy,
    make_comfyui,
    make_replicate,
    open_storage,
    open_store,
)
from app.clock import Clock
from app.errors import AppError, PeerError, PeerRefusedError, SetupError, UnavailableError
from app.main import database
from app.main.listening import noted_url
from app.main.peers import peers_of
from app.observability.metrics import Metrics
from app.settings import Settings
from app.store.embedded.lock import DataDirLock
from app.store.embedded.mongod import running_uri
from app.telegram.connecting import connect
from app.web import telegram
from schemas.timing import Timing

if TYPE_CHECKING:
    from app.telegram.bot import Bot

PATIENCE: Final = timedelta(seconds=2)
CALL_SECONDS: Final = 10.0
_WEBHOOK: Final = "/api/webhook/comfydeploy"
_SIGNED: Final = "/api/webhook/replicate"
_COPY: Final = "copy it from GET https://api.replicate.com/v1/webhooks/default/secret"
"""What to do about the secret that Replicate signs webhooks with."""


class Check(NamedTuple):
    """One thing that was looked into."""

    name: str
    verdict: Literal["ok", "warning", "failed", "skipped"]
    said: str
    """What was found."""
    cure: str = ""
    """What to do about it."""


Looking = Callable[[Settings], Awaitable[list[Check]]]


async def examine(settings: Settings) -> AsyncIterator[Check]:
    """Look into everything, one after another; nothing is changed.

    To see whether storage can be written, a small file is made there, and deleted.
    """
    for name, look in _LOOKS.items():
        try:
            found = await look(settings)
        except AppError as error:
            found = [Check(name, "failed", str(error))]
        for each in found:
            yield each


async def _service(settings: Settings) -> list[Check]:
    url = noted_url(settings.data_dir)
    if url is None:
        return [Check("service", "skipped", "does not run on this DATA_DIR")]
    async with _client() as client:
        try:
            ready = await client.get(f"{url}/readyz", headers=_key(settings))
        except httpx.HTTPError:
            cure = "it was killed, or hangs: start it again"
            return [Check("service", "warning", f"noted {url}, and does not answer", cure)]
    if ready.status_code == HTTPStatus.OK:
        return [Check("service", "ok", f"runs and is ready at {url}")]
    why = ready.text.replace("\n", "; ")
    return [Check("service", "failed", f"runs at {url}, but is {why}")]


async def _database(settings: Settings) -> list[Check]:
    embedded = settings.mongodb_uri is None
    async with AsyncExitStack() as stack:
        uri, where = None, "yours (MONGODB_URI)"
        if embedded:
            uri, where = running_uri(settings.data_dir), "embedded, run by the service"
        if embedded and uri is None:
            where = "embedded, started for this look"
            stack.enter_context(DataDirLock(settings.data_dir))
        uri = uri or await stack.enter_async_context(
            database.database_uri(settings, dict(os.environ))
        )
        store = open_store(settings, uri)
        stack.callback(store.connection.close)
        try:
            await database.answering(store, Clock(), PATIENCE)
        except (SetupError, UnavailableError) as error:
            cure = "see that it runs, and that address, user and password are right"
            return [Check("MongoDB", "failed", str(error), cure)]
        found = [Check("MongoDB", "ok", f"answers; {where}")]
        problems = await store.connection.problems()
        found += [Check("MongoDB", "failed", each) for each in problems]
        doubts = await store.connection.doubts()
        cure = "grant the user the role clusterMonitor on the database admin"
        found += [Check("durability", "warning", each, cure) for each in doubts]
        if not problems and not doubts:
            found.append(
                Check("durability", "ok", "a replica set that acknowledges from the journal")
            )
        return [*found, _stamp(await store.connection.mode(), settings)]


def _stamp(mode: str | None, settings: Settings) -> Check:
    if mode is None:
        return Check("mode", "ok", f"the database is new; the first start makes it {settings.mode}")
    if mode == settings.mode.value:
        return Check("mode", "ok", f"the database is one of {mode} mode, as MODE says")
    cure = "use another MONGODB_DATABASE, or another DATA_DIR"
    return Check("mode", "failed", f"the database is of {mode} mode, MODE is {settings.mode}", cure)


async def _redis(settings: Settings) -> list[Check]:
    """See that Redis answers, where processes wake each other by one."""
    if settings.redis_url is None:
        return []
    from app.signals.redis import check  # noqa: PLC0415 - loads a client that most have no use for

    try:
        said = await check(settings.redis_url.get_secret_value(), CALL_SECONDS)
    except PeerError as error:
        cure = "look at REDIS_URL; meanwhile what is due is found by looking, each second"
        return [Check("Redis", "failed", str(error), cure)]
    return [Check("Redis", "ok", f"answers; {said}")]


async def _comfydeploy(settings: Settings) -> list[Check]:
    peers = _peers(settings)
    if peers.comfydeploy_url is None:
        return [_absent("ComfyDeploy", "COMFYDEPLOY_API_KEY", settings)]
    async with make_client() as client:
        engine = make_comfydeploy(peers, peers.comfydeploy_url, client, Timing(), Metrics())
        try:
            said = await engine.check()
        except PeerError as error:
            cure = "look at COMFYDEPLOY_API_KEY and COMFYDEPLOY_API_URL, and the way out"
            return [Check("ComfyDeploy", "failed", str(error), cure)]
        return [Check("ComfyDeploy", "ok", f"answers; {said}")]


async def _comfyui(settings: Settings) -> list[Check]:
    peers = _peers(settings)
    if not peers.comfyui_servers:
        return [_absent("ComfyUI", "COMFYUI_SERVERS", settings)]
    async with make_client(peers.comfyui_servers) as client:
        looks = await make_comfyui(peers, client, Timing(), Metrics()).looks()
    cure = "see that it runs and is reached from here, and look at COMFYUI_SERVERS"
    return [
        Check("ComfyUI", "ok", str(look))
        if look.trouble is None
        else Check("ComfyUI", "failed", str(look), cure)
        for look in looks
    ]


async def _replicate(settings: Settings) -> list[Check]:
    """See that the token is good, and that webhooks can come and be told from others'."""
    peers = _peers(settings)
    if peers.replicate_url is None:
        return [_absent("Replicate", "REPLICATE_API_TOKEN", settings)]
    async with make_client() as client:
        engine = make_replicate(peers, peers.replicate_url, client, Timing(), Metrics())
        try:
            found = [Check("Replicate", "ok", f"answers; {await engine.check()}")]
        except PeerRefusedError as error:
            found = [Check("Replicate", "failed", str(error), _COPY)]
        except PeerError as error:
            cure = "look at REPLICATE_API_TOKEN and REPLICATE_API_URL, and the way out"
            found = [Check("Replicate", "failed", str(error), cure)]
    return [*found, *_called_back(settings)]


def _called_back(settings: Settings) -> Iterator[Check]:
    """Say what keeps Replicate's webhooks from being taken."""
    name, without = "Replicate webhooks", "so its runs are followed by asking"
    if not settings.replicate_webhook_secret:
        said = f"REPLICATE_WEBHOOK_SECRET is empty, {without}"
        yield Check(name, "warning", said, _COPY)
    if settings.live and (settings.webhook_url or "").startswith("http://"):
        said = f"WEBHOOK_URL is plain http, and Replicate calls https alone, {without}"
        yield Check(
            name, "failed", said, "give this service a certificate, or a proxy that has one"
        )


async def _telegram(settings: Settings) -> list[Check]:
    peers = _peers(settings)
    if peers.telegram_url is None and not settings.live:
        return [_stand_in("Telegram")]
    if peers.telegram_url is None:
        cure = "set TELEGRAM_BOT_TOKEN if somebody should be"
        return [Check("Telegram", "skipped", "is off: nobody is told anything", cure)]
    bot = None
    try:
        bot = await connect(
            peers.telegram_token,
            peers.telegram_url,
            timeout_seconds=CALL_SECONDS,
            metrics=Metrics(),
        )
        name = await bot.me()
        updates = await _updates(bot, settings, peers.webhook_base)
    except PeerError as error:
        cure = "look at TELEGRAM_BOT_TOKEN (from @BotFather) and TELEGRAM_API_URL"
        return [Check("Telegram", "failed", str(error), cure)]
    finally:
        if bot is not None:
            await bot.close()
    return [Check("Telegram", "ok", f"answers; the bot is @{name}"), updates]


async def _updates(bot: "Bot", settings: Settings, base: str) -> Check:
    """Compare the webhook that Telegram has with the one it should have."""
    from app.telegram.inbound import Inbound  # noqa: PLC0415 - loads aiogram, as the bot has

    name, by = "Telegram updates", settings.updates_by
    hook = await Inbound(bot, answer_seconds=CALL_SECONDS).hook()
    if by == "webhook" and hook.url == f"{base}{telegram.PATH}":
        return Check(name, "ok", f"are brought to {hook.url}")
    if by == "polling" and not hook.url:
        return Check(name, "ok", "are fetched by the service")
    if by == "off":
        return Check(name, "skipped", "are off (TELEGRAM_UPDATES): the bot only tells")
    found = f"are brought to {hook.url}" if hook.url else "are brought nowhere"
    cure = "the service puts it right within a minute, while it runs; if not, see its log"
    return Check(name, "warning", f"{found}, but should come by {by}", cure)


async def _duties(settings: Settings) -> list[Check]:
    """See that people can read what Telegram wants them to, where they pay."""
    if not settings.live or not settings.telegram_on:
        return []
    texts = {"TERMS_TEXT": settings.terms_text, "PAYSUPPORT_TEXT": settings.paysupport_text}
    cure = "write it before you take Stars: Telegram asks bots that do for /terms and /paysupport"
    return [
        Check(name, "warning", "is empty", cure) for name, text in texts.items() if text is None
    ]


async def _webhook(settings: Settings) -> list[Check]:
    base = settings.webhook_url
    if base is None:
        return [Check("webhook URL", "skipped", "is this machine's own: the engine is a stand-in")]
    if noted_url(settings.data_dir) is None:
        cure = "start the service here, then run doctor again beside it"
        return [Check("webhook URL", "skipped", "cannot be tried while no service runs", cure)]
    async with _client() as client:
        # Where the engine is off, nobody takes its webhooks.
        posted = [_WEBHOOK] if not settings.live or settings.comfydeploy_api_key else []
        signed = settings.replicate_api_token and settings.replicate_webhook_secret
        posted += [_SIGNED] if signed else []
        posted += [telegram.PATH] if settings.updates_by == "webhook" else []
        return [
            await _answers(client, "GET", f"{base}/livez", HTTPStatus.OK),
            *[
                await _answers(client, "POST", f"{base}{path}", HTTPStatus.UNAUTHORIZED)
                for path in posted
            ],
        ]


async def _answers(client: httpx.AsyncClient, method: str, url: str, expected: HTTPStatus) -> Check:
    """Call our own public address; say what its answer means."""
    name = f"webhook URL, {method}"
    try:
        answer = await client.request(method, url, json={} if method == "POST" else None)
    except httpx.TimeoutException:
        cure = "a firewall or a proxy swallows it; the port must be open to the outside"
        return Check(name, "failed", f"{url} does not answer in {CALL_SECONDS:.0f} s", cure)
    except httpx.HTTPError as error:
        cure = "look at WEBHOOK_URL, its name in DNS, its certificate, and the proxy"
        return Check(name, "failed", f"{url} cannot be reached ({type(error).__name__})", cure)
    if answer.is_redirect:
        cure = "engines do not follow redirects: set WEBHOOK_URL to where it leads, https:// mostly"
        return Check(name, "failed", f"{url} redirects to {answer.headers.get('location')}", cure)
    ours = answer.text == "ok" or answer.headers.get("content-type", "").startswith(
        "application/problem+json"
    )
    if answer.status_code == expected and ours:
        return Check(name, "ok", f"{url} reaches this service")
    return Check(name, "failed", f"{url} answers {answer.status_code}", _meaning(answer))


def _meaning(answer: httpx.Response) -> str:
    match answer.status_code:
        case HTTPStatus.NOT_FOUND:
            return "something else answers, or a proxy cuts the path: compare it with WEBHOOK_URL's"
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return "something before us asks for a password: let the webhook's path through"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return "a proxy lets only some methods through: webhooks are POST, and GET with a body"
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.GATEWAY_TIMEOUT:
            return "the proxy does not reach this service: compare its target with HOST and PORT"
        case _:
            return "it is not this service that answers: look at WEBHOOK_URL and the proxy"


async def _storage(settings: Settings) -> list[Check]:
    """Write a small file where outputs are kept, read it again, and delete it."""
    where = settings.storage_url or str(settings.data_dir / "media")
    key, words = f"doctor/{os.urandom(8).hex()}", b"written by runrelay doctor"
    try:
        storage = open_storage(settings)
        limit = timedelta(seconds=CALL_SECONDS)
        await storage.put(key, _once(words), limit_bytes=len(words), limit=limit)
        async for _ in storage.read(key, 0, len(words)):
            pass
        await storage.delete(key)
    except PeerError as error:
        cure = "look at STORAGE_URL, at the variables with its keys, and at what they may do"
        return [Check("storage", "failed", f"{where}: {error}", cure)]
    return [Check("storage", "ok", f"{where} can be written and read")]


async def _once(words: bytes) -> AsyncIterator[bytes]:
    yield words


async def _disk(settings: Settings) -> list[Check]:
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    share, gigabytes = usage.free / usage.total, usage.free / 1e9
    said = f"{share:.0%} of {folder} is free ({gigabytes:.1f} GB)"
    if share < LEAST_DISK:
        return [Check("disk", "failed", said, "make room: below 5 % no new order is taken")]
    if share < 2 * LEAST_DISK:
        return [Check("disk", "warning", said, "make room: below 5 % no new order is taken")]
    return [Check("disk", "ok", said)]


_LOOKS: Final[Mapping[str, Looking]] = {
    "service": _service,
    "MongoDB": _database,
    "Redis": _redis,
    "ComfyDeploy": _comfydeploy,
    "ComfyUI": _comfyui,
    "Replicate": _replicate,
    "Telegram": _telegram,
    "duties": _duties,
    "webhook URL": _webhook,
    "storage": _storage,
    "disk": _disk,
}


def _peers(settings: Settings) -> Peers:
    """Return the peers that are set; stand-ins live only as long as the service does."""
    return peers_of(settings, None, "http://127.0.0.1")


def _absent(name: str, setting: str, settings: Settings) -> Check:
    """Say of an engine that nothing is set for why that is well."""
    if not settings.live:
        return _stand_in(name)
    return Check(name, "skipped", f"is off: {setting} is not set")


def _stand_in(name: str) -> Check:
    return Check(name, "ok", "is a stand-in that `serve` starts (sandbox mode)")


def _key(settings: Settings) -> dict[str, str]:
    key = settings.own_key
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=CALL_SECONDS, trust_env=False, follow_redirects=False)
