"""The names and the path of this server, with which Host and Origin of a request are compared.

They are compared before Streamlit looks at them: for an Origin that it does not know, Streamlit
asks an outside service for the machine's address.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from functools import cache
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config

from pipeline.domain.errors import SettingsError
from pipeline.domain.settings import load_settings


def known_hosts(names: Collection[str], redirect_uri: str = "") -> frozenset[str]:
    """Return the host names of this server.

    Those of the settings, of the address that a login provider returns to, and of this machine.
    """
    redirect_host = urlsplit(redirect_uri).hostname or ""
    own_names = ("localhost", socket.gethostname(), redirect_host)
    return frozenset(name.strip().casefold().rstrip(".") for name in (*names, *own_names) if name)


def is_known_host(header: str | None, hosts: Collection[str]) -> bool:
    """Return whether a Host header names this server.

    A number is always accepted: only a name can be made to point at another server.
    """
    try:
        parts = urlsplit(f"//{header or ''}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not name or parts.username is not None or parts.path or parts.query or parts.fragment:
        return False
    return name.rstrip(".") in hosts or _is_ip_address(name)


def is_same_origin(origin: str | None, host: str | None) -> bool:
    """Return whether a page of this origin is one of the server that the request goes to."""
    if not origin or not host:
        return False
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc.casefold() == host.casefold()


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


SESSION_PATH = "/efterskrift/session"
"""Where a browser exchanges a ticket for the cookie of its login."""
LOST_HEADER = "X-Efterskrift-Lost"
"""Tells the script that its window had another session, which it does not get back."""


@cache
def base_path() -> str:
    """Return the path of the app, such as `/paper`; empty at the root."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def server_hosts() -> frozenset[str]:
    """Return the host names of this server; those of the machine only if settings are invalid."""
    try:
        settings = load_settings()
    except SettingsError:
        return known_hosts(())
    return _hosts_of(settings.hosts, settings.oidc)


def is_provider_on() -> bool:
    """Return whether people log in through a provider."""
    try:
        return load_settings().oidc
    except SettingsError:
        return False


@cache
def _hosts_of(names: tuple[str, ...], oidc: bool) -> frozenset[str]:
    redirect_uri = str(st.secrets.get("auth", {}).get("redirect_uri", "")) if oidc else ""
    return known_hosts(names, redirect_uri)
