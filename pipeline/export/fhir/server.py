"""A FHIR server: where it is, who we are there, and patience while it is away.

No address holds a personal number (clients go in bodies only), and neither what was sent nor
what was answered is logged.

OAuth 2 client credentials (RFC 6749 §4.4): a token is asked for when there is none, when it
ends, and once when the server refuses it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from pipeline.domain.errors import (
    SettingsError,
    TargetAccessError,
    TargetIncompatibleError,
    TargetUnavailableError,
)
from pipeline.domain.settings import Settings
from pipeline.export.fhir.common import Resource
from pipeline.store.database.clock import utc_now

_RENEW_BEFORE_SECONDS = 30.0
_DEFAULT_LIFETIME_SECONDS = 3600.0
MEDIA_TYPE = "application/fhir+json"
MAX_WAIT_SECONDS = 60.0
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_UNAVAILABLE_CODES = frozenset({408, 425, 429, 500, 502, 503, 504})
_RETRY_CODES = _UNAVAILABLE_CODES | {409}
"""409: another transaction was in the way."""
_REFUSED_CODES = frozenset({400, 409, 410, 412, 413, 422})


class ClientCredentials(httpx.Auth):
    """Puts a token on each request. The secret goes to the token address alone and is never shown."""

    requires_response_body = True

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._scope = settings.fhir_token_url, settings.fhir_scope
        self._basic = httpx.BasicAuth(settings.fhir_client_id, read_client_secret(settings))
        self._clock = clock
        self._token, self._until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with a token."""
        fresh = not self._token or self._clock() >= self._until
        if fresh:
            self._store_token((yield self._token_request(request)))
        response = yield self._authorize(request)
        if response.status_code == httpx.codes.UNAUTHORIZED and not fresh:
            self._store_token((yield self._token_request(request)))
            yield self._authorize(request)

    def _token_request(self, request: httpx.Request) -> httpx.Request:
        """Waits no longer than the request that it is for: httpx gives a request that it has not
        built no timeout at all.
        """
        scope = {"scope": self._scope} if self._scope else {}
        form = {"grant_type": "client_credentials"} | scope
        asking = httpx.Request(
            "POST",
            self._url,
            data=form,
            headers={"Accept": "application/json"},
            extensions=dict(request.extensions),
        )
        return next(self._basic.auth_flow(asking))

    def _store_token(self, response: httpx.Response) -> None:
        """A token server that is away says so like the FHIR server does; one that answers no is a
        denial.
        """
        if response.is_server_error or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise httpx.RemoteProtocolError(
                f"the token server answered {response.status_code}", request=response.request
            )
        try:
            answer = response.json() if response.is_success else {}
            token, seconds = (
                str(answer["access_token"]),
                float(answer.get("expires_in", _DEFAULT_LIFETIME_SECONDS)),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._token = ""
            raise TargetAccessError(
                "token_server_gave_no_token", status_code=response.status_code
            ) from error
        self._token, self._until = token, self._clock() + seconds - _RENEW_BEFORE_SECONDS

    def _authorize(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def read_client_secret(settings: Settings) -> str:
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


@dataclass(frozen=True, slots=True)
class ServerReply:
    """What the server says to a request that it has understood: `accepted`, or not and then why."""

    accepted: bool
    body: Resource


class FhirServer:
    """A connection. `sleep` waits between attempts."""

    def __init__(
        self, client: httpx.Client, attempts: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._attempts, self._sleep = client, attempts, sleep

    def transact(self, bundle: Resource) -> ServerReply:
        """Post a transaction.

        Raises:
            TargetAwayError: the server is away, also after all attempts.
            TargetDeniedError: it does not let us in.
            TargetUnfitError: what is there takes no transactions.
        """
        return self._request(
            "POST",
            "",
            json=bundle,
            headers={"Content-Type": MEDIA_TYPE, "Prefer": "return=minimal"},
        )

    def search(self, kind: str, **parameters: str) -> list[Resource]:
        """The resources that a search finds. Errors as `transact`.

        Raises:
            TargetUnfitError: the server cannot search so, or finds more than a hundred.
        """
        reply = self._request("GET", kind, params=parameters | {"_count": "100"})
        if not reply.accepted or any(
            link.get("relation") == "next" for link in reply.body.get("link", [])
        ):
            raise TargetIncompatibleError("fhir_server_not_search_our", kind=kind)
        return [
            entry["resource"]
            for entry in reply.body.get("entry", [])
            if entry.get("resource", {}).get("resourceType") == kind
        ]

    def _request(self, method: str, path: str, **request: Any) -> ServerReply:  # noqa: ANN401 - httpx's own arguments
        for attempt in range(1, self._attempts + 1):
            why, wait = "", 0.0
            try:
                response = self._client.request(method, path, **request)
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if response.status_code not in _RETRY_CODES:
                    return _parse_reply(response)
                why, wait = str(response.status_code), _retry_after_seconds(response)
            if attempt < self._attempts:
                self._sleep(
                    min(max(wait, 2 ** (attempt - 1) * random.uniform(0.5, 1)), MAX_WAIT_SECONDS)
                )
        if why in {str(code) for code in _RETRY_CODES - _UNAVAILABLE_CODES}:
            return _parse_reply(response)
        raise TargetUnavailableError("fhir_server_away", why=why)


@contextmanager
def connect_fhir_server(settings: Settings) -> Iterator[FhirServer]:
    """The server of the settings.

    Raises:
        SettingsError: no server is set, or its address is not encrypted.
    """
    for name in ("fhir_url", "fhir_token_url"):
        _check_address(name, getattr(settings, name), needed=name == "fhir_url")
    auth = ClientCredentials(settings) if settings.fhir_token_url else None
    headers = {"Accept": MEDIA_TYPE}
    with httpx.Client(
        base_url=settings.fhir_url.rstrip("/"),
        auth=auth,
        timeout=settings.fhir_seconds,
        headers=headers,
    ) as client:
        yield FhirServer(client, settings.fhir_attempts)


def _check_address(name: str, address: str, *, needed: bool) -> None:
    if not address and not needed:
        return
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host:
        raise SettingsError("setting_names_no_server", name=name)
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOCAL_HOSTS):
        raise SettingsError("setting_not_encrypted", name=name)


def _parse_reply(response: httpx.Response) -> ServerReply:
    code = response.status_code
    if code in (401, 403):
        raise TargetAccessError("fhir_server_does_not_let", code=code)
    body = _parse_resource(response)
    if response.is_success and body.get("resourceType") == "Bundle":
        return ServerReply(True, body)
    if code in _REFUSED_CODES:
        return ServerReply(False, body)
    raise TargetIncompatibleError("address_setting_fhir_url_no", code=code)


def _parse_resource(response: httpx.Response) -> Resource:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after_seconds(response: httpx.Response) -> float:
    """Seconds of the header Retry-After, 0 without one."""
    said = response.headers.get("Retry-After", "")
    if said.isdigit():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - utc_now()).total_seconds())
    except (ValueError, TypeError):
        return 0.0
