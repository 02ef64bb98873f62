"""What a client may send before anything reads it: messages, parts of messages, headers.

The server is real; the clients write bytes, so that they say what no browser would. Compression of
web sockets is on here, which the program's own settings turn off.
"""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg

from pipeline.store.accounts import sessions
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import log_in, settle, wait_until
from tests.browser.support.people import go
from tests.browser.support.people import window as window_of
from tests.browser.support.serving import answering, bare_server, free_port
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from tests.support.servers.streamlit_client import COOKIE, window

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BEFORE_LOGIN, AFTER_LOGIN = 64 * 1024, 2 * 1024 * 1024
TOO_LARGE = 1009
_BINARY, _CONTINUED, _CLOSE, _PING, _PONG = 2, 0, 8, 9, 10
_PATIENCE_S = 60


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Store]]:
    """One server for all tests, and its store."""
    workspace = tmp_path_factory.mktemp("site")
    store, port = seeding.make_store(workspace), free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMLIT_SERVER_ENABLE_WEBSOCKET_COMPRESSION", "true")
        with bare_server(port, workspace) as server:
            yield answering(server.poll, port), store


@pytest.fixture
def address(site: tuple[str, Store]) -> str:
    return site[0]


@pytest.fixture
def token(site: tuple[str, Store]) -> str:
    """A login."""
    with site[1].begin() as conn:
        return sessions.start_session(conn, NURSE.login, utc_now())


def _connect(address: str) -> socket.socket:
    url = urlsplit(address)
    assert url.hostname
    assert url.port
    return socket.create_connection((url.hostname, url.port), _PATIENCE_S)


def _upgrade(address: str, *more: str) -> bytes:
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {urlsplit(address).netloc}",
        f"Origin: {address}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol: streamlit",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@contextmanager
def _socket(address: str, *more: str) -> Iterator[Raw]:
    with _connect(address) as connection:
        raw = Raw(connection)
        connection.sendall(_upgrade(address, *more))
        assert b" 101 " in raw.read_line()
        while raw.read_line() != b"\r\n":
            pass
        yield raw


def _cookie(token: str) -> str:
    return f"Cookie: {COOKIE}={token}"


def _frame_head(opcode: int, length: int, *, last: bool = True, packed: bool = False) -> bytes:
    first = opcode | 0x80 * last | 0x40 * packed
    return struct.pack("!BBQ", first, 0x80 | 127, length) + bytes(4)  # masked with zeros


def _frame(opcode: int, data: bytes, *, last: bool = True, packed: bool = False) -> bytes:
    return _frame_head(opcode, len(data), last=last, packed=packed) + data


def _heartbeat(length: int) -> bytes:
    """A message of a screen of about this many bytes, most of them in a field nobody reads."""
    back = BackMsg(app_heartbeat=True)
    message: bytes = back.SerializeToString()
    return message + _UNKNOWN + _varint(length) + bytes(length)


_UNKNOWN = bytes([0xFA, 0x7F])
"""Field 2047 of protobuf, a text: unknown, so that it is skipped."""


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


class Raw:
    """A web socket as bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")
        self.sent = 0

    def read_line(self) -> bytes:
        return self._file.readline()

    def send(self, data: bytes) -> None:
        """Send, and count what was sent; the server may have closed meanwhile."""
        try:
            self.connection.sendall(data)
            self.sent += len(data)
        except OSError:
            return

    def frame(self) -> tuple[int, bytes]:
        """The next frame of the server: its kind and content."""
        head = self._file.read(2)
        if not head:  # closed, and the reason lost with what was sent after it
            return _CLOSE, b""
        kind, length = head
        if length == 126:
            (length,) = struct.unpack("!H", self._file.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._file.read(8))
        return kind & 15, self._file.read(length)

    def close_code(self) -> int:
        """The code with which the server closes."""
        while True:
            kind, content = self.frame()
            if kind == _CLOSE:
                return int.from_bytes(content[:2])

    def is_open(self) -> bool:
        """Whether the server answers a ping, and so has read all that was sent before."""
        self.send(_frame(_PING, b"there"))
        while True:
            kind, _ = self.frame()
            if kind in {_PONG, _CLOSE}:
                return kind == _PONG


def test_eight_strangers_are_refused_by_the_length_that_they_announce(address: str) -> None:
    with ExitStack() as open_sockets:
        raws = [open_sockets.enter_context(_socket(address)) for _ in range(8)]
        for raw in raws:
            raw.send(_frame_head(_BINARY, 188_000_000))
        # Nobody sends more than the head: 14 bytes of 188 MB were taken.
        assert [raw.close_code() for raw in raws] == [TOO_LARGE] * 8
        assert [raw.sent for raw in raws] == [14] * 8
    assert httpx.get(f"{address}/_stcore/health").status_code == 200


def test_eight_strangers_messages_of_4_mb_are_not_taken(address: str) -> None:
    with ExitStack() as open_sockets:
        raws = [open_sockets.enter_context(_socket(address)) for _ in range(8)]
        for raw in raws:
            raw.send(_frame(_BINARY, _heartbeat(4_000_000)))
        # The person who is answered had all of it read.
        assert [raw.is_open() for raw in raws] == [False] * 8


def test_before_a_login_no_more_than_64_kb_of_a_message_is_kept(address: str) -> None:
    with _socket(address) as raw:
        raw.send(_frame_head(_BINARY, AFTER_LOGIN) + bytes(BEFORE_LOGIN + 100))
        assert raw.close_code() == TOO_LARGE
    with _socket(address) as raw:
        raw.send(_frame(_BINARY, _heartbeat(BEFORE_LOGIN)))
        assert not raw.is_open()
    with _socket(address) as raw:
        raw.send(_frame(_BINARY, _heartbeat(BEFORE_LOGIN - 100)))
        assert raw.is_open()


@pytest.mark.parametrize("length", [AFTER_LOGIN - 100, AFTER_LOGIN], ids=["within", "over"])
def test_a_login_sends_2_mb(address: str, token: str, length: int) -> None:
    with _socket(address, _cookie(token)) as raw:
        raw.send(_frame(_BINARY, _heartbeat(length)))
        assert raw.is_open() is (length < AFTER_LOGIN)


@pytest.mark.parametrize("cookie", ["made-up", ""], ids=["made up", "empty"])
def test_a_cookie_of_no_login_is_a_strangers(address: str, cookie: str) -> None:
    with _socket(address, _cookie(cookie)) as raw:
        raw.send(_frame(_BINARY, _heartbeat(BEFORE_LOGIN)))
        assert not raw.is_open()


@pytest.mark.parametrize("part", [1000, 0], ids=["parts of 1 kB", "empty parts"])
def test_the_parts_of_a_message_count_together(address: str, part: int) -> None:
    with _socket(address) as raw:
        raw.send(_frame(_BINARY, bytes(part), last=False))
        raw.send(_frame(_CONTINUED, bytes(part), last=False) * 1200)
        assert not raw.is_open()


def test_a_message_counts_as_it_unfolds(address: str) -> None:
    packer = zlib.compressobj(wbits=-12)
    bomb = packer.compress(_heartbeat(BEFORE_LOGIN)) + packer.flush(zlib.Z_SYNC_FLUSH)
    bomb = bomb.removesuffix(b"\0\0\xff\xff")
    assert len(bomb) < 1000
    with _socket(address, "Sec-WebSocket-Extensions: permessage-deflate") as raw:
        raw.send(_frame(_BINARY, bomb, packed=True))
        assert not raw.is_open()


def test_the_programs_own_settings_turn_compression_off() -> None:
    assert config.get_option("server.enableWebsocketCompression") is False


def test_a_name_that_a_client_makes_up_is_not_its_socket(address: str, token: str) -> None:
    """The name of another's socket would raise the limit of that one."""
    with _socket(address, _cookie(token), "X-Efterskrift-Socket: x") as raw:
        raw.send(_frame(_BINARY, _heartbeat(BEFORE_LOGIN)))
        assert raw.is_open()


def test_the_screen_of_a_login_is_drawn(address: str, token: str) -> None:
    with window(address, token) as own:
        own.run()
        assert NURSE.name.encode() in own.drawn


_KEEP_SOCKET = """
    const Original = WebSocket;
    window.WebSocket = class extends Original {
        constructor(...all) {
            super(...all);
            window.ends = window.ends || [];
            this.addEventListener("close", (event) => window.ends.push(event.code));
            window.lastSocket = this;
        }
    };
"""


def test_the_socket_that_logs_in_may_send_more_until_it_logs_out(
    browser: Browser, served: str, store: Store
) -> None:
    del store

    def send(page: Page, length: int) -> None:
        page.evaluate(
            "data => window.lastSocket.send(new Uint8Array(data))", list(_heartbeat(length))
        )

    with window_of(browser, served) as page:
        page.add_init_script(_KEEP_SOCKET)
        page.reload()
        log_in(page, NURSE)
        settle(page)
        send(page, 2 * BEFORE_LOGIN)
        # The server has read it once it answers what the person does next.
        go(page, "Mitt arbete")
        assert page.evaluate("window.ends || []") == []
        page.get_by_role("button", name=NURSE.name).click()
        page.get_by_role("button", name="Logga ut").click()
        expect(page.get_by_label("Användarnamn")).to_be_visible()
        send(page, 2 * BEFORE_LOGIN)
        wait_until(page, lambda: page.evaluate("window.ends.length") > 0)


def _status(address: str, request: bytes) -> int:
    with _connect(address) as connection:
        connection.sendall(request)
        return int(connection.makefile("rb").readline().split()[1])


def _get(address: str, *more: str) -> bytes:
    lines = ["GET / HTTP/1.1", f"Host: {urlsplit(address).netloc}", *more, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("make_request", [_get, _upgrade], ids=["page", "web socket"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([r'Cookie: a="\a"'], 400),
        (["Cookie: a=b", r'Cookie: a="\073"'], 400),
        (["Cookie: a=" + "b" * 17_000], 431),
        ([f"X-{number}: " + "b" * 7000 for number in range(3)], 431),
        (["Cookie: a=" + "b" * 10_000], None),
    ],
    ids=["backslash", "second header", "long cookie", "many headers", "within the limit"],
)
def test_headers_are_refused_before_they_are_read(
    address: str, make_request: Callable[..., bytes], headers: list[str], status: int | None
) -> None:
    # A line of more than 8 kB is too long for a web socket.
    expected = status or (200 if make_request is _get else 431)
    assert _status(address, make_request(address, *headers)) == expected
