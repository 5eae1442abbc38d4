"""`python -m sandbox`: the peers on one port of this machine, until told to stop."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Final

import uvicorn

from sandbox.app import create_app
from sandbox.keeping import Keeping
from sandbox.replicate import routes as replicate
from sandbox.replicate import signing
from sandbox.settings import Settings

_DESCRIPTION = """\
Stand-ins for the ComfyDeploy API, ComfyUI servers, the Replicate API and the Telegram Bot API, on
one loopback port.
Once it listens it prints one line of JSON with its addresses; then the chats, as messages come and
change.
"""
_EPILOG = """\
what to try
  a run's inputs may hold sandbox_seconds, sandbox_end, sandbox_drop, sandbox_order,
  sandbox_duplicate, sandbox_late_progress, sandbox_partial, sandbox_submit, sandbox_early,
  sandbox_images, sandbox_outputs, sandbox_gpu, sandbox_unknown_status (see
  sandbox/comfydeploy/faults.py)
  the API keys revoked, expired, suspended and no-credits are refused
  POST /control/comfydeploy         {"down": true, "hold_ends": true, "retry_scale": 0.1, ...}
  GET  /control/comfydeploy/runs    the runs, with every try to deliver their webhooks
  POST /control/comfyui/1           {"hold": "KSampler", "silent_from": "execution_success", ...}:
                                    how one ComfyUI server behaves (see sandbox/controls.py)
  POST /control/comfyui/1/acts      what befalls it: {"act": "restart"}; also drop, forget, stranger
  GET  /control/comfyui/1/prompts   what was posted and what ran; also /sockets and /requests
  inputs at Replicate may hold sandbox_seconds, sandbox_cold, sandbox_end, sandbox_error,
  sandbox_output, sandbox_kept, sandbox_create (see sandbox/replicate/plans.py); the tokens invalid
  and no-credits are refused
  POST /control/replicate           {"signed": "wrong", "webhooks_lost": ["completed"],
                                    "create": "taken-reset", "create_left": 1, ...}: how it behaves
                                    (see sandbox/controls.py)
  GET  /control/replicate/predictions    with every try to deliver their webhooks
  POST /control/replicate/predictions/ID {"status": "failed", "error": "..."}: ends one now
  GET  /control/replicate/secrets   what webhooks are signed by; also /requests
  POST /control/telegram/faults     {"method": "sendPhoto", "kind": "429", "retry_after": 3}
  GET  /control/telegram/chats/ID   the bot's messages in a chat as they stand
  POST /control/telegram/acts       what a person does: {"act": "write", "user": {"id": 4711},
                                    "text": "/start"}; also photo, document, sticker, tap, pay,
                                    block, unblock, upgrade (see sandbox/telegram/acts.py)
  GET  /control/telegram/seen       what people have seen, ?chat_id=4711&after=0&wait=20
  POST /control/telegram/updates    a whole update: {"update": {"message": {...}}}
  POST /control/telegram/updates/N  the same update again: {"times": 20}
"""

COMFYUI_SERVERS: Final = ("1", "2")
"""The ComfyUI servers that are told of; any other name works, too."""
_LONGEST_MESSAGE: Final = 4 * 2**20
"""Bytes of a message to a ComfyUI server; what is longer closes the socket with 1009."""


class Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves signals to its owner."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none: a stop by signal is an ordinary end with exit code 0."""
        yield


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sandbox until a signal, or until its parent or its keeper is gone."""
    options = _parser().parse_args(arguments)
    listener = listening(options.host, options.port)
    host, port = listener.getsockname()[:2]
    secret = options.replicate_secret or signing.new_secret()
    addresses = _addresses(f"{host}:{port}", secret)
    keeping = None if options.kept is None else Keeping(options.kept, addresses)
    settings = Settings(
        seconds=options.seconds,
        quiet=options.quiet,
        chats=keeping,
        base_url=f"http://{host}:{port}",
        replicate_secret=secret,
    )
    config = uvicorn.Config(
        create_app(settings),
        loop="asyncio",
        log_level=options.log_level,
        access_log=options.log_level in {"info", "debug", "trace"},
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=0,
        lifespan="on",
        ws="websockets-sansio",
        ws_max_size=_LONGEST_MESSAGE,
        # ComfyUI's servers never ping.
        ws_ping_interval=None,
    )
    server = Server(config, lambda: _announce(keeping.told() if keeping else addresses))
    asyncio.run(_serve(server, listener, keeping, with_parent=options.with_parent))


def listening(host: str, port: int) -> socket.socket:
    """Bind a port, 0 for a free one; what is sent from there is sent at once."""
    listener = socket.create_server((host, port), backlog=1024)
    # asyncio does that for sockets that say that they are TCP's, which those of `create_server` do
    # not: answers of two pieces were 40 ms late. Those that are accepted inherit it (tcp(7)).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def _serve(
    server: Server, listener: socket.socket, keeping: Keeping | None, *, with_parent: bool
) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    alone = keeping is None and not with_parent
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop if alone else (lambda: None))
    if with_parent:
        # Reading a pipe blocks, and a daemon thread is left behind when everything else ends.
        threading.Thread(target=_wait_for_end, args=(loop, stop), daemon=True).start()
    async with keeping.running(stop) if keeping else contextlib.nullcontext():
        await server.serve([listener])


def _wait_for_end(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    # os.read, because a thread inside sys.stdin makes the interpreter's own end fail.
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stop)


def _addresses(address: str, secret: str) -> dict[str, str | list[str]]:
    url = f"http://{address}"
    return {
        "url": url,
        "comfydeploy": f"{url}/comfydeploy/api",
        "comfyui": [f"{url}/comfyui/{name}" for name in COMFYUI_SERVERS],
        "replicate": f"{url}{replicate.API}",
        "replicate_token": replicate.TOKEN,
        "replicate_secret": secret,
        "telegram": f"{url}/telegram",
        "outputs_host": address,
    }


def _announce(line: Mapping[str, object]) -> None:
    print(json.dumps(line), flush=True)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=0, help="port; 0 takes a free one (%(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="length of an ordinary run (%(default)s)"
    )
    parser.add_argument(
        "--replicate-secret",
        type=signing.a_secret,
        metavar="whsec_...",
        help="what Replicate's webhooks are signed by; else one thrown now",
    )
    parser.add_argument("--quiet", action="store_true", help="do not print the chats")
    parser.add_argument(
        "--log-level",
        default="critical",
        choices=["critical", "error", "warning", "info", "debug", "trace"],
        help="what uvicorn tells on stderr (%(default)s)",
    )
    ending = parser.add_mutually_exclusive_group()
    ending.add_argument(
        "--with-parent",
        action="store_true",
        help="end when stdin does, and leave Ctrl-C to the parent",
    )
    ending.add_argument(
        "--kept",
        type=float,
        metavar="SECONDS",
        help="end when nobody has kept it for so long (see sandbox/keeping.py), and leave Ctrl-C "
        "to the keeper, who also reads the chats",
    )
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
