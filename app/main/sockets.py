"""uvicorn's WebSockets, which end at once when they are told to."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.web.streams import CUT

MESSAGE_MOST = 4_096
"""Bytes of a client's message: it has nothing to say."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, with the extension that ends a connection at once."""

    async def run_asgi(self) -> None:
        """Run the app, which may end the connection at once."""
        known = self.scope.get("extensions") or {}
        self.scope["extensions"] = {**known, CUT: {"abort": self.transport.abort}}
        await super().run_asgi()
