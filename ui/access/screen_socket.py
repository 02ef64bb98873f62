"""The web socket of a screen: what it sends is limited by length before anything reads it.

Streamlit's `server.maxMessageSize` limits what is sent *to* screens, and it is the web server's
limit of what comes too: 200 MB, before any login. So each web socket here has limits of its own:

* A message has at most `MAX_LOGGED_IN` bytes, refused by the length that its frame announces;
  before a login, no more than `MAX_ANONYMOUS` of a message is kept.
* The parts of a message count together, whatever their number; compression is off
  (`.streamlit/config.toml`), and would be counted as it unfolds.
* Nothing is read before the server has answered, and a browser that does not read gets no answers
  to its pings, which would pile up.
"""

from __future__ import annotations

import secrets
from typing import Any
from weakref import WeakValueDictionary

import h11
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.http11 import Request

MAX_ANONYMOUS, MAX_LOGGED_IN = 64 * 1024, 2 * 1024 * 1024
"""Bytes of a message; the largest of 205 that screens sent in browser tests had 2,238."""
_MAX_FRAMES = 1000
"""Of one message, or read at once; a browser sends 2 MB in a few dozen."""
_FRAME_HEAD_BYTES = 14
NAME_HEADER = "X-Efterskrift-Socket"
"""Set here for the app and its script, whatever the browser sends under this name."""
_sockets: WeakValueDictionary[str, ScreenSocket] = WeakValueDictionary()


def set_logged_in(name: str | None, *, is_logged_in: bool) -> bool:
    """Set the limit of the web socket of this name; False if there is none."""
    socket = _sockets.get(name or "")
    if socket is None:
        return False
    socket.limit = MAX_LOGGED_IN if is_logged_in else MAX_ANONYMOUS
    return True


def limit_web_sockets() -> None:
    """Make each web socket of this process a `ScreenSocket`, however the server was started.

    Streamlit chooses the web server's options before it imports the app, and offers none for this.
    """
    H11Protocol.handle_websocket_upgrade = _upgrade  # type: ignore[method-assign]


_upgrade_to = H11Protocol.handle_websocket_upgrade


def _upgrade(self: H11Protocol, event: h11.Request) -> None:
    self.ws_protocol_class = ScreenSocket
    _upgrade_to(self, event)


class ScreenSocket(WebSocketsSansIOProtocol):
    """A web socket that refuses what is too long with code 1009."""

    limit = MAX_ANONYMOUS

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the class above
        super().__init__(*args, **kwargs)
        self.conn.max_message_size = MAX_LOGGED_IN

    def handle_connect(self, event: Request) -> None:
        """Name the socket for the app, and read no further until the app has answered."""
        super().handle_connect(event)
        if self.handshake_complete:  # refused already
            return
        name, key = secrets.token_urlsafe(16), NAME_HEADER.lower().encode()
        _sockets[name] = self
        headers = [header for header in self.scope["headers"] if header[0] != key]
        self.scope["headers"] = [*headers, (key, name.encode())]
        self.transport.pause_reading()

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the app says; once it has accepted the socket, read on."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Count what has come before anything reads it."""
        self.conn.receive_data(data)
        if self.conn.parser_exc is None and self._is_too_much():
            self.conn.writes.clear()  # answers to pings that came with it
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG)
        elif self.conn.parser_exc is None:
            self.handle_events()
            if self.conn.handshake_exc and not self.handshake_initiated:
                # Too long a line for `websockets`: the web server would leave it without an answer.
                self.transport.writelines(self.conn.data_to_send())
                self.transport.close()
            return
        self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Answer, unless earlier answers have not been read."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.writes.clear()

    def _is_too_much(self) -> bool:
        """Return whether a message is longer than the limit, or in too many parts."""
        events = [event for event in self.conn.events if isinstance(event, Frame)]
        if len(events) + len(self.frames) > _MAX_FRAMES:
            return True
        length = sum(map(len, self.frames))
        for frame in events:
            if frame.opcode in DATA_OPCODES:
                length = len(frame.data) + (length if frame.opcode is Opcode.CONT else 0)
                if length > self.limit:
                    return True
                length = 0 if frame.fin else length
        return length + len(self.conn.reader.buffer) > self.limit + _FRAME_HEAD_BYTES
