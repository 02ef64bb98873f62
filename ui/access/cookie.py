"""The cookies of a browser: the one that proves a login, and the one by which it is known again.

No script in the browser can read them. The second opens nothing: it only keeps failed logins from
elsewhere from making the person wait (`store/accounts/login/limits.py`). The database holds its
digest, once the person has logged in.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


DEVICE_COOKIE = "efterskrift_device"
_MAX_AGE_SECONDS = 365 * 24 * 3600


class DeviceCookie:
    """ASGI middleware that gives each browser a random cookie with the page itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or _has_cookie(scope):
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Set-Cookie", _make_cookie(scope))
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _has_cookie(scope: Scope) -> bool:
    header = MutableHeaders(scope=scope).get("cookie", "")
    return DEVICE_COOKIE in cookie_parser(header)


def _make_cookie(scope: Scope) -> str:
    is_secure = "https" in (
        scope.get("scheme"),
        MutableHeaders(scope=scope).get("x-forwarded-proto"),
    )
    return (
        f"{DEVICE_COOKIE}={secrets.token_urlsafe(32)}; Max-Age={_MAX_AGE_SECONDS}; Path=/;"
        f" HttpOnly; SameSite=Strict{'; Secure' if is_secure else ''}"
    )
