"""The cookie that proves a login: 256 random bits that no script in the browser can read."""

from __future__ import annotations

from collections.abc import Mapping

_PLAIN_NAME, _TLS_NAME = "efterskrift", "__Host-efterskrift"
"""Behind TLS the prefix `__Host-` keeps other hosts and plain HTTP from setting the cookie."""


def read_token(cookies: Mapping[str, str], origin: str | None) -> str | None:
    """Return the token that a request brings, or None.

    A page that was loaded over TLS (`origin`) has the cookie with the prefix only.
    """
    names = (_TLS_NAME,) if is_tls_origin(origin) else (_TLS_NAME, _PLAIN_NAME)
    return next((cookies[name] for name in names if cookies.get(name)), None)


def format_cookie(token: str, origin: str | None) -> str:
    """Return the `Set-Cookie` header for a page of this origin.

    It has no lifetime of its own: the login ends in the database, or with the browser.
    """
    if is_tls_origin(origin):
        return f"{_TLS_NAME}={token}; Path=/; HttpOnly; SameSite=Strict; Secure"
    return f"{_PLAIN_NAME}={token}; Path=/; HttpOnly; SameSite=Strict"


def is_tls_origin(origin: str | None) -> bool:
    """Return whether the browser says that its page came over TLS."""
    return origin is not None and origin.startswith("https://")
