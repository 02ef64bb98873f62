"""What the headers of a request may be, checked before anything reads them.

Python before 3.11.10 and 3.12.6 needs seconds for a Cookie header of some kilobytes with
backslashes (CVE-2024-7592), and no cookie of this server has one.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.texts import text

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
