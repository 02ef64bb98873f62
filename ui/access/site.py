"""The names and the path under which this server is reached."""

from __future__ import annotations

from functools import cache

import streamlit as st
from streamlit import config

from pipeline.domain.errors import SettingsError
from pipeline.domain.settings import load_settings
from ui.access.hosts import known_hosts


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
