"""The connection to a FHIR server: address, credentials, and retries while it is away.

No URL holds a personal number (clients are in bodies only), and neither requests nor answers are
logged. Credentials are OAuth 2 client credentials (RFC 6749 §4.4): a token is requested when
there is none, when it expires, and once when the server refuses it.
"""

from __future__ import annotations

import random
import re
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
from pipeline.export.fhir.resource_context import Resource
from pipeline.store.database.clock import utc_now

MEDIA_TYPE = "application/fhir+json"
MAX_WAIT_SECONDS = 60.0
"""The longest wait between two attempts."""
_RENEW_BEFORE_SECONDS = 30.0
"""A token is renewed this long before it expires."""
_DEFAULT_LIFETIME_SECONDS = 3600.0
"""Lifetime of a token whose answer gives none."""
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_UNAVAILABLE_CODES = frozenset({408, 425, 429, 500, 502, 503, 504})
_RETRY_CODES = _UNAVAILABLE_CODES | {409}
"""409: another transaction was in the way."""
_REFUSED_CODES = frozenset({400, 409, 410, 412, 413, 422})
_LOGICAL_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class ClientCredentials(httpx.Auth):
    """Puts a token on each request. The secret is sent to the token server only."""

    requires_response_body = True

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._scope = settings.fhir_token_url, settings.fhir_scope
        self._basic = httpx.BasicAuth(settings.fhir_client_id, read_client_secret(settings))
        self._clock = clock
        self._token, self._until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yield the request with a token, after a request for the token where it is needed."""
        is_new = not self._token or self._clock() >= self._until
        if is_new:
            self._store_token((yield self._token_request(request)))
        response = yield self._authorize(request)
        # A token may be revoked before it expires; a new one that is refused is a denial.
        if response.status_code == httpx.codes.UNAUTHORIZED and not is_new:
            self._store_token((yield self._token_request(request)))
            yield self._authorize(request)

    def _token_request(self, request: httpx.Request) -> httpx.Request:
        """Return the request for a token, with the timeout of the request that it is for.

        httpx gives a request that it has not built no timeout at all.
        """
        scope = {"scope": self._scope} if self._scope else {}
        form = {"grant_type": "client_credentials"} | scope
        token_request = httpx.Request(
            "POST",
            self._url,
            data=form,
            headers={"Accept": "application/json"},
            extensions=dict(request.extensions),
        )
        return next(self._basic.auth_flow(token_request))

    def _store_token(self, response: httpx.Response) -> None:
        """Keep the token of an answer.

        Raises:
            RemoteProtocolError: the token server is away, as the FHIR server may be.
            TargetAccessError: it gives no token.
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
    """Read the client's secret, from its file if there is one.

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
    """The answer to a request: `accepted`, or refused with the reason in `body`."""

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
            TargetUnavailableError: the server is away, also after all attempts.
            TargetAccessError: it denies access.
            TargetIncompatibleError: what answers takes no transactions.
        """
        return self._request(
            "POST",
            "",
            json=bundle,
            headers={"Content-Type": MEDIA_TYPE, "Prefer": "return=minimal"},
        )

    def search(self, kind: str, **parameters: str) -> list[Resource]:
        """Return the resources that a search finds. Errors as `transact`.

        Raises:
            TargetIncompatibleError: the server cannot search so, or finds more than a hundred.
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

    def read(self, reference: str) -> Resource | None:
        """Return a resource by a reference such as `Patient/1`; None if the server lacks it.

        Errors as `transact`. A reference to another server is not followed.
        """
        kind, _, name = reference.removeprefix(f"{self._client.base_url}").partition("/")
        if not (kind.isalpha() and _LOGICAL_ID.fullmatch(name.partition("/_history/")[0])):
            return None
        reply = self._request("GET", f"{kind}/{name}", kind=kind)
        return reply.body if reply.accepted else None

    def _request(self, method: str, path: str, kind: str = "Bundle", **request: Any) -> ServerReply:  # noqa: ANN401 - httpx's own arguments
        """Send a request until it is answered; a busy server or a lost connection is retried.

        Args:
            kind: type of the resource that answers.
        """
        for attempt in range(1, self._attempts + 1):
            reason, wait = "", 0.0
            try:
                response = self._client.request(method, path, **request)
            except httpx.TransportError as error:
                reason = type(error).__name__
            else:
                if response.status_code not in _RETRY_CODES:
                    return _parse_reply(response, kind)
                reason, wait = str(response.status_code), _retry_after_seconds(response)
            # Wait as long as the server asks, else twice as long each time with some chance.
            if attempt < self._attempts:
                self._sleep(
                    min(max(wait, 2 ** (attempt - 1) * random.uniform(0.5, 1)), MAX_WAIT_SECONDS)
                )
        # A conflict that remains is a refusal, not an absence.
        if reason in {str(code) for code in _RETRY_CODES - _UNAVAILABLE_CODES}:
            return _parse_reply(response, kind)
        raise TargetUnavailableError("fhir_server_away", why=reason)


@contextmanager
def connect_fhir_server(settings: Settings) -> Iterator[FhirServer]:
    """Connect to the server of the settings.

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


def _parse_reply(response: httpx.Response, kind: str) -> ServerReply:
    code = response.status_code
    if code in (401, 403):
        raise TargetAccessError("fhir_server_does_not_let", code=code)
    body = _parse_resource(response)
    if response.is_success and body.get("resourceType") == kind:
        return ServerReply(True, body)
    # A search of what a server never has is answered with a bundle: only a read can miss.
    if code == httpx.codes.NOT_FOUND and kind != "Bundle":
        return ServerReply(False, body)
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
    """Return the seconds of the header Retry-After, a number or a date; 0 without one."""
    value = response.headers.get("Retry-After", "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - utc_now()).total_seconds())
    except (ValueError, TypeError):
        return 0.0
