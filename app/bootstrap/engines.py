"""The engines that are on."""

from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from app.bootstrap.peers import Peers
from app.engines.comfydeploy import ComfyDeploy
from app.engines.comfyui import ComfyServer, ComfyUI
from app.engines.comfyui.server import QUESTIONS, UPLOADS
from app.engines.replicate import HOSTS, Replicate
from app.observability.metrics import Metrics
from app.ports import Engine
from app.usecases.seen_servers import SeenServers
from app.usecases.sweep import Receivers
from processors.protocols import comfydeploy, comfyui, replicate
from schemas.base import EngineName
from schemas.server import ServerSettings
from schemas.timing import Timing

CONNECTIONS: Final = 64
"""Connections to all engines that are no servers of ours."""
BESIDES: Final = 8
"""Connections to one server besides those for questions, files and runs that are sent: for its
health, and to stop runs."""
KEPT_SECONDS: Final = 2.0
"""Longest that a connection to an engine waits for its next use."""


def receivers() -> Receivers:
    """Return how each engine's webhooks are translated."""
    return {comfydeploy.NAME: comfydeploy.receive, replicate.NAME: replicate.receive}


ENGINES: Final = (comfydeploy.NAME, comfyui.NAME, replicate.NAME)
"""All engines that there could be."""


def make_engines(
    peers: Peers,
    client: httpx.AsyncClient,
    timing: Timing,
    metrics: Metrics,
    servers: ComfyUI | None = None,
) -> Mapping[EngineName, Engine]:
    """Return the engines that are on, by name; `servers` where they have been made already."""
    engines = dict[EngineName, Engine]()
    if peers.comfydeploy_url is not None:
        cloud = make_comfydeploy(peers, peers.comfydeploy_url, client, timing, metrics)
        engines[cloud.name] = cloud
    if peers.comfyui_servers:
        engine = servers or make_comfyui(peers, client, timing, metrics)
        engines[engine.name] = engine
    if peers.replicate_url is not None:
        models = make_replicate(peers, peers.replicate_url, client, timing, metrics)
        engines[models.name] = models
    return engines


def make_comfydeploy(
    peers: Peers, url: str, client: httpx.AsyncClient, timing: Timing, metrics: Metrics
) -> ComfyDeploy:
    """Return ComfyDeploy's API at `url` as an engine."""
    return ComfyDeploy(
        client,
        url=url,
        key=peers.comfydeploy_key,
        hosts=peers.comfydeploy_hosts,
        timing=timing,
        metrics=metrics,
    )


def make_replicate(
    peers: Peers, url: str, client: httpx.AsyncClient, timing: Timing, metrics: Metrics
) -> Replicate:
    """Return Replicate's API at `url` as an engine."""
    return Replicate(
        client,
        url=url,
        token=peers.replicate_token,
        secrets=peers.replicate_secrets,
        hosts=(*HOSTS, *peers.replicate_hosts),
        timing=timing,
        metrics=metrics,
    )


def make_comfyui(
    peers: Peers,
    client: httpx.AsyncClient,
    timing: Timing,
    metrics: Metrics,
    seen: SeenServers | None = None,
) -> ComfyUI:
    """Return the ComfyUI servers as an engine; `seen` tells of those that others see to."""
    return ComfyUI(
        {
            each.name: ComfyServer(client, each, timing=timing, metrics=metrics)
            for each in peers.comfyui_servers
        },
        seen,
    )


def make_client(servers: Sequence[ServerSettings] = ()) -> httpx.AsyncClient:
    """Return the one HTTP client for engines: no redirects, no proxies of the environment.

    A connection is let go of sooner than servers do (many after 5 s): an order that is posted
    just as its connection is closed may or may not have arrived.

    Args:
        servers: Those that it calls beside other engines.
    """
    most = connections(servers)
    limits = httpx.Limits(
        max_connections=most, max_keepalive_connections=most // 2, keepalive_expiry=KEPT_SECONDS
    )
    return httpx.AsyncClient(trust_env=False, follow_redirects=False, limits=limits)


def connections(servers: Sequence[ServerSettings]) -> int:
    """Return how many connections there may be to all engines.

    Each server adds those that it can hold, so that servers which hang take none from another.
    """
    return CONNECTIONS + sum(QUESTIONS + UPLOADS + each.slots + BESIDES for each in servers)
