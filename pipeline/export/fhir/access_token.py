"""OAuth 2 client credentials (RFC 6749 §4.4): a token is asked for when there is none, when it ends, and once when the server refuses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import httpx

from pipeline.errors import SettingsError, TargetDeniedError
from pipeline.settings import Settings

_EARLY_SECONDS = 30.0
_HOUR = 3600.0


class ClientCredentials(httpx.Auth):
    """Puts a token on each request. The secret goes to the token address alone and is never shown."""

    requires_response_body = True

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._scope = settings.fhir_token_url, settings.fhir_scope
        self._basic = httpx.BasicAuth(settings.fhir_client_id, secret(settings))
        self._clock = clock
        self._token, self._until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with a token."""
        fresh = not self._token or self._clock() >= self._until
        if fresh:
            self._take((yield self._asking(request)))
        response = yield self._with_token(request)
        if response.status_code == httpx.codes.UNAUTHORIZED and not fresh:
            self._take((yield self._asking(request)))
            yield self._with_token(request)

    def _asking(self, request: httpx.Request) -> httpx.Request:
        """Waits no longer than the request that it is for: httpx gives a request that it has not built no timeout at all."""
        scope = {"scope": self._scope} if self._scope else {}
        form = {"grant_type": "client_credentials"} | scope
        asking = httpx.Request("POST", self._url, data=form, headers={"Accept": "application/json"}, extensions=dict(request.extensions))
        return next(self._basic.auth_flow(asking))

    def _take(self, response: httpx.Response) -> None:
        """A token server that is away says so like the FHIR server does; one that answers no is a denial."""
        if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise httpx.RemoteProtocolError(f"the token server answered {response.status_code}", request=response.request)
        try:
            answer = response.json() if response.is_success else {}
            token, seconds = str(answer["access_token"]), float(answer.get("expires_in", _HOUR))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._token = ""
            raise TargetDeniedError("token_server_gave_no_token", status_code=response.status_code) from error
        self._token, self._until = token, self._clock() + seconds - _EARLY_SECONDS

    def _with_token(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def secret(settings: Settings) -> str:
    """The client's secret, from its file if there is one.

    Raises:
        SettingsError: the file cannot be read.
    """
    if settings.fhir_client_secret_file is None:
        return settings.fhir_client_secret.get_secret_value()
    try:
        return settings.fhir_client_secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("file_setting_fhir_client_secret") from error
