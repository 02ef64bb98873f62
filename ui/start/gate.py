"""The ASGI middleware in front of Streamlit: only what is listed here passes.

| request | passes |
|---|---|
| any | Host names this server; a web socket or change also comes from a page of this server |
| web socket | resumes a session only with the cookie of the login that the session belongs to |
| message on it | is short (`screen_socket.py`), and of a kind that screens send |
| `PUT`, `DELETE` of an upload | with that cookie, while the login is open, within its limits |
| `GET` of a file | with that cookie, while the login is open; not stored, and gone once sent |
| `POST` of a ticket | once, and answers with the cookie |
| page, script, style, health, host configuration | always: they hold no data |
| login provider | if the settings have one |
| other addresses of Streamlit (metrics, agents, components) | never |
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import get_instance

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings, load_settings
from ui.access.bindings import BINDINGS, TICKETS, hash_token
from ui.access.cookie import format_cookie, read_token
from ui.access.downloads import DOWNLOADS
from ui.access.logins import end_replaced_login, find_person
from ui.access.screen_socket import NAME_HEADER, set_logged_in
from ui.access.site import (
    LOST_HEADER,
    SESSION_PATH,
    base_path,
    is_known_host,
    is_provider_on,
    is_same_origin,
    server_hosts,
)
from ui.workspace import open_app_context

_STREAM, _UPLOAD, _MEDIA = "/_stcore/stream", "/_stcore/upload_file/", "/media/"
_OPEN = {"/_stcore/health", "/_stcore/host-config"}
_CLOSED = ("/_stcore/", "/component/", "/app/static/", "/svelte/")
_PROVIDER = ("/auth/", "/oauth2callback")
_MAX_TICKET_BYTES = 200
_MESSAGES = {"rerun_script", "stop_script", "file_urls_request", "app_heartbeat"}
_REQUESTS = {"deferred_file", "dataframe_chunk"}
"""What a screen sends over its web socket."""

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gate:
    """ASGI middleware that lets a request through to Streamlit, or answers it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            await self._http_handler(scope)(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _http_handler(self, scope: Scope) -> Handler:
        method, path, headers = scope["method"], _path(scope), Headers(scope=scope)
        if not is_known_host(headers.get("host"), server_hosts()):
            return _refusal(421, "This name of the server is not in its setting `hosts`.")
        is_reading = method in {"GET", "HEAD"}
        if not is_reading and not is_same_origin(headers.get("origin"), headers.get("host")):
            return _refusal(403, "The request does not come from a page of this server.")
        if path == SESSION_PATH:
            return _set_cookie if method == "POST" else _refusal(405)
        if path.startswith(_UPLOAD):
            return self._upload if method in {"PUT", "DELETE"} else _refusal(405)
        if not is_reading:
            return _refusal(405)
        if path.startswith(_MEDIA):
            return self._fetch
        is_provider_off = path.startswith(_PROVIDER) and not is_provider_on()
        is_closed = f"{path}/".startswith(_CLOSED) and path not in _OPEN
        return _refusal(404) if is_closed or is_provider_off else self._app

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        if (
            _path(scope) != _STREAM
            or not is_known_host(host, server_hosts())
            or not is_same_origin(origin, host)
        ):
            await WebSocketClose(1008)(scope, receive, send)
            return
        token = _token(scope)
        person = await anyio.to_thread.run_sync(_find_person, token) if token else None
        if not set_logged_in(headers.get(NAME_HEADER), is_logged_in=person is not None):
            raise RuntimeError("This web server is not the one whose web sockets are limited.")
        await self._app(_without_foreign_session(scope), _only_from_screens(receive), send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        session_id = _path(scope).removeprefix(_UPLOAD).partition("/")[0]
        token = _token(scope)
        if token is None or not BINDINGS.is_bound(session_id, token):
            await _refusal(403)(scope, receive, send)
            return
        person = await anyio.to_thread.run_sync(_find_person, token)
        if person is None:
            await _refusal(403)(scope, receive, send)
        elif scope["method"] == "DELETE":
            await self._app(scope, receive, send)
        else:
            await self._put_file(scope, receive, send, (token, person))

    async def _put_file(
        self, scope: Scope, receive: Receive, send: Send, login: tuple[str, Person]
    ) -> None:
        token, person = login
        settings = load_settings()
        limit = file_limit(settings, person)
        length = Headers(scope=scope).get("content-length", "")
        # The server holds the body to the length that is announced.
        if limit == 0 or not length.isdecimal():
            await _refusal(411 if limit else 403)(scope, receive, send)
            return
        if exceeds(int(length), limit):
            await _refusal(413)(scope, receive, send)
            return
        with RESERVATIONS.reserve(
            hash_token(token),
            int(length),
            lambda: held_bytes(BINDINGS.sessions_of(token)),
            settings.upload_session_mb * _MEGABYTE,
        ) as is_room:
            handler = self._app if is_room else _refusal(413)
            await handler(scope, receive, send)

    async def _fetch(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, token = _path(scope), _token(scope)
        mine = {
            session_id
            for session_id in (DOWNLOADS.owners(path) if token else ())
            if token and BINDINGS.is_bound(session_id, token)
        }
        if not mine or not token or not await anyio.to_thread.run_sync(_find_person, token):
            await _refusal(403)(scope, receive, send)
            return

        async def send_once(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Cache-Control"] = "no-store"
                # Before the first byte: a second request may follow the last one at once.
                if message["status"] == 200 and not _is_check(scope):
                    DOWNLOADS.finish(path, mine)
            await send(message)

        await self._app(scope, receive, send_once)


async def _set_cookie(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a ticket with the cookie of its login, which replaces another of this browser."""
    request = Request(scope, receive)
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > _MAX_TICKET_BYTES:
        await _refusal(413)(scope, receive, send)
        return
    token = TICKETS.redeem((await request.body()).decode("utf-8", "replace"))
    if token is None:
        await _refusal(403)(scope, receive, send)
        return
    earlier = _token(scope)
    if earlier is not None and earlier != token:
        await anyio.to_thread.run_sync(_end_replaced_login, earlier)
    response = Response(status_code=204, headers={"Cache-Control": "no-store"})
    response.headers["Set-Cookie"] = format_cookie(token, request.headers.get("origin"))
    await response(scope, receive, send)


def _is_check(scope: Scope) -> bool:
    """Return whether a file is not fetched but asked for: by Streamlit's script, beside the link.

    Browsers tell a script from a link by Sec-Fetch-Mode; without TLS by what they accept only.
    """
    headers = Headers(scope=scope)
    mode = headers.get("sec-fetch-mode")
    is_script = mode == "cors" or (mode is None and headers.get("accept") == "*/*")
    return scope["method"] != "GET" or is_script


def _without_foreign_session(scope: Scope) -> Scope:
    """Return the scope without the session that it asks to resume, unless it is the browser's own.

    The third sub-protocol is the session id: Streamlit then opens a new session instead.
    """
    headers = MutableHeaders(scope=scope)
    protocols = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",")]
    token = _token(scope)
    if len(protocols) < 3 or (token is not None and BINDINGS.is_bound(protocols[2], token)):
        return scope
    kept = [name for name in scope["headers"] if name[0] != b"sec-websocket-protocol"]
    value = ", ".join(protocols[:2]).encode("latin-1")
    kept.append((LOST_HEADER.lower().encode(), b"1"))
    return {
        **scope,
        "headers": [*kept, (b"sec-websocket-protocol", value)],
        "subprotocols": protocols[:2],
    }


def _only_from_screens(receive: Receive) -> Receive:
    """Return what the browser sends, without what only developers' tools would send.

    Such as emptying the caches of all sessions, or asking for the state of the source code.
    """

    async def receive_allowed() -> Message:
        while True:
            message = await receive()
            data = message.get("bytes")
            if message["type"] != "websocket.receive" or data is None or _is_from_screen(data):
                return message

    return receive_allowed


def _is_from_screen(data: bytes) -> bool:
    back = BackMsg()
    with suppress(Exception):  # Streamlit closes the connection of what is no message
        back.ParseFromString(data)
    kind = back.WhichOneof("type")
    if kind == "backend_operation_request":
        return back.backend_operation_request.WhichOneof("payload") in _REQUESTS
    return kind is None or kind in _MESSAGES


def _refusal(status: int, reason: str = "") -> Handler:
    return PlainTextResponse(reason, status, headers={"Cache-Control": "no-store"})


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(base_path()) if base_path() else path


def _token(scope: Scope) -> str | None:
    connection = HTTPConnection(scope)
    return read_token(connection.cookies, connection.headers.get("origin"))


def _find_person(token: str) -> Person | None:
    try:
        context = open_app_context()
        return find_person(context.store, context.settings, token)
    except EfterskriftError:
        return None


def _end_replaced_login(token: str) -> None:
    end_replaced_login(open_app_context().store, token)


# How much a person may upload, and how much of it is held in memory at a time.

_MEGABYTE = 1024 * 1024
_LIST_MB = 20
"""Largest list (staff, plan, receipts) of a role that scans no paper."""
_ENVELOPE_BYTES = 64 * 1024
"""What the request around a file adds to its size."""
_PAPER_ACTIONS = (Action.SCAN, Action.MAKE_FORMS)
_LIST_ACTIONS = (Action.PACK, Action.RECEIPT, Action.FOLLOW_UP)


def file_limit(settings: Settings, person: Person) -> int:
    """Return the largest file that this person's role may upload, in bytes; 0: none at all."""
    if any(is_allowed(person, action) for action in _PAPER_ACTIONS):
        return settings.upload_mb * _MEGABYTE
    if any(is_allowed(person, action) for action in _LIST_ACTIONS):
        return min(settings.upload_mb, _LIST_MB) * _MEGABYTE
    return 0


def held_bytes(session_ids: Iterable[str]) -> int:
    """Return the size of the files that these Streamlit sessions hold in memory."""
    storage = get_instance().uploaded_file_mgr.file_storage  # type: ignore[attr-defined]
    files = (storage.get(session_id, {}) for session_id in session_ids)
    return sum(len(file.data) for held in files for file in list(held.values()))


def exceeds(length: int, limit: int) -> bool:
    """Return whether a request of this length carries a file above the limit."""
    return length > limit + _ENVELOPE_BYTES


class Reservations:
    """Uploads that are on their way, by login: several at once must not pass the limit together."""

    def __init__(self) -> None:
        self._bytes: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def reserve(
        self, login: str, length: int, held: Callable[[], int], limit: int
    ) -> Iterator[bool]:
        """Reserve room for one upload while the block runs; False: there is none."""
        with self._lock:
            is_room = not exceeds(held() + self._bytes[login] + length, limit)
            if is_room:
                self._bytes[login] += length
        try:
            yield is_room
        finally:
            if is_room:
                with self._lock:
                    self._bytes[login] -= length
                    if self._bytes[login] <= 0:
                        del self._bytes[login]


RESERVATIONS = Reservations()
