"""The cookie by which a browser is known again: random, out of reach of scripts, and given once."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ui.access.cookie import DEVICE_COOKIE, DeviceCookie


def page(_request: Request) -> Response:
    return HTMLResponse("<p>")


def data(_request: Request) -> Response:
    return JSONResponse({})


APP = Starlette(
    routes=[Route("/", page), Route("/data", data)], middleware=[Middleware(DeviceCookie)]
)


def set_cookie(path: str = "/", scheme: str = "http", **headers: str) -> str:
    """The cookie that an answer sets, or nothing."""

    async def ask() -> str:
        transport = httpx.ASGITransport(app=APP)
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://test") as client:
            answer = await client.get(path, headers=headers)
        return str(answer.headers.get("set-cookie", ""))

    return asyncio.run(ask())


def test_each_browser_gets_one_of_its_own_with_the_page_and_keeps_it() -> None:
    cookie = set_cookie()
    assert cookie.startswith(f"{DEVICE_COOKIE}=")
    assert len(cookie.partition(";")[0]) > 40
    assert "; HttpOnly; SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert cookie != set_cookie()
    assert set_cookie(cookie=cookie.partition(";")[0]) == ""
    assert set_cookie("/data") == ""


@pytest.mark.parametrize(
    ("scheme", "headers"), [("https", {}), ("http", {"x-forwarded-proto": "https"})]
)
def test_behind_tls_it_is_secure(scheme: str, headers: dict[str, str]) -> None:
    assert set_cookie(scheme=scheme, **headers).endswith("; Secure")
