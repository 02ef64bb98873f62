"""The parts of what is in front of Streamlit, each by itself."""

from __future__ import annotations

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from ui.access.bindings import TICKET_SECONDS, SessionBindings, Tickets, TicketState
from ui.access.cookie import format_cookie, read_token
from ui.access.site import is_known_host, is_same_origin, known_hosts
from ui.start.gate import Reservations, _is_from_screen

TLS, PLAIN = "https://efterskrift.example.se", "http://127.0.0.1:8501"


def test_a_ticket_is_redeemed_once() -> None:
    tickets = Tickets()
    ticket = tickets.issue("token")
    assert [tickets.redeem(ticket), tickets.redeem(ticket)] == ["token", None]
    assert tickets.state(ticket) is TicketState.REDEEMED


def test_a_ticket_expires() -> None:
    now = 0.0
    tickets = Tickets(lambda: now)
    ticket = tickets.issue("token")
    now = TICKET_SECONDS
    assert tickets.redeem(ticket) is None
    assert tickets.state(ticket) is TicketState.UNKNOWN


def test_a_session_belongs_to_the_last_login_in_it() -> None:
    bindings = SessionBindings()
    bindings.bind("session", "first")
    bindings.bind("session", "second")
    assert [bindings.is_bound("session", one) for one in ("first", "second")] == [False, True]
    bindings.release("session")
    assert not bindings.is_bound("session", "second")


def test_behind_tls_only_the_cookie_that_no_other_host_can_set_counts() -> None:
    cookies = {"efterskrift": "planted", "__Host-efterskrift": ""}
    assert read_token(cookies, TLS) is None
    assert read_token(cookies, PLAIN) == "planted"
    assert read_token({"__Host-efterskrift": "own"}, TLS) == "own"


@pytest.mark.parametrize(
    ("origin", "cookie"),
    [
        (TLS, "__Host-efterskrift=t; Path=/; HttpOnly; SameSite=Strict; Secure"),
        (PLAIN, "efterskrift=t; Path=/; HttpOnly; SameSite=Strict"),
    ],
)
def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(origin: str, cookie: str) -> None:
    assert format_cookie("t", origin) == cookie


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("efterskrift.example.se", True),
        ("EFTERSKRIFT.example.se:443", True),
        ("login.example.se", True),
        ("localhost:8501", True),
        ("10.0.0.7:8501", True),
        ("[::1]:8501", True),
        ("evil.example", False),
        ("a@efterskrift.example.se", False),
        ("efterskrift.example.se:x", False),
        ("", False),
        (None, False),
    ],
)
def test_only_the_servers_own_names_are_answered(host: str | None, is_known: bool) -> None:
    hosts = known_hosts(["Efterskrift.example.se"], "https://login.example.se/oauth2callback")
    assert is_known_host(host, hosts) is is_known


@pytest.mark.parametrize(
    ("origin", "is_same"),
    [
        ("http://a.se:8501", True),
        ("https://a.se:8501", True),
        ("http://a.se", False),
        ("http://b.se:8501", False),
        ("file://a.se:8501", False),
        ("null", False),
        (None, False),
    ],
)
def test_a_page_of_another_server_is_refused(origin: str | None, is_same: bool) -> None:
    assert is_same_origin(origin, "a.se:8501") is is_same


def test_uploads_at_once_do_not_pass_the_limit_together() -> None:
    reservations = Reservations()
    with (
        reservations.reserve("login", 600_000, lambda: 0, 1_000_000) as first,
        reservations.reserve("login", 600_000, lambda: 0, 1_000_000) as second,
        reservations.reserve("other", 600_000, lambda: 0, 1_000_000) as other,
    ):
        assert [first, second, other] == [True, False, True]
    with reservations.reserve("login", 600_000, lambda: 0, 1_000_000) as later:
        assert later


@pytest.mark.parametrize(
    ("name", "is_sent_by_screens"),
    [
        ("rerun_script", True),
        ("app_heartbeat", True),
        ("clear_cache", False),
        ("load_git_info", False),
        ("debug_shutdown_runtime", False),
    ],
)
def test_what_only_developers_send_does_not_pass(name: str, is_sent_by_screens: bool) -> None:
    """Emptying the caches, for all sessions, was open to the person who had a web socket."""
    back = BackMsg()
    field = getattr(back, name)
    if isinstance(field, bool):
        setattr(back, name, True)
    else:
        field.SetInParent()
    assert _is_from_screen(back.SerializeToString()) is is_sent_by_screens
