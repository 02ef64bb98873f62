"""The cookie by which a browser is known again in which a person has logged in before.

It opens nothing: it only keeps failed logins from elsewhere from making the person wait
(`store/accounts/login/limits.py`). The database holds its digest, once the person has logged in.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
