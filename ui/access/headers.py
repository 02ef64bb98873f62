"""Security headers of every response."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.texts import text

_PERMISSIONS = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
_HSTS_SECONDS = 365 * 24 * 60 * 60


@cache
def content_security_policy() -> str:
    """Return the policy: nothing from another host, and no inline script but Streamlit's own.

    Streamlit's page needs evaluated scripts for charts, blobs for the scripts of components, and
    inline styles.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {_inline_script_hashes()} 'unsafe-eval' blob:",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        )
    )


def _inline_script_hashes() -> str:
    """Return the hashes of the scripts in Streamlit's page, which its version decides."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


class SecurityHeaders:
    """ASGI middleware that adds the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_tls = _is_behind_tls(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message), is_tls=is_tls)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_behind_tls(scope: Scope) -> bool:
    """Return whether the browser came over TLS, to this server or to the proxy in front.

    The person who fakes the proxy's header changes the response to that request only.
    """
    proxy_scheme = HTTPConnection(scope).headers.get("x-forwarded-proto", "")
    return scope["scheme"] == "https" or proxy_scheme.strip().casefold() == "https"


def _add_headers(headers: MutableHeaders, *, is_tls: bool) -> None:
    headers["Content-Security-Policy"] = content_security_policy()
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Permissions-Policy"] = ", ".join(f"{name}=()" for name in _PERMISSIONS)
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if not is_tls:
        return
    headers["Strict-Transport-Security"] = f"max-age={_HSTS_SECONDS}"
    # Streamlit sets its own cookies without Secure, since it does not know of the proxy.
    cookies = [cookie for name, cookie in headers.items() if name == "set-cookie"]
    del headers["set-cookie"]
    for cookie in cookies:
        is_secure = "secure" in (part.strip().casefold() for part in cookie.split(";"))
        headers.append("Set-Cookie", cookie if is_secure else f"{cookie}; Secure")


# What the headers of a request may be, checked before anything reads them.
#
# Python before 3.11.10 and 3.12.6 needs seconds for a Cookie header of some kilobytes with
# backslashes (CVE-2024-7592), and no cookie of this server has one.

MAX_HEADER_BYTES = 16 * 1024
"""Names and values together; browsers and proxies send one or two kilobytes."""


class HeaderLimits:
    """ASGI middleware, the outermost: refuses a request or web socket by its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        reason = find_refusal(scope.get("headers", ()))
        if reason is None:
            await self._app(scope, receive, send)
            return
        status, key = reason
        body = "\n".join(text(key, language) for language in ("sv", "en"))
        await PlainTextResponse(body, status, {"Connection": "close"})(scope, receive, send)


def find_refusal(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """Return the status and the key of the text with which headers are refused, or None."""
    length = 0
    for name, value in headers:
        length += len(name) + len(value)
        if name == b"cookie" and b"\\" in value:
            return 400, "access.cookie_refused"
    return (431, "access.headers_too_long") if length > MAX_HEADER_BYTES else None
