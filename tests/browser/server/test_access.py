"""What a second client gets that knows the session id but not the cookie; and the server calls
nobody.

The server is real, the clients are no browsers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from pipeline.domain.model import Person
from pipeline.store.accounts import sessions
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.browser.support.serving import answering, bare_server, free_port
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, LOG_REVIEWER, MANAGER, NURSE
from tests.support.servers.streamlit_client import Requests, window

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_RECORDER = """
import os, sys
_events = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0,
           "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}
_here = ("127.", "::1", "localhost")
def _record(event, args):
    if event not in _events:
        return
    address = args[_events[event]]
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(host, bytes):
        host = host.decode()
    if isinstance(host, str) and not host.startswith(("/", chr(0), *_here)):
        with open(os.environ["RECORD"], "a") as log:
            print(event, host, file=log)
sys.addaudithook(_record)
"""
"""Python runs this first in each process: each attempt to reach another machine is a line."""


@dataclass(frozen=True)
class Served:
    """A server, its store, what it tried to reach, and its log."""

    address: str
    store: Store
    record: Path
    log: Path

    def log_in(self, person: Person) -> str:
        """A login of a person, as its token."""
        with self.store.begin() as conn:
            return sessions.start_session(conn, person.login, utc_now())


def make_recorder(folder: Path) -> Path:
    """Write what records attempts to reach other machines; answers with the record."""
    (folder / "sitecustomize.py").write_text(_RECORDER)
    (folder / "record").touch()
    return folder / "record"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests."""
    workspace, recorder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("recorder")
    store = seeding.make_store(workspace)
    seeding.add_notes(store, 1)
    record = make_recorder(recorder)
    (workspace / "settings.yaml").write_text("upload_mb: 2\nupload_session_mb: 3\n")
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(recorder))
        patch.setenv("RECORD", str(record))
        with bare_server(port, workspace) as server:
            yield Served(answering(server.poll, port), store, record, workspace / "server.log")


def test_the_cookie_alone_opens_the_persons_screen(site: Served) -> None:
    with window(site.address, site.log_in(ADMINISTRATOR)) as own:
        own.run()
        assert ADMINISTRATOR.name.encode() in own.drawn


@pytest.mark.parametrize("other", [None, NURSE], ids=["no cookie", "another login's cookie"])
def test_a_session_id_without_its_cookie_brings_nothing(site: Served, other: Person | None) -> None:
    token = site.log_in(ADMINISTRATOR)
    stolen_token = site.log_in(other) if other else ""
    with window(site.address, token) as own:
        own.run()
        with window(site.address, stolen_token, own.session_id) as stolen:
            stolen.run()
            assert ADMINISTRATOR.name.encode() not in stolen.drawn
            assert stolen.session_id != own.session_id
        with Requests(site.address, stolen_token) as requests:
            assert requests.upload(own.session_id, b"%PDF") == 403
        own.run()  # and the person's own window works on


def test_no_request_is_logged(site: Served) -> None:
    """Its address may name a session or a ticket that is used once."""
    httpx.get(f"{site.address}/?ticket=sesam")
    log = site.log.read_text("utf-8")
    assert "Application startup complete" in log
    assert "sesam" not in log
    assert "GET /" not in log


def test_the_cookie_resumes_the_session_after_a_lost_connection(site: Served) -> None:
    token = site.log_in(ADMINISTRATOR)
    with window(site.address, token) as own:
        own.run()
    with window(site.address, token, own.session_id) as again:
        again.run()
        assert again.session_id == own.session_id
        assert ADMINISTRATOR.name.encode() in again.drawn


def test_nothing_is_uploaded_before_login(site: Served) -> None:
    with window(site.address) as anonymous, Requests(site.address) as requests:
        anonymous.run()
        assert requests.upload(anonymous.session_id, b"%PDF") == 403


@pytest.mark.parametrize(
    ("person", "megabytes", "status"),
    [
        (ADMINISTRATOR, 1, 204),
        (ADMINISTRATOR, 2.5, 413),
        (LOG_REVIEWER, 0.1, 403),
    ],
    ids=["within the limit", "too large a file", "a role that uploads nothing"],
)
def test_uploads_have_limits_by_role_and_file(
    site: Served, person: Person, megabytes: float, status: int
) -> None:
    token = site.log_in(person)
    with window(site.address, token) as own, Requests(site.address, token) as requests:
        own.run()
        assert requests.upload(own.session_id, bytes(int(megabytes * 1024 * 1024))) == status


def test_the_windows_of_one_login_share_a_limit(site: Served) -> None:
    token = site.log_in(ADMINISTRATOR)
    file = bytes(1900 * 1024)
    with (
        window(site.address, token) as first,
        window(site.address, token) as second,
        Requests(site.address, token) as requests,
    ):
        first.run()
        second.run()
        assert requests.upload(first.session_id, file) == 204
        assert requests.upload(second.session_id, file) == 413


def test_a_login_that_has_ended_uploads_and_fetches_nothing(site: Served) -> None:
    token = site.log_in(MANAGER)
    with window(site.address, token) as own, Requests(site.address, token) as requests:
        own.run()
        path = own.make_file(own.downloads[0])
        with site.store.begin() as conn:
            sessions.end_all_sessions(conn, MANAGER.login, utc_now(), "logged out")
        assert requests.upload(own.session_id, b"%PDF") == 403
        assert requests.get(path).status_code == 403


def test_a_download_is_the_logins_own_is_not_stored_and_is_there_once(site: Served) -> None:
    token = site.log_in(MANAGER)
    with (
        window(site.address, token) as own,
        Requests(site.address, token) as requests,
        Requests(site.address) as stranger,
        Requests(site.address, site.log_in(NURSE)) as colleague,
    ):
        own.run()
        path = own.make_file(own.downloads[0])
        assert [stranger.get(path).status_code, colleague.get(path).status_code] == [403, 403]
        check = requests.get(path, mode="cors")  # by Streamlit's script
        answer = requests.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert answer.content == check.content
        assert requests.get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/_stcore/agent/openapi.json",
        "/_stcore/script-health-check",
        "/_stcore/bidi-components/x/y.js",
        "/component/x/index.html",
        "/app/static/x",
        "/auth/login",
        "/oauth2callback",
    ],
)
def test_what_no_screen_needs_is_closed(site: Served, path: str) -> None:
    with Requests(site.address) as requests:
        assert requests.get(path).status_code == 404


def test_the_host_configuration_lets_no_other_page_steer_the_screens(site: Served) -> None:
    with Requests(site.address) as requests:
        assert requests.get("/_stcore/host-config").json()["allowedOrigins"] == []


def test_every_response_has_the_security_headers(site: Served) -> None:
    with Requests(site.address) as requests:
        headers = requests.get("/").headers
        refused = requests.get("/media/x.pdf").headers
    assert headers["x-content-type-options"] == refused["x-content-type-options"] == "nosniff"
    script_policy = headers["content-security-policy"].split("; ")[1]
    assert script_policy.startswith("script-src 'self' 'sha256-")
    assert "unsafe-inline" not in script_policy
    assert "camera=()" in headers["permissions-policy"]
    assert "strict-transport-security" not in headers


def test_behind_tls_browsers_are_told_to_stay_there(site: Served) -> None:
    answer = httpx.get(f"{site.address}/_stcore/health", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "; Secure" in answer.headers["set-cookie"]


def test_another_name_of_the_server_is_refused(site: Served) -> None:
    assert httpx.get(site.address, headers={"Host": "evil.example"}).status_code == 421


def test_a_made_up_ticket_gives_no_cookie(site: Served) -> None:
    with Requests(site.address) as requests:
        answer = requests.redeem("made-up")
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_page_of_another_server_opens_no_socket(site: Served, origin: str) -> None:
    with pytest.raises(InvalidStatus), window(site.address, origin=origin):
        pass


def test_nothing_reaches_for_another_machine(site: Served) -> None:
    token = site.log_in(ADMINISTRATOR)
    with window(site.address, token) as own, Requests(site.address, token) as requests:
        own.run()
        assert requests.upload(own.session_id, b"%PDF") == 204
    token = site.log_in(MANAGER)
    with window(site.address, token) as own, Requests(site.address, token) as requests:
        own.run()
        assert requests.get(own.make_file(own.downloads[0])).status_code == 200
    with pytest.raises(InvalidStatus), window(site.address, origin="http://evil.example"):
        pass
    assert site.record.read_text() == ""


def test_the_record_tells_of_an_attempt(tmp_path: Path) -> None:
    record = make_recorder(tmp_path)
    attempt = "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "RECORD": str(record)}
    subprocess.run([sys.executable, "-c", attempt], env=environment, check=False)
    assert record.read_text() == "socket.connect 192.0.2.1\n"
