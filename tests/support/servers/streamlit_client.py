"""A browser's part of a conversation with the server, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

_PATIENCE_S = 60
COOKIE = "efterskrift"


class Window:
    """One open web socket with what the server has drawn on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.session_id = ""
        self.drawn = b""
        self.downloads: list[str] = []
        """Placeholders of the files that the screen offers."""

    def run(self) -> None:
        """Have the screen drawn, and read until it is."""
        back = BackMsg()
        back.rerun_script.query_string = ""
        self._socket.send(back.SerializeToString())
        for message in self._messages():
            if message.WhichOneof("type") == "new_session":
                self.session_id = message.new_session.initialize.session_id
            if message.WhichOneof("type") == "script_finished":
                return

    def make_file(self, placeholder: str) -> str:
        """Press a download button; answers with the address of the file."""
        back = BackMsg()
        back.backend_operation_request.request_id = "1"
        back.backend_operation_request.session_id = self.session_id
        back.backend_operation_request.deferred_file.file_id = placeholder
        self._socket.send(back.SerializeToString())
        for message in self._messages():
            if message.WhichOneof("type") == "backend_operation_response":
                return message.backend_operation_response.deferred_file.url
        raise AssertionError("no answer")

    def _messages(self) -> Iterator[ForwardMsg]:
        while True:
            data = self._socket.recv(_PATIENCE_S)
            assert isinstance(data, bytes)
            self.drawn += data
            message = ForwardMsg()
            message.ParseFromString(data)
            element = message.delta.new_element
            if element.WhichOneof("type") == "download_button":
                self.downloads.append(element.download_button.deferred_file_id)
            yield message


@contextmanager
def window(
    address: str, token: str = "", session_id: str = "", origin: str = ""
) -> Iterator[Window]:
    """A window with the cookie of a login, and the session that it asks to resume."""
    protocols = ["streamlit", "no-xsrf", *([session_id] if session_id else [])]
    cookie = {"Cookie": f"{COOKIE}={token}"} if token else None
    with connect(
        address.replace("http://", "ws://") + "/_stcore/stream",
        subprotocols=[Subprotocol(protocol) for protocol in protocols],
        origin=Origin(origin or address),
        additional_headers=cookie,
        max_size=None,
        proxy=None,
    ) as socket:
        yield Window(socket)


class Requests:
    """Requests of one browser, with the cookie of a login and that of the forgery check."""

    def __init__(self, address: str, token: str = "") -> None:
        self._client = httpx.Client(base_url=address, headers={"Origin": address})
        if token:
            self._client.cookies.set(COOKIE, token)
        self._client.get("/_stcore/health")

    def __enter__(self) -> Requests:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, mode: str = "navigate") -> httpx.Response:
        """Get an address, as a link of a page does, or with "cors" as a script does."""
        return self._client.get(path, headers={"Sec-Fetch-Mode": mode})

    def upload(self, session_id: str, data: bytes) -> int:
        """Upload a file for a session; answers with the status."""
        return self._client.put(
            f"/_stcore/upload_file/{session_id}/file",
            files={"file": ("bunt.pdf", data, "application/pdf")},
            headers={"X-Xsrftoken": self._client.cookies.get("_streamlit_xsrf") or ""},
        ).status_code

    def redeem(self, ticket: str) -> httpx.Response:
        """Post a ticket."""
        return self._client.post("/efterskrift/session", content=ticket)
