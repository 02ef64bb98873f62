"""Host and Origin of a request, checked before Streamlit looks at them.

For an Origin that it does not know, Streamlit asks an outside service for the machine's address.
So no such request reaches it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit


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
